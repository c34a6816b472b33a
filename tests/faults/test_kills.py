"""Kills at random moments: nothing is lost, nothing half-written, a rerun is as if undisturbed."""

import json
import os
import random
import signal
import time

import psutil
import pytest

from helpers.runs.schema import load_record
from tests.runs.conftest import Project

GRID = """\
- {notebook: "02", parameters: {seconds: %s}}
- {notebook: "04", parameters: {steps: %s}}
"""


def new_project(folder, runs):
    folder.mkdir()
    project = Project(folder)
    project.add("04_trains")
    half = runs // 2
    (folder / "g.yaml").write_text(GRID % ([0.1, 0.6][:half], [300, 100][:half]))
    return project


def victims(process):
    """Processes by what they do, of a pipeline that is running now."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
        words = {one: " ".join(one.cmdline()) for one in family}
    except psutil.NoSuchProcess:
        return {}
    found = {"pipeline": psutil.Process(process.pid)} if process.poll() is None else {}
    for one, line in words.items():
        if "ipykernel_launcher" in line:
            found["kernel"] = one  # it trains, in half of the runs
        elif "--job" in line and "helpers run" in line:
            found["job"] = one
    return found


def kill_once(project, rng, victim):
    """Start the sweep, kill -9 one of its processes at a random moment; tell whether one died."""
    process = project.start("sweep", "g.yaml")
    end = time.monotonic() + rng.uniform(2.0, 9.0)
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.02)
    there = victims(process)
    died = victim in there
    if died:
        family = psutil.Process(process.pid).children(recursive=True)
        os.kill(there[victim].pid, signal.SIGKILL)
        if victim == "pipeline":
            process.communicate(timeout=60)
            assert psutil.wait_procs(family, timeout=15)[1] == []  # nobody outlives it
    if process.poll() is None:
        process.terminate()  # the rest of the sweep is for the next round
    process.communicate(timeout=90)
    # A record is whole whenever it is looked at. (One that was there may be made again, if the kill
    # came before snakemake had noted that its run was done.)
    for path in project.records().values():
        load_record(path)
    return died


def survive(tmp_path, kills, seed, runs):
    rng = random.Random(seed)
    undisturbed, project = (new_project(tmp_path / name, runs) for name in ("calm", "storm"))
    assert undisturbed.run("sweep", "g.yaml").returncode == 0
    died, rounds = 0, 0
    while died < kills and rounds < 3 * kills:
        if len(project.records()) == runs:  # all done: some are taken away, so that there is work
            for path in rng.sample(list(project.records().values()), runs - 1):
                path.unlink()
        died += kill_once(project, rng, rng.choice(["pipeline", "job", "kernel"]))
        rounds += 1
    assert died == kills
    again = project.run("sweep", "g.yaml", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["missing"] == []
    assert project.contents() == undisturbed.contents()
    assert not list((project.root / "build" / "runs").glob("*/.*"))
    assert len(project.contents()) == runs


@pytest.mark.slow
def test_a_few_kills_leave_no_trace(tmp_path):
    survive(tmp_path, kills=2, seed=0, runs=2)


@pytest.mark.faults
def test_thirty_kills_leave_no_trace(tmp_path):
    survive(tmp_path, kills=30, seed=1, runs=4)
