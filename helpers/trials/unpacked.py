"""What a pack does on the machine that it was taken to: run its trials, search, choose, go on."""

import functools
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import UserError
from helpers.trials.choice import PLACES, PlannedSearch
from helpers.trials.rows import load_inputs
from helpers.trials.store import Store
from helpers.trials.tasks import task_of
from helpers.trials.trial import Trial, from_json
from helpers.trials.worker import share_out

RETURNED = 16_000_000
"""Bytes of outcomes in one zip file, at most, before it is compressed."""


def run(folder: Path, out: Path, jobs: int, device: str, minutes: float | None) -> None:
    """Run the trials of an unpacked pack and write their outcomes as zip files into ``out``.

    Those that lie in ``out`` already are not run again. Called on the bare machine.

    Raises:
        UserError: no pack there, no time, no such device.
    """
    from helpers.training.costs import choose_device

    try:
        listed = json.loads((folder / "trials.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{folder} holds no pack of trials (no trials.json).") from None
    if jobs < 1 or (minutes is not None and minutes <= 0):
        raise UserError(f"A pack needs jobs and minutes above 0, not {jobs} and {minutes}.")
    choose_device(device)
    store = Store(out / "store", None)
    searches = _Searches(listed, folder, store)
    tasks = searches.ready()
    facts = {
        "own": str(out / "store"),
        "folders": {name: {"folder": str(folder / at)} for name, at in listed["models"].items()},
        "device": device,
        "commit": os.environ.get("TRANSFER_COMMIT", ""),
    }
    done = 0

    def report(key: str, seconds: float, message: str) -> None:
        nonlocal done
        done += 1
        tasks[:0] = searches.after(key, failed=bool(message))
        state = f"failed: {message}" if message else f"{seconds:.0f} s"
        print(f"[{done}, {len(tasks)} wait] {searches.trials[key].label}: {state}", flush=True)

    if tasks:
        seconds = None if minutes is None else 60 * minutes
        share_out(tasks, facts, jobs, seconds=seconds, report=report)
    out.mkdir(parents=True, exist_ok=True)  # where every trial failed there is none yet
    for old in out.glob("outcomes-*.zip"):
        old.unlink()
    stored = [trial for trial in searches.trials.values() if store.where(trial)]
    wanted = len(stored) + len(searches.ready())
    print(f"{len(stored)} of {wanted} outcomes: {', '.join(_export(store, stored, out))}")
    sys.stdout.flush()


class _Searches:
    """The trials of a pack on the machine where they run, and what a search there decides.

    Attributes:
        trials: all that may be run, by key.
    """

    def __init__(self, listed: dict[str, Any], folder: Path, store: Store) -> None:
        self.store = store
        pairs = [(from_json(text), folder / file) for text, file in listed["trials"]]
        self.trials = {trial.key: trial for trial, _ in pairs}
        self.files = {trial.key: file for trial, file in pairs}
        self.scores: dict[str, float] = dict(listed["known"])
        self.failed: set[str] = set()
        self.choices = [
            PlannedSearch(
                [from_json(text) for text in choice["tried"]],
                [[from_json(text) for text in each] for each in choice["then"]],
            )
            for choice in listed["choices"]
        ]

    def ready(self) -> list[tuple[str, str]]:
        """Return the tasks that are to be done and hang on no search that is still going on."""
        follow = {trial.key for choice in self.choices for each in choice.then for trial in each}
        decided = [trial for choice in self.choices for trial in self._chosen(choice)]
        free = [trial for key, trial in self.trials.items() if key not in follow]
        return self._tasks([*decided, *free])

    def after(self, key: str, *, failed: bool) -> list[tuple[str, str]]:
        """Return the tasks that follow now that a trial has ended."""
        if failed:
            self.failed.add(key)
        ended = [each for each in self.choices if key in {trial.key for trial in each.tried}]
        return self._tasks([trial for choice in ended for trial in self._chosen(choice)])

    def _chosen(self, choice: PlannedSearch) -> Sequence[Trial]:
        """Return what follows a search, nothing before all of its trials have ended."""
        for trial in choice.tried:
            if trial.key not in self.scores and (outcome := self.store.get(trial)):
                read = functools.partial(load_inputs, self.files[trial.key])
                score = task_of(trial.task).score(trial, outcome, read)
                self.scores[trial.key] = round(score, PLACES)
        if not all(t.key in self.scores or t.key in self.failed for t in choice.tried):
            return []
        return choice.follow(self.scores)

    def _tasks(self, trials: Sequence[Trial]) -> list[tuple[str, str]]:
        missing = [
            trial for trial in self.store.missing(list(trials)) if trial.key not in self.failed
        ]
        return [(trial.json(), str(self.files[trial.key])) for trial in dict.fromkeys(missing)]


def _export(store: Store, trials: Sequence[Trial], out: Path) -> list[str]:
    """Write outcomes into zip files of a limited size; return their names."""
    parts: list[list[Trial]] = [[]]
    size = 0
    for trial in trials:
        bytes_of = (out / "store" / trial.key[:2] / f"{trial.key}.safetensors").stat().st_size
        if parts[-1] and size + bytes_of > RETURNED:
            parts.append([])
            size = 0
        parts[-1].append(trial)
        size += bytes_of
    names = [f"outcomes-{number:03d}.zip" for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        store.export(out / name, part)
    return names
