"""A process that runs trials one after the other and puts each outcome away as it comes.

On a bare machine (:mod:`helpers.trials.unpacked`): ``python -m helpers.trials.worker FOLDER``.
"""

import argparse
import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from helpers import UserError
from helpers.base.processes import end_with_parent
from helpers.trials.store import Store
from helpers.trials.trial import from_json


def work(line: Any, facts: dict[str, Any]) -> None:
    """Take (trial as JSON, inputs' file) from ``line`` until None comes.

    For each, (key, seconds, message) goes back; the message is empty where the outcome is stored. A
    trial that fails stops no other.

    Args:
        line: this process's end of a pipe.
        facts: ``own`` (folder of the store), ``folders`` (of the models), ``device``, ``commit``.
    """
    end_with_parent()
    os.environ["OMP_NUM_THREADS"] = "1"
    from helpers.training.costs import choose_device
    from helpers.trials import kept
    from helpers.trials.arms import run
    from helpers.trials.rows import load_inputs

    device = choose_device(facts["device"])
    store = Store(Path(facts["own"]), None)
    kept.keep_in(Path(facts["own"]) / kept.FOLDER)
    held: dict[str, Any] = {}
    for text, file in iter(line.recv, None):
        trial = from_json(text)
        started = time.perf_counter()
        message = ""
        try:
            if file not in held:
                held = {file: load_inputs(Path(file))}
            outcome = run(trial, held[file], facts["folders"], device, facts["commit"])
            store.put(trial, outcome)
        except UserError as error:
            message = str(error)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        line.send((trial.key, time.perf_counter() - started, message))


@dataclass
class _Worker:
    """A process, the pipe to it, and the key of the trial in its hands."""

    process: Any
    line: Any
    key: str | None = None


def share_out(
    tasks: list[tuple[str, str]],
    facts: dict[str, Any],
    jobs: int,
    *,
    seconds: float | None = None,
    expected: Callable[[str], float] = lambda text: 0.0,
    report: Callable[[str, float, str], None] = lambda key, seconds, message: None,
) -> None:
    """Let ``jobs`` processes run ``tasks``, in their order, until all are done or time is over.

    Args:
        tasks: (trial as JSON, file of its inputs); taken off the list as they are
            handed out, and ``report`` may add to it.
        facts: as :func:`work`.
        jobs: processes.
        seconds: limit; a trial that would not end by then is not begun, one still running then is
            given up. None: no limit.
        expected: seconds that a trial will probably take.
        report: called with each result.
    """
    deadline = None if seconds is None else time.perf_counter() + seconds
    workers = [_start(facts) for _ in range(min(jobs, len(tasks)))]
    try:
        while True:
            for worker in workers:
                if not worker.key:
                    _hand_out(worker, tasks, deadline, expected)
            busy = {worker.line: worker for worker in workers if worker.key}
            if not busy:
                break
            left = None if deadline is None else deadline - time.perf_counter()
            if left is not None and left <= 0:
                break
            ready: list[Any] = list(wait(list(busy), timeout=left))
            for line in ready:
                worker = busy[line]
                try:
                    report(*line.recv())
                except (EOFError, ConnectionResetError):
                    worker.process.join()
                    report(worker.key or "", 0.0, f"its process ended ({worker.process.exitcode})")
                    again = _start(facts)
                    worker.process, worker.line = again.process, again.line
                worker.key = None
    finally:
        for worker in workers:
            if worker.key:
                worker.process.kill()
            else:
                with contextlib.suppress(OSError):  # it may have ended already
                    worker.line.send(None)
            worker.process.join(timeout=30)


def _start(facts: dict[str, Any]) -> _Worker:
    """Start a process with a pipe of its own: one that is killed takes no lock with it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, facts), daemon=True)
    process.start()
    theirs.close()  # so that its end is the end of the pipe
    return _Worker(process, ours)


def _hand_out(
    worker: _Worker,
    waiting: list[tuple[str, str]],
    deadline: float | None,
    expected: Callable[[str], float],
) -> None:
    """Give a process the next trial that will end in time, if there is one."""
    while waiting:
        text, file = waiting.pop(0)
        if deadline is None or time.perf_counter() + expected(text) < deadline:
            worker.key = from_json(text).key
            worker.line.send((text, file))
            return


def main(arguments: list[str] | None = None) -> int:
    """Run what a pack holds; see :mod:`helpers.trials.pack`."""
    from helpers.trials import unpacked

    parser = argparse.ArgumentParser(prog="python -m helpers.trials.worker")
    parser.add_argument("folder", type=Path, help="where the pieces of the pack lie")
    parser.add_argument("--out", type=Path, default=Path("outcomes"), help="folder of outcomes")
    parser.add_argument("--jobs", type=int, default=4, help="processes that share the device")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, help="stop after so long")
    chosen = parser.parse_args(arguments)
    try:
        unpacked.run(chosen.folder, chosen.out, chosen.jobs, chosen.device, chosen.minutes)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
