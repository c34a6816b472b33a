"""The whole path through the command line, in a small project of its own."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

from helpers import UserError
from helpers.runs import pipeline
from helpers.runs.planned import PlannedRun
from helpers.runs.schema import comparable, load_record
from tests.runs.conftest import Project

pytestmark = pytest.mark.slow


def started(done):
    return [line for line in done.stderr.splitlines() if line.endswith(": started")]


def wait_for(path_or_test, seconds=60):
    end = time.monotonic() + seconds
    while not path_or_test():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_only_what_changed_runs_again(project):
    first = project.run("pipeline", cwd=project.root.parent)  # from any folder
    assert first.returncode == 0, first.stderr
    assert sorted(started(first)) == ["01_adds_numbers: started", "02_takes_a_while: started"]
    report = project.root / "build" / "report" / "index.html"
    assert first.stdout.strip() == f"2 runs up to date. Report: {report}"
    before = project.contents()

    (project.root / "helpers/tasks/unused.py").write_text("OFFSET = 5\n")
    (project.root / "helpers/__main__.py").touch()
    (project.root / "helpers/tasks/used.py").touch()  # newer, but the same
    clock = time.perf_counter()
    assert started(project.run("pipeline")) == []
    assert time.perf_counter() - clock < 10
    assert project.contents() == before

    older = report.stat().st_mtime_ns
    (project.root / "helpers/tasks/used.py").write_text("OFFSET = 100\n")
    again = project.run("pipeline")
    assert started(again) == ["01_adds_numbers: started"]
    assert again.returncode == 0, again.stderr
    assert report.stat().st_mtime_ns > older
    changed = {name for name, text in project.contents().items() if text != before[name]}
    assert [name.split("/")[2] for name in changed] == ["01_adds_numbers"]

    full = project.run("pipeline", "--profile", "full")
    assert started(full) == ["01_adds_numbers numbers=[5]: started"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The record of a run of two seconds that nobody killed."""
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    assert project.run("run", "02", "-p", "seconds", "2", "-p", "seed", "7").returncode == 0
    [path] = project.records().values()
    return load_record(path)


@pytest.mark.parametrize("victim", ["pipeline", "job", "kernel"])
def test_a_kill_loses_nothing_and_leaves_nothing_half_done(project, undisturbed, victim):
    grid = project.root / "grid.yaml"
    grid.write_text("notebook: '02'\nparameters: {seconds: [0.25, 2], seed: [7]}\n")
    process = project.start("pipeline", "--grid", "grid.yaml", "--cores", "1")
    lines = iter(process.stderr.readline, "")
    next(line for line in lines if "seconds=2.0" in line and "started" in line)

    def kernels():
        tree = psutil.Process(process.pid).children(recursive=True)
        return [one for one in tree if "ipykernel_launcher" in " ".join(one.cmdline())]

    wait_for(kernels)
    time.sleep(0.5)
    family = psutil.Process(process.pid).children(recursive=True)
    [kernel] = kernels()
    target = {"pipeline": process.pid, "job": kernel.ppid(), "kernel": kernel.pid}[victim]
    os.kill(target, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not [path for path in project.records().values() if '"seconds": 2.0' in path.read_text()]
    # nobody who worked for the pipeline outlives it
    assert psutil.wait_procs(family, timeout=10)[1] == []

    again = project.run("pipeline", "--grid", "grid.yaml")
    assert again.returncode == 0, again.stderr
    assert "02_takes_a_while seconds=2.0 seed=7: started" in started(again)
    assert len(project.contents()) == 2
    [path] = [path for path in project.records().values() if '"seconds": 2.0' in path.read_text()]
    assert comparable(undisturbed) == comparable(load_record(path))
    leftovers = [path.name for path in (project.root / "build/runs").glob("*/.*")]
    assert leftovers == []


def test_a_signal_to_end_that_comes_while_a_job_is_noted_as_done_ends_it_all_the_same():
    pipeline._end_without_deadlock()
    scheduler = JobScheduler.__new__(JobScheduler)
    scheduler._lock, scheduler._open_jobs = threading.Lock(), threading.Semaphore(0)
    scheduler._user_kill = None
    before = signal.signal(signal.SIGTERM, scheduler.exit_gracefully)
    try:
        with scheduler._lock:  # as while it notes that a job is done
            signal.raise_signal(signal.SIGTERM)
        assert scheduler._open_jobs.acquire(timeout=10)
        assert scheduler._user_kill == "graceful"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_half_written_files_are_not_taken_for_done(project):
    (project.root / "notebooks/01_adds_numbers.ipynb").unlink()  # one is enough here
    folder = project.root / "build" / "runs" / "02_takes_a_while"
    whole = project.run("run", "02")
    assert whole.returncode == 0
    [record] = folder.glob("*.json")
    text = comparable(load_record(record))
    # what a kill leaves: a notebook without its record, and temporary files
    record.rename(folder / f".123.{record.name}")
    done = project.run("pipeline")
    assert "02_takes_a_while: started" in started(done)
    assert comparable(load_record(record)) == text
    assert not list(folder.glob(".*"))


def test_one_failure_does_not_stop_the_others_and_only_it_runs_again(project):
    broken = project.add("fails_with_a_sentence", "00_fails")
    failed = project.run("pipeline")
    assert failed.returncode == 1
    assert (
        "00_fails: failed. The file news.csv has no column 'text'; its columns are: a, b.\n"
    ) in failed.stderr
    assert "2 of 3 runs are done, the report was not built; missing: 00_fails." in failed.stderr
    assert "Traceback" not in failed.stderr
    assert len(project.contents()) == 2
    broken.unlink()
    mended = project.run("pipeline")
    assert (mended.returncode, started(mended)) == (0, [])


def test_a_report_that_cannot_be_built_leaves_the_old_one(project):
    assert project.run("pipeline").returncode == 0
    report = project.root / "build" / "report" / "index.html"
    text = report.read_text()
    added = project.add("01_adds_numbers", "00_fails")
    failed = project.run("pipeline")
    assert failed.returncode == 1
    assert "3 of 3 runs are done, the report was not built. The same" in failed.stderr
    assert report.read_text() == text
    added.unlink()
    assert project.run("pipeline").returncode == 0


def test_two_pipelines_in_one_folder_are_refused(project):
    (project.root / "grid.yaml").write_text("notebook: '02'\nparameters: {seconds: [30]}\n")
    first = project.start("pipeline", "--grid", "grid.yaml")
    next(line for line in iter(first.stderr.readline, "") if "started" in line)
    second = project.run("pipeline")
    assert second.returncode == 2
    assert second.stderr == (
        f"error: Another pipeline (process {first.pid}) is running in {project.root}; wait for it "
        "or end it.\n"
    )
    first.kill()
    first.communicate()


def test_a_sweep_says_what_it_did_as_json(project):
    grid = project.root / "g.yaml"
    grid.write_text("notebook: '01'\nparameters: {scale: {from: 1, to: 2, points: 2}}\nseeds: 1\n")
    done = project.run("sweep", "g.yaml", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["run"] for one in told["done"]] == ["01_adds_numbers", "01_adds_numbers scale=2.0"]
    assert all(Path(one["record"]).exists() for one in told["done"]) and told["missing"] == []
    assert Path(told["summary"]).read_text().count("01_adds_numbers") == 2


def test_a_run_says_where_its_results_are(project):
    done = project.run("run", "01", "--json")
    told = json.loads(done.stdout)
    assert load_record(told["record"]).notebook == "01_adds_numbers"
    assert Path(told["notebook"]).exists()


def test_a_run_over_its_time_is_ended_and_tried_again_and_the_others_go_on(project):
    grid = project.root / "g.yaml"
    grid.write_text(
        "notebook: '02'\nparameters: {seconds: [0.25, 60]}\nminutes: 0.15\nretries: 1\n"
    )
    done = project.run("sweep", "g.yaml")
    assert done.returncode == 1
    line = "seconds=60.0: failed. It was ended after 0.15 minutes, its limit."
    assert done.stderr.count(line) == 2  # tried again once
    assert "Traceback" not in done.stderr
    assert len(project.records()) == 1
    assert "1 of 2 runs are done" in done.stderr


def test_runs_that_need_a_gpu_go_one_after_the_other_where_there_is_one(monkeypatch):
    runs = [PlannedRun(Path("a.ipynb"), {}, {}, gpus=gpus) for gpus in (0, 2)]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert pipeline._share_gpus(runs, []) == ["--resources", "gpu=2"]
    assert pipeline._share_gpus(runs[:1], []) == []
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert pipeline._share_gpus(runs, ["--executor", "slurm"]) == []
    assert pipeline._share_gpus(runs, ["--executor=slurm"]) == []
    with pytest.raises(UserError) as told:
        pipeline._share_gpus(runs, ["--jobs", "4"])
    assert str(told.value) == (
        "A run needs 2 GPUs (`gpus` in the grid), this machine has 1: leave `gpus` out to compute "
        "on what is there, or name an executor, as `-- --executor slurm`."
    )


BAD = [
    (["sweep", "nowhere.yaml"], "error: There is no file nowhere.yaml."),
    (["run", "03"], "error: There is no notebook '03'. Known: 01_adds_numbers, 02_takes_a_while."),
    (
        ["run", "01", "-p", "number", "3"],
        "error: 01_adds_numbers has no parameter 'number'. Did you mean 'numbers'?",
    ),
    (
        ["run", "01", "-p", "numbers", "[0]"],
        "error: 01_adds_numbers: numbers must hold numbers in [1, inf), not 0.",
    ),
    (
        ["pipeline", "--grid", "grid.yaml"],
        "error: 01_adds_numbers: scale must be in (0, 10], not 11.0.",
    ),
    (["pipeline", "--grid", "nowhere.yaml"], "error: There is no file nowhere.yaml."),
    (
        ["report"],
        "error: 2 of 2 runs are not done (01_adds_numbers, …): run `python -m helpers pipeline` "
        "first.",
    ),
]


@pytest.mark.parametrize(("words", "line"), BAD)
def test_bad_input_is_one_line_and_exit_code_2(project, words, line):
    (project.root / "grid.yaml").write_text("notebook: '01'\nparameters: {scale: [1, 11]}\n")
    done = project.run(*words)
    assert (done.returncode, done.stderr, done.stdout) == (2, line + "\n", "")
    assert not (project.root / "build" / "runs").exists()


def test_run_tells_where_the_results_are_and_report_reports_them(project):
    done = project.run("run", "01", "-p", "numbers", "[4, 5]", "-p", "corpus", "007")
    assert done.returncode == 0
    assert "01_adds_numbers numbers=[4, 5] corpus=007: finished in" in done.stderr
    [path] = project.records().values()
    assert load_record(path).parameters["corpus"] == "007"
    assert str(path) in done.stdout
    project.run("run", "01")
    project.run("run", "02")
    report = project.run("report")
    assert (report.returncode, report.stdout) == (0, "Report: build/report/index.html\n")


def test_help_teaches(project):
    text = project.run("--help").stdout
    for word in ("run", "pipeline", "notebooks", "report", "data", "examples:", "Exit codes"):
        assert word in text
    assert "-p NAME VALUE" in project.run("run", "--help").stdout
    assert project.run("pipelin").returncode == 2
