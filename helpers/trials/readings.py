"""What was read for a question: its outcomes compared, joined, and written into a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from helpers import UserError
from helpers.evaluation import reach
from helpers.evaluation.bounds import Interval
from helpers.evaluation.comparison import Comparison, Key
from helpers.sources.sampling import draw_order, mean_overlap
from helpers.tasks.tagging_scores import f1_of_counts
from helpers.trials.outcome import Outcome
from helpers.trials.trial import WATCHED


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
    return {n: mean_overlap(orders[draw][:n] for draw in sorted(draws[n])) for n in sorted(draws)}


def apart(read: Read, classes: Sequence[int] | np.ndarray, labels: int, most: float = 0.05) -> Read:
    """Return a reading with only such draws of one label count that share next to no labelled item.

    Ten draws are disjoint up to a tenth of the corpus; of larger ones some must go before they can
    count as separate. Kept, in their order, is each that shares at most ``most`` of its items with
    every one kept before. ``classes`` as for :func:`record`; other label counts stay as they are.
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
