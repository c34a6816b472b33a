"""A full disk, a clock that runs backwards, no memory: told in a sentence, mended by a rerun."""

import os
import resource
import subprocess
import sys
import time

import pytest

from tests.runs.conftest import Project


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.mark.parametrize("most", [0, 3_000])  # bytes that a file may have: nothing, half a record
def test_a_full_disk_leaves_nothing_half_written(project, most):
    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    words = [sys.executable, "-m", "helpers", "run", "01"]
    # Python itself takes a module that it could write half of for whole, under such a limit.
    environment = project.environment | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        words, cwd=project.root, env=environment, preexec_fn=full, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert project.records() == {}
    assert not list((project.root / "build").glob("runs/*/*.ipynb"))
    again = project.run("run", "01")
    assert again.returncode == 0, again.stderr
    assert len(project.records()) == 1
    assert not list((project.root / "build" / "runs").glob("*/.*"))


@pytest.mark.parametrize("hours", [48, pytest.param(-48, marks=pytest.mark.faults)])
def test_a_clock_that_jumps_does_no_harm(project, hours):
    assert project.run("pipeline").returncode == 0
    before = project.contents()
    then = time.time() + 3600 * hours
    for path in [*project.root.rglob("*.ipynb"), *project.root.rglob("*.py")]:
        os.utime(path, (then, then))
    again = project.run("pipeline")
    assert again.returncode == 0, again.stderr
    assert project.contents() == before
    project.add("01_adds_numbers", "05_comes_later")
    later = project.run("pipeline")
    assert later.returncode == 0, later.stderr
    assert {name: text for name, text in project.contents().items() if name in before} == before
    assert len(project.contents()) == len(before) + 1


def test_no_memory_in_one_run_of_a_sweep_stops_only_that_one(project):
    project.add("03_eats_memory")
    grid = project.root / "g.yaml"
    grid.write_text("notebook: '03'\nparameters: {megabytes: [1, 90000, 2]}\n")
    done = project.run("sweep", "g.yaml")
    assert done.returncode == 1
    assert "03_eats_memory megabytes=90000: failed." in done.stderr and "MemoryError" in done.stderr
    assert "Traceback" not in done.stderr
    assert "2 of 3 runs are done" in done.stderr
    grid.write_text("notebook: '03'\nparameters: {megabytes: [1, 2]}\n")
    assert project.run("sweep", "g.yaml").returncode == 0
    assert len(project.records()) == 2
