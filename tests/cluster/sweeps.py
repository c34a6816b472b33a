"""What a sweep through any cluster needs here: a grid, plugins beside the environment, a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

from helpers import ROOT
from tests.runs.conftest import Project

GRID = """\
- {notebook: '02', parameters: {seconds: [0.5]}, seeds: 2, minutes: 5}
- {notebook: '02', parameters: {seconds: [1.0]}, seeds: 2, minutes: 5, gpus: 1}
"""


STUDY = """\
- notebook: "08"
  parameters: {arms: [[majority, tfidf]], labels: [64, 256], draws: [12], trials: [missing]}
  minutes: 20
"""
"""Two runs that need four trials each that do not come with the project: draws 10 and 11."""


def install_plugins() -> Path:
    """Install what `requirements-cluster.txt` names beside the environment; return where."""
    place = ROOT / "build" / "cluster" / "plugin"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
    wanted = ["--target", str(place), "-r", str(ROOT / "requirements-cluster.txt")]
    subprocess.run([*pip, *wanted], check=True)
    return place


def sweep(project: Project, plugins: Path, *snakemake: str, **environment: str) -> tuple[int, bool]:
    """Run the grid's four notebooks by words for snakemake; what it says goes to stderr.

    Returns how many left a record, and whether the command said that all is well.
    """
    (project.root / "g.yaml").write_text(GRID)
    paths = {"PYTHONPATH": os.pathsep.join([str(project.root), str(plugins)])}
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "sweep", "g.yaml", "--json", "--", *snakemake],
        cwd=project.root,
        env=os.environ | paths | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    print(done.stderr, file=sys.stderr)
    records = len(json.loads(done.stdout)["done"]) if done.stdout.strip() else 0
    return records, done.returncode == 0


def study(plugins: Path, folder: Path, *snakemake: str) -> tuple[int, bool]:
    """Train what two runs of a notebook lack in jobs that share a folder of trials.

    Returns how many trials are in it afterwards, and whether the command said that all is well.
    """
    grid, trials = folder / "study.yaml", folder / "trials"
    grid.write_text(STUDY)
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(plugins)])}
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "sweep", str(grid), "--", *snakemake],
        cwd=ROOT,
        env=os.environ | paths | {"TRANSFER_TRIALS_DIR": str(trials)},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    print(done.stderr, file=sys.stderr)
    kept = [path for path in trials.glob("*/*.safetensors") if path.parent.name != "inputs"]
    return len(kept), done.returncode == 0
