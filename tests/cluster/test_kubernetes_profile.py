"""The three scripts of the Kubernetes profile, with a kubectl that tells what it was asked."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from helpers import ROOT

PROFILE = ROOT / "notebooks" / "profiles" / "kubernetes"
SCRIPT = '#!/bin/sh\n# properties = {"rule": "run", "resources": {"mem_mb": 9%s}}\n'


@pytest.fixture
def ask(tmp_path):
    """Run a script in a project's folder beside a kubectl of the given body."""

    def run(script: str, *words: str, kubectl: str, folder: str = "project"):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        tool = tmp_path / "kubectl"
        tool.write_text(f"#!/bin/sh\n{kubectl}\n")
        tool.chmod(0o755)
        path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
        return subprocess.run(
            [PROFILE / script, *words],
            cwd=place,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(("told", "gpus"), [("", "0"), (', "gpu": 2', "2")])
def test_submit_fills_in_the_job(ask, tmp_path, told, gpus):
    script = tmp_path / "snakejob.run.1.sh"
    script.write_text(SCRIPT % told)
    done = ask("submit", "2", "4000", "31", str(script), kubectl=f"cat > {tmp_path}/in; echo job-1")
    assert (done.returncode, done.stdout) == (0, "job-1\n")
    text = Path(tmp_path / "in").read_text()
    pod = yaml.safe_load(text)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    folder = str(tmp_path / "project")
    assert container["command"] == ["sh", str(script)]
    assert container["workingDir"] == container["volumeMounts"][0]["mountPath"] == folder
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "4000Mi"},
        "limits": {"memory": "4000Mi", "nvidia.com/gpu": gpus},
    }
    assert pod["activeDeadlineSeconds"] == 31 * 60
    assert all("@" not in line for line in text.splitlines() if not line.startswith("#"))


def test_submit_refuses_a_path_that_the_manifest_could_misread(ask, tmp_path):
    done = ask("submit", "2", "4000", "31", "/x.sh", kubectl="touch asked", folder="a|b & c")
    assert done.returncode == 2
    assert done.stderr == (
        "On Kubernetes the project's path may have letters, digits and / . _ - only: "
        f"{tmp_path}/a|b & c\n"
    )
    assert not (tmp_path / "a|b & c" / "asked").exists()


@pytest.mark.parametrize(
    ("kubectl", "status"),
    [
        ("printf 'there '", "running"),
        ("printf 'there Suspended'", "running"),
        ("printf 'there FailureTarget'", "running"),  # its pods are still being ended
        ("printf 'there SuccessCriteriaMet Complete'", "success"),
        ("printf 'there FailureTarget Failed'", "failed"),
        ("true", "failed"),  # deleted by somebody
        ("exit 1", "running"),  # no answer
    ],
)
def test_status(ask, kubectl, status):
    assert ask("status", "job-1", kubectl=kubectl).stdout == f"{status}\n"


def test_cancel_deletes_the_jobs_and_does_not_wait(ask):
    done = ask("cancel", "job-1", "job-2", kubectl='echo "$@"')
    assert done.stdout == "delete job --ignore-not-found --wait=false job-1 job-2\n"
