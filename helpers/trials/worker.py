"""A process that runs trials one after the other and puts each outcome away as it comes.

On a bare machine (:mod:`helpers.trials.pack`): ``python -m helpers.trials.worker FOLDER``.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import UserError
from helpers.base.processes import end_with_parent
from helpers.trials.store import Store
from helpers.trials.trial import from_json


def work(tasks: Any, results: Any, facts: dict[str, Any]) -> None:
    """Take (trial as JSON, inputs' file) from ``tasks`` until None comes.

    For each, (key, seconds, message) goes to ``results``; the message is empty where the outcome is
    stored. A trial that fails stops no other.

    Args:
        tasks: a queue.
        results: a queue.
        facts: ``own`` (folder of the store), ``folders`` (of the models), ``device``, ``commit``.
    """
    end_with_parent()
    os.environ["OMP_NUM_THREADS"] = "1"
    from helpers.training.costs import choose_device
    from helpers.trials.arms import run
    from helpers.trials.rows import load_inputs

    device = choose_device(facts["device"])
    store = Store(Path(facts["own"]), None)
    held: dict[str, Any] = {}
    for text, file in iter(tasks.get, None):
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
        results.put((trial.key, time.perf_counter() - started, message))


def share_out(
    tasks: list[tuple[str, str]],
    facts: dict[str, Any],
    jobs: int,
    *,
    seconds: float | None = None,
    expected: Callable[[str], float] = lambda text: 0.0,
    told: Callable[[str, float, str], None] = lambda key, seconds, message: None,
) -> None:
    """Let ``jobs`` processes run ``tasks``, in their order, until all are done or time is over.

    Args:
        tasks: (trial as JSON, file of its inputs).
        facts: as :func:`work`.
        jobs: processes.
        seconds: limit; a trial that would not end by then is not begun, one still running then is
            given up. None: no limit.
        expected: seconds that a trial will probably take.
        told: called with each result.
    """
    import multiprocessing
    from queue import Empty

    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    queues = [context.Queue() for _ in range(min(jobs, len(tasks)))]
    workers = [
        context.Process(target=work, args=(queue, results, facts), daemon=True) for queue in queues
    ]
    deadline = None if seconds is None else time.perf_counter() + seconds
    waiting = list(tasks)
    busy: dict[str, int] = {}

    def hand_out(number: int) -> None:
        while waiting:
            text, file = waiting.pop(0)
            if deadline is None or time.perf_counter() + expected(text) < deadline:
                queues[number].put((text, file))
                busy[from_json(text).key] = number
                return
        queues[number].put(None)

    for number, process in enumerate(workers):
        process.start()
        hand_out(number)
    try:
        while busy:
            left = None if deadline is None else deadline - time.perf_counter()
            if left is not None and left <= 0:
                break
            with contextlib.suppress(Empty):
                key, took, message = results.get(timeout=min(left or 5.0, 5.0))
                number = busy.pop(key)
                told(key, took, message)
                hand_out(number)
            for key in [one for one, number in busy.items() if not workers[number].is_alive()]:
                number = busy.pop(key)
                told(key, 0.0, f"its process ended (exit code {workers[number].exitcode})")
                workers[number] = context.Process(
                    target=work, args=(queues[number], results, facts), daemon=True
                )
                workers[number].start()
                hand_out(number)
    finally:
        for process in workers:
            if busy:
                process.terminate()
            process.join(timeout=30)


def main(arguments: list[str] | None = None) -> int:
    """Run what a pack holds; see :mod:`helpers.trials.pack`."""
    from helpers.trials import pack

    parser = argparse.ArgumentParser(prog="python -m helpers.trials.worker")
    parser.add_argument("folder", type=Path, help="where the pieces of the pack lie")
    parser.add_argument("--out", type=Path, default=Path("outcomes"), help="folder of outcomes")
    parser.add_argument("--jobs", type=int, default=4, help="processes that share the device")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, help="stop after so long")
    chosen = parser.parse_args(arguments)
    try:
        pack.run(chosen.folder, chosen.out, chosen.jobs, chosen.device, chosen.minutes)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
