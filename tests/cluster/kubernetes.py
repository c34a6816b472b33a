"""A sweep through the Kubernetes profile: a part of ``make test-cluster``.

No cluster is needed: a stand-in plays kubectl (the file of that name beside this one), checks each
job against Kubernetes' own schema and runs its command here. What it cannot tell is whether an
image and the volume of a real cluster are as README asks.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from helpers import ROOT
from tests.cluster.sweeps import install_plugins, sweep
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
        project = Project(root)
        shutil.copytree(ROOT / PROFILE, root / PROFILE)
        places = [str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]
        records, well = sweep(
            project, plugins, "--profile", str(PROFILE), "--seconds-between-status-checks", "1",
            PATH=os.pathsep.join(places), JOBS=str(jobs),
        )  # fmt: skip
        asked = [json.loads(path.read_text()) for path in jobs.glob("*.json")]
        gpus = [
            one["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"][
                "nvidia.com/gpu"
            ]
            for one in asked
        ]
    print(
        f"{records} of 4 runs left a record; {len(asked)} Kubernetes jobs, valid by its "
        f"schema, {gpus.count('1')} of them with a GPU."
    )
    return 0 if well and records == len(asked) == 4 and gpus.count("1") == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
