"""Trials for a notebook: what is stored is read, what is missing is trained if there is time."""

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from helpers import UserError
from helpers.evaluation import reach
from helpers.evaluation.bounds import Interval
from helpers.evaluation.comparison import Comparison, Key
from helpers.sources.sampling import draw_order
from helpers.tasks.tagging_scores import f1_of_counts
from helpers.trials import runner, studies
from helpers.trials.outcome import Outcome
from helpers.trials.store import OWN, SHIPPED, Store
from helpers.trials.trial import WATCHED, Trial

ONLY_SHIPPED = "TRANSFER_TRIALS"
"""Set to "shipped", this variable keeps own outcomes out: tests compare what everybody has."""


@dataclass(frozen=True)
class Read:
    """Outcomes that answer a question.

    Attributes:
        outcomes: of each arm and label count, by draw.
        sentence: where they come from, for the reader.
        complete: whether none is missing; without all of them there is no verdict.
        keys: of the trials read, for the record.
        study: the study that asks this question, by name; "" where the question is one's own.
    """

    outcomes: Mapping[Key, Mapping[int, Outcome]]
    sentence: str
    complete: bool
    keys: Sequence[str]
    study: str = ""


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


def draws_of(read: Read) -> dict[Key, list[int]]:
    """Return which draws there are of each arm and label count."""
    return {key: list(each) for key, each in read.outcomes.items()}


def accuracies(read: Read, truth: np.ndarray) -> Comparison:
    """Return the arms by which items they have right, for classes ``truth`` (n,)."""
    right = {
        key: np.stack([outcome.items["predicted"] == truth for outcome in each.values()])
        for key, each in read.outcomes.items()
    }
    return Comparison(right, draws=draws_of(read))


def entity_f1s(
    read: Read, groups: Sequence[int] | np.ndarray, column: int | None = None
) -> Comparison:
    """Return the arms by their names found, F1, with sentences taken together by ``groups``.

    Args:
        read: of a tagging study.
        groups: article of each sentence: names recur within one, so articles are the items.
        column: of one type of names; None: all.
    """
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    chosen = slice(None) if column is None else [column]
    counts = {
        key: np.stack([_counts(outcome, numbers, chosen) for outcome in each.values()])
        for key, each in read.outcomes.items()
    }
    return Comparison(counts, f1_of_counts, "f1", draws_of(read))


def _counts(outcome: Outcome, numbers: np.ndarray, column: Any) -> np.ndarray:
    """Return right, predicted and true names of each group, (g, 3)."""
    found, missed, wrong = (
        outcome.items[name][:, column].sum(1).astype(float) for name in ("found", "missed", "wrong")
    )
    rows = np.stack([found, found + wrong, found + missed], axis=1)
    summed = np.zeros((numbers.max() + 1, 3))
    np.add.at(summed, numbers, rows)
    return summed


def mean_curve(read: Read, arm: str, labels: int) -> dict[str, np.ndarray]:
    """Return the training curve of an arm, averaged over its draws: ``step`` and the measures."""
    curves = [dict(outcome.curve) for outcome in read.outcomes[arm, labels].values()]
    return {name: np.mean([curve[name] for curve in curves], axis=0) for name in curves[0]}


def reaches(read: Read) -> reach.Reach:
    """Return the training curves of a reading: validation score over operations, draw by draw.

    Without those of students: theirs begin where the training of their teacher ended.
    """
    curves = {
        key: [_curve(each[draw]) for draw in sorted(each)]
        for key, each in read.outcomes.items()
        if all("validation_score" in o.curve and "steps" in o.cost for o in each.values())
    }
    return reach.Reach(curves, items=WATCHED)


def _curve(outcome: Outcome) -> reach.Curve:
    step = outcome.cost["flops"] / outcome.cost["steps"]
    curve = outcome.curve
    return reach.Curve(curve["step"] * step, curve["validation_score"], least=step)


def trained_counts(read: Read, arms: Sequence[str] = ("fine_tuned", "from_scratch")) -> list[int]:
    """Return the label counts, rising, at which whole networks were trained.

    Raises:
        UserError: none was.
    """
    counts = sorted({n for arm, n in read.outcomes if arm in arms})
    if not counts:
        raise UserError(
            "No network was trained in the minutes that were given: set minutes higher."
        )
    return counts


def joined(read: Read, other: Read, names: Mapping[str, str]) -> Read:
    """Return two readings as one; arms of ``other`` get their name in ``names``."""
    renamed = {(names.get(arm, arm), n): each for (arm, n), each in other.outcomes.items()}
    keys = [*read.keys, *other.keys]
    sentence = f"{read.sentence} Beside them: {other.sentence}"
    complete = read.complete and other.complete
    return Read({**read.outcomes, **renamed}, sentence, complete, keys, read.study)


def record(
    run: Any, arms: Comparison, read: Read, classes: Sequence[int] | np.ndarray,
    others: Sequence[Comparison] = (), **where: str,
) -> None:  # fmt: skip
    """Write a study into a run's record: scores of every draw, and what the claims ask of it.

    Args:
        run: an open run.
        arms: the comparison of what was read.
        read: the outcomes.
        classes: of the training items, (n,), all alike where items have none: with them it is
            counted how many labelled items two draws have in common.
        others: the same trials by other measures, which a claim may ask for by name.
        where: ``dataset`` and ``model`` of the scores.
    """
    for (arm, n), each in read.outcomes.items():
        for by in (arms, *others):
            for draw, value in zip(each, by.by_draw(arm, n), strict=True):
                run.metric(
                    by.measure, value, split="test", strategy=arm, labels=n, seed=draw,
                    n=by.items, **where,
                )  # fmt: skip
    if read.study:
        by_name = {reach.MEASURE: reaches(read)} | {by.measure: by for by in others}
        more = circumstances(read, classes)
        run.compares(read.study, arms, complete=read.complete, others=by_name, **more)


def circumstances(read: Read, classes: Sequence[int] | np.ndarray) -> dict[str, Any]:
    """Return what the judgement of a study asks for besides its differences.

    Args as for :func:`record`.

    Returns:
        ``overlap`` of the draws by label count; ``flops`` of training, ``sizes`` (bytes of the
        stored model) and ``made_on``, the devices, by arm and label count: what
        :meth:`helpers.runs.record.Run.compares` takes.
    """
    made_on = {
        key: sorted({str(outcome.origin["device"]) for outcome in each.values()})
        for key, each in read.outcomes.items()
    }
    costs = {"flops": total_cost(read, "flops"), "sizes": total_cost(read, "bytes")}
    return {"overlap": overlaps(read, classes), "made_on": made_on} | costs


def record_gains(
    run: Any, arms: Comparison, gains: Mapping[tuple[str, str, int], Interval], **where: str
) -> None:
    """Write differences between arms, as :meth:`Comparison.differences` gives them, into a record.

    ``where`` as for :func:`record`.
    """
    for (arm, other, n), gain in gains.items():
        run.metric(
            f"{arms.measure}_difference", gain.value, interval=gain, split="test",
            strategy=f"{arm} - {other}", labels=n, n=arms.of(arm, n).shape[1], **where,
        )  # fmt: skip


def overlaps(read: Read, classes: Sequence[int] | np.ndarray) -> dict[int, float]:
    """Return by label count the share of labelled items that two draws have in common, in [0, 1].

    The mean over pairs of draws. Args as for :func:`record`.
    """
    draws: dict[int, set[int]] = {}
    for (_, n), each in read.outcomes.items():
        draws.setdefault(n, set()).update(each)
    orders = {draw: draw_order(classes, draw) for draw in sorted(set().union(*draws.values()))}
    shares = {}
    for n in sorted(draws):
        seen = [set(orders[draw][:n].tolist()) for draw in sorted(draws[n])]
        pairs = itertools.combinations(seen, 2)
        common = [len(first & second) / n for first, second in pairs]
        shares[n] = float(np.mean(common)) if common else 0.0
    return shares


def apart(read: Read, classes: Sequence[int] | np.ndarray, labels: int, most: float = 0.05) -> Read:
    """Return a reading with only such draws of one label count that share next to no labelled item.

    Ten draws are disjoint up to a tenth of the corpus; of larger ones some must go before they can
    count as separate. They are kept in their order, each that shares at most ``most`` of its items
    with every one kept before; other label counts stay as they are.

    Args:
        read: the outcomes.
        classes: of the training items, as for :func:`record`.
        labels: the label count.
        most: share of labelled items that two draws may have in common.
    """
    kept: dict[int, set[int]] = {}
    for draw in sorted(
        {draw for (_, n), each in read.outcomes.items() if n == labels for draw in each}
    ):
        seen = set(draw_order(classes, draw)[:labels].tolist())
        if all(len(seen & other) <= most * labels for other in kept.values()):
            kept[draw] = seen
    outcomes = {
        (arm, n): {draw: out for draw, out in each.items() if n != labels or draw in kept}
        for (arm, n), each in read.outcomes.items()
    }
    return replace(read, outcomes=outcomes)


def total_cost(read: Read, what: str) -> dict[Key, float]:
    """Return a cost ("flops", "tokens", "seconds"), the mean over draws, where there is one."""
    return {
        key: float(np.mean([outcome.cost[what] for outcome in each.values()]))
        for key, each in read.outcomes.items()
        if all(what in outcome.cost for outcome in each.values())
    }
