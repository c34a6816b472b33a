"""A sweep through the Kubernetes profile: a part of ``make test-cluster``.

No cluster is needed: a stand-in plays kubectl (the file of that name beside this one), checks each
job against Kubernetes' own schema and runs its command here. What it cannot tell is whether an
image and the volume of a real cluster are as README asks.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from helpers import ROOT
from tests.cluster.slurm import GRID, install_plugins
from tests.runs.conftest import Project

PROFILE = Path("notebooks") / "profiles" / "kubernetes"


def main() -> int:
    """Run four notebooks as jobs, two with a GPU; return 0 if all left their records."""
    plugins = install_plugins()
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        jobs, tools, root = (Path(folder) / name for name in ("jobs", "tools", "project"))
        for one in (jobs, tools, root):
            one.mkdir()
        (tools / "kubectl").symlink_to(Path(__file__).with_name("kubectl"))
        Project(root)
        shutil.copytree(ROOT / PROFILE, root / PROFILE)
        (root / "g.yaml").write_text(GRID)
        words = ["sweep", "g.yaml", "--json", "--", "--profile", str(PROFILE)]
        done = subprocess.run(
            [sys.executable, "-m", "helpers", *words, "--seconds-between-status-checks", "1"],
            cwd=root,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join([str(root), str(plugins)]),
                "PATH": os.pathsep.join(
                    [str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]
                ),
                "JOBS": str(jobs),
            },
            capture_output=True,
            text=True,
            timeout=600,
        )
        print(done.stderr, file=sys.stderr)
        told = json.loads(done.stdout) if done.stdout.strip() else {"done": []}
        asked = [json.loads(path.read_text()) for path in jobs.glob("*.json")]
        gpus = [
            one["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"][
                "nvidia.com/gpu"
            ]
            for one in asked
        ]
    print(
        f"{len(told['done'])} of 4 runs left a record; {len(asked)} Kubernetes jobs, valid by its "
        f"schema, {gpus.count('1')} of them with a GPU."
    )
    good = done.returncode == 0 and len(told["done"]) == len(asked) == 4 and gpus.count("1") == 2
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
