"""Running trials that are missing here: what is there, how long the rest takes, and doing it."""

import functools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import UserError
from helpers.base.provenance import git_state
from helpers.trials import inputs, kept, searches, settings, studies
from helpers.trials.choice import PLACES, best_setting, searched
from helpers.trials.outcome import Outcome
from helpers.trials.store import Store
from helpers.trials.tasks import task_of
from helpers.trials.tasks.base import training_seconds
from helpers.trials.trial import Trial, from_json
from helpers.trials.worker import share_out


def expected_seconds(trial: Trial) -> float:
    """Return about how many seconds a trial takes in one process of an ordinary processor.

    Alone: with the training of the networks that it starts from.
    """
    return task_of(trial.task).seconds(trial) + sum(map(training_seconds, kept.needed(trial)))


def expected_each(trials: Sequence[Trial], store: Store | None = None) -> dict[str, float]:
    """Return :func:`expected_seconds` of many by key, where they are run one after the other.

    A network that several start from counts once, with the first of them, and not at all where
    ``store`` keeps it already.
    """
    folder = store.own / kept.FOLDER if store is not None and store.own else None
    there: set[str] = set()
    found = {}
    for trial in trials:
        seconds = task_of(trial.task).seconds(trial)
        for origin in kept.needed(trial):
            if origin.key not in there and not (folder and kept.file_of(origin, folder).exists()):
                seconds += training_seconds(origin)
            there.add(origin.key)
        found[trial.key] = seconds
    return found


def check_run(jobs: int, minutes: float | None, device: str) -> None:
    """Refuse what no run can be made with, before any work.

    Raises:
        UserError: no processes, no time, a device that is not there.
    """
    if jobs < 1:
        raise UserError(f"--jobs must be at least 1 process, not {jobs}.")
    if minutes is not None and not minutes > 0:
        raise UserError(f"--minutes must be above 0, not {minutes:g}; leave it out for no limit.")
    from helpers.training.costs import choose_device

    choose_device(device)


def run_trials(
    trials: Sequence[Trial],
    store: Store,
    *,
    jobs: int = 2,
    device: str = "auto",
    minutes: float | None = None,
    progress: Any = sys.stderr,
) -> dict[str, str]:
    """Run those of ``trials`` that have no outcome; return what failed, by key.

    Each outcome is kept as it comes: after a kill or at the limit the same call goes on.

    Args:
        trials: in the order in which they are wanted.
        store: has a folder of its own.
        jobs: processes, each with one thread on a processor.
        device: see :func:`helpers.training.costs.choose_device`.
        minutes: limit; None: none.
        progress: where lines go; None: nowhere.

    Raises:
        UserError: as :func:`check_run`; a corpus or model that has changed; no room on the disk.
    """
    check_run(jobs, minutes, device)
    if store.own is None:
        raise UserError("This store reads shipped outcomes only; nothing can be run into it.")
    todo = list(dict.fromkeys(store.missing(trials)))
    if not todo:
        return {}
    started = time.perf_counter()
    folder = store.own / "inputs"
    tasks = [(trial.json(), str(inputs.prepare_inputs(trial, folder))) for trial in todo]
    each = expected_each(todo, store)
    names = dict.fromkeys(trial.model for trial in todo if trial.model)
    facts = {
        "own": str(store.own),
        "folders": {name: inputs.place_of(name) for name in names},
        "device": device,
        "commit": (git_state()[0] or "")[:12],
    }
    by_key = {trial.key: trial for trial in todo}
    failed: dict[str, str] = {}
    done: list[tuple[float, float]] = []

    def report(key: str, seconds: float, message: str) -> None:
        trial = by_key.pop(key)
        done.append((seconds, each[key]))
        if message:
            failed[key] = message
        if progress is None:
            return
        ahead = sum(each[left] for left in by_key) * _pace(done) / jobs
        state = f"failed: {message}" if message else f"{seconds:.0f} s"
        line = f"[{len(done)}/{len(todo)}] {trial.label}: {state}; about {_span(ahead)} left"
        print(line, file=progress, flush=True)

    share_out(
        tasks,
        facts,
        jobs,
        seconds=None if minutes is None else 60 * minutes - (time.perf_counter() - started),
        # the first are begun in any case: how fast this machine and model are is not known before
        expected=lambda text: each[from_json(text).key] * _pace(done) if done else 0.0,
        report=report,
    )
    return failed


def _pace(done: Sequence[tuple[float, float]]) -> float:
    """Return how many times as long as expected trials have taken so far."""
    if len(done) < 2:
        return 1.0
    return sum(took for took, _ in done) / sum(expected for _, expected in done)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def score_of(trial: Trial, outcome: Outcome, folder: Path | None = None) -> float:
    """Return the trial's score on its items, higher is better.

    ``folder`` holds the inputs, or will, where they are not there yet.
    """
    read = functools.partial(inputs.inputs_for, trial, folder)
    return task_of(trial.task).score(trial, outcome, read)


def search(asked: studies.Question, store: Store, **how: Any) -> list[dict[str, Any]]:
    """Find the settings of a study's arms, write them to the settings' file, and return them.

    Args:
        asked: the study's question.
        store: keeps the trials of the search too, so that a stopped search goes on.
        how: ``jobs``, ``device``, ``minutes``, ``progress`` as :func:`run_trials`.
    """
    entries: list[dict[str, Any]] = []
    for part in searches.origins_first(asked):
        if searches.origins_unsearched(part):
            break  # the limit was reached before
        entries += _search(part, store, **how)
    return entries


def _search(asked: studies.Question, store: Store, **how: Any) -> list[dict[str, Any]]:
    wanted = searches.search_trials(asked)
    failed = run_trials([trial for _, each in wanted for trial in each], store, **how)
    folder = store.own / "inputs" if store.own else None
    entries = []
    for marks, trials in wanted:
        tried = []
        for trial in trials:
            outcome = store.get(trial)
            if outcome is not None:
                tried.append((trial, round(score_of(trial, outcome, folder), PLACES)))
            elif trial.key not in failed:
                break  # not run yet: no choice from a part of the grid
        else:
            if tried:
                entries.append(marks | _found(tried))
    facts = inputs.facts_of(asked.corpus, asked.task)
    known = {
        "corpora": {asked.corpus: facts},
        "models": {asked.model: inputs.hash_of(asked.model)},
    }
    settings.save_found(entries, known, settings.FILE)
    return entries


def _found(tried: Sequence[tuple[Trial, float]]) -> dict[str, Any]:
    """Return what the file keeps of one search."""
    pairs = [(searched(trial), score) for trial, score in tried]
    best, edge = best_setting(pairs)
    return {
        "setting": best,
        "score": max(score for _, score in pairs),
        "validation_items": tried[0][0].items,
        "edge": edge,
        "tried": [{**setting, "score": score} for setting, score in pairs],
    }
