"""Trials for a notebook: what is stored is read, what is missing is trained if there is time."""

import os
from collections.abc import Sequence

from helpers import UserError
from helpers.evaluation.comparison import Key
from helpers.trials import runner, studies
from helpers.trials.outcome import Outcome
from helpers.trials.readings import (  # noqa: F401 - some are for who imports this module
    Read,
    accuracies,
    apart,
    circumstances,
    draws_of,
    entity_f1s,
    joined,
    mean_curve,
    overlaps,
    reaches,
    record,
    record_gains,
    total_cost,
    trained_counts,
)
from helpers.trials.store import OWN, SHIPPED, Store
from helpers.trials.trial import Trial

ONLY_SHIPPED = "TRANSFER_TRIALS"
"""Set to "shipped", this variable keeps own outcomes out: tests compare what everybody has."""


def store_for(use: str) -> Store:
    """Return the store that a notebook's parameter ``trials`` means.

    "missing" and "stored" read shipped outcomes, and own ones where there are none; "fresh" reads
    own ones only.
    """
    if use == "fresh":
        return Store(OWN, None)
    return Store(None if os.environ.get(ONLY_SHIPPED) == "shipped" else OWN, SHIPPED)


def read(
    asked: studies.Question, use: str = "missing", minutes: float = 5.0, device: str = "auto"
) -> Read:
    """Return the outcomes that answer a question.

    Args:
        asked: the question; every arm at every label count in every draw.
        use: "missing" trains what is not stored, most decisive first, for at most ``minutes``;
            "stored" refuses where something is missing; "fresh" takes only what was trained here.
        minutes: see ``use``.
        device: where to train.

    Raises:
        UserError: something is missing that may not be trained; whatever a trial refuses.
    """
    trials = studies.label_efficiency(asked)
    store = store_for(use)
    todo = store.missing(trials)
    if todo and (use == "stored" or store.own is None):
        raise UserError(
            f"{len(todo)} of {len(trials)} trials are not stored (the first: {todo[0].label}): "
            f"run them with `{_command(asked)}`, or set trials to missing."
        )
    if todo:
        jobs = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
        whole = sum(runner.expected_each(todo, store).values()) / jobs / 60
        print(
            f"{len(todo)} of {len(trials)} trials are missing; training them for at most "
            f"{minutes:g} minutes (all take about {max(1, round(whole))}).",
            flush=True,
        )
        failed = runner.run_trials(
            todo, store, jobs=jobs, minutes=minutes, device=device, progress=None
        )
        for key, message in list(failed.items())[:3]:
            print(f"{next(t.label for t in todo if t.key == key)} failed: {message}")
    return _read(trials, store, studies.name_of(asked))


def _read(trials: Sequence[Trial], store: Store, study: str) -> Read:
    found: dict[Key, dict[int, Outcome]] = {}
    where: dict[str, int] = {}
    origins: dict[str, None] = {}
    keys = []
    for trial in trials:
        outcome = store.get(trial)
        if outcome is None:
            continue
        found.setdefault((trial.arm, trial.labels), {})[trial.draw] = outcome
        place = store.where(trial) or "own"
        where[place] = where.get(place, 0) + 1
        origins[f"{outcome.origin['device']}, torch {outcome.origin['torch']}"] = None
        keys.append(trial.key)
    if not found:
        raise UserError(
            f"None of the {len(trials)} trials is there, and no time was enough to train one: "
            "set minutes higher."
        )
    words = {"shipped": "come with the project", "own": "were trained here"}
    parts = ", ".join(f"{n} {words[place]}" for place, n in where.items())
    missing = len(trials) - len(keys)
    rest = f"; {missing} are missing, so there is no verdict" if missing else ""
    sentence = f"{len(keys)} of {len(trials)} trials: {parts}{rest}. Made on {'; '.join(origins)}."
    return Read(found, sentence, not missing, keys, study)


def _command(asked: studies.Question) -> str:
    """Return what runs the trials of a question."""
    for name, known in studies.STUDIES.items():
        same = (asked.task, asked.corpus, asked.model) == (known.task, known.corpus, known.model)
        if same and {*studies.label_efficiency(asked)} <= {*studies.label_efficiency(known)}:
            return f"python -m helpers trials {name} --run"
    return f"python -m helpers run {asked.notebook} -p trials missing -p minutes 600"
