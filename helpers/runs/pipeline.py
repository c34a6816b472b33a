"""Drive snakemake: one run a folder at a time, tidy after a kill, checked before it starts."""

import contextlib
import fcntl
import functools
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from helpers import ROOT, UserError
from helpers.runs.plan import plan
from helpers.runs.planned import PlannedRun

REPORT = ROOT / "build" / "report" / "index.html"


def run_pipeline(
    profile: str = "quick",
    grid: Path | None = None,
    cores: int | None = None,
    extra: Sequence[str] = (),
    *,
    report: bool = True,
) -> int:
    """Bring the runs of a profile or grid and their report up to date; return the exit code.

    Everything is checked before the first notebook starts. A pipeline that was killed leaves
    nothing to mend: its half-finished runs are run again, the finished ones are kept.

    Args:
        profile: "quick" or "full".
        grid: a file as `helpers.runs.plan.plan` reads it, in place of the profile.
        cores: how many to use; None means all.
        extra: further arguments for snakemake, like ``["--executor", "slurm"]``.
        report: build it; else the runs alone.
    """
    # jobs load this module too, and have no use for the import graph
    from helpers.runs.dependencies import dependencies, module_dependencies

    runs = plan(profile, grid)
    extra = [*_share_gpus(runs, extra), *extra]
    config = [f"profile={profile}", *([f"grid={grid.resolve()}"] if grid else [])]
    arguments = [
        "report" if report else "runs",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--directory",
        str(ROOT),
    ]
    arguments += ["--cores", str(cores or "all"), "--config", *config]
    with only_one(ROOT):
        _not_from_the_future(module_dependencies("helpers.report.book"))
        for notebook in {run.notebook for run in runs}:
            _not_from_the_future(dependencies(notebook))
        made = [run.file(suffix) for run in runs for suffix in (".ipynb", ".json")]
        _not_from_the_future(path for path in made if path.exists())
        if any((ROOT / ".snakemake" / "locks").glob("*")):
            _snakemake([*arguments, "--unlock", "--quiet", "all"])
        arguments += ["--keep-going", "--rerun-incomplete", "--scheduler", "greedy"]
        # looking at all runs that wait, at each start, takes the longer the more they are
        arguments += ["--scheduler-subsample", "32"]
        # touched but unchanged inputs are told by their content, notebooks with figures too
        arguments += ["--max-checksum-file-size", "100MB", "--quiet", "all"]
        arguments += ["--retries", str(max(run.retries for run in runs)), *extra]
        code = _snakemake(arguments)
    if code == 0:
        link = f" Report: {REPORT}" if report else ""
        print(f"{len(runs)} {'run' if len(runs) == 1 else 'runs'} up to date.{link}")
    else:
        missing = [run.label for run in runs if not run.file(".json").exists()]
        named = "; ".join(missing[:3]) + ("; …" if len(missing) > 3 else "")
        print(
            f"{len(runs) - len(missing)} of {len(runs)} runs are done"
            f"{', the report was not built' if report else ''}"
            f"{'; missing: ' if missing else ''}{named}. The same command goes on where this one "
            "stopped.",
            file=sys.stderr,
        )
    return code


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold ``root`` for this process; a UserError names the one that holds it already.

    The lock goes with the process, however it ends.
    """
    path = root / "build" / ".pipeline.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise UserError(
                f"Another pipeline (process {file.read().strip() or '?'}) is running in {root}; "
                "wait for it or end it."
            ) from None
        foreign = _other_snakemake(root)
        if foreign:
            raise UserError(
                f"A snakemake (process {foreign}) is running in {root}; wait for it or end it."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _share_gpus(runs: Sequence[PlannedRun], extra: Sequence[str]) -> list[str]:
    """Return what tells snakemake to start runs that need GPUs one after the other here.

    All of them would compute on the first. On a cluster, its scheduler gives each its own.
    """
    n = max(run.gpus for run in runs)
    if not n or {"--executor", "-e", "--profile"} & {word.split("=")[0] for word in extra}:
        return []
    from torch.cuda import device_count  # takes seconds, and only such a grid asks

    if n > device_count():
        raise UserError(
            f"A run needs {n} {'GPU' if n == 1 else 'GPUs'} (`gpus` in the grid), this machine has "
            f"{device_count()}: leave `gpus` out to compute on what is there, or name an executor, "
            "as `-- --executor slurm`."
        )
    return ["--resources", f"gpu={n}"]


def _not_from_the_future(paths: Iterable[Path]) -> None:
    """Date files that come from the future (the clock was set back) as of now.

    Snakemake would delete every result as older than what it was made of. What changed it tells
    by content, so the date itself is of no account.
    """
    now = time.time()
    for path in paths:
        if path.stat().st_mtime > now:
            os.utime(path, (now, now))


def end_after(seconds: float, log: Path, label: str) -> None:
    """End this process at once when its time is over, and say so on stderr and in ``log``.

    Nothing is half-written then: results get their names as a run's last act.
    """

    def end() -> None:
        line = f"{label}: failed. It was ended after {seconds / 60:g} minutes, its limit.\n"
        log.write_text(line, encoding="utf-8")
        os.write(2, line.encode())
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _other_snakemake(root: Path) -> int | None:
    """Return a snakemake that somebody started by hand in ``root`` and that still runs."""
    if not any((root / ".snakemake" / "locks").glob("*")):
        return None
    import psutil

    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words = [Path(word).name for word in (process.info["cmdline"] or [])[:3]]
        mine = process.info["pid"] == os.getpid()
        if "snakemake" in words and process.info["cwd"] == str(root) and not mine:
            return int(process.info["pid"])
    return None


@functools.cache
def _end_without_deadlock() -> None:
    """Let a SIGTERM end snakemake whenever it comes.

    Snakemake's own answer to the signal waits for a lock that is not reentrant and that the
    interrupted thread itself may hold (9.27.1: while it notes that a job is done), and so would
    wait for ever. In a thread of its own it waits until that work is over.
    """
    from snakemake.scheduling.job_scheduler import JobScheduler

    answer = JobScheduler.exit_gracefully

    def exit_gracefully(scheduler: JobScheduler, *_: object) -> None:
        threading.Thread(target=answer, args=(scheduler,), daemon=True).start()

    JobScheduler.exit_gracefully = exit_gracefully


def _snakemake(arguments: list[str]) -> int:
    from snakemake.cli import main

    _end_without_deadlock()
    try:
        main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
