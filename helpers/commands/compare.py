"""``python -m helpers compare``: what two systems said of the same items, side by side."""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from helpers import UserError, visible
from helpers.evaluation.significance import mcnemar
from helpers.evaluation.versus import SMALLEST, ClassVersus, Versus, by_class, classifiers, versus
from helpers.sources import predictions, readers

MOST_CLASSES = 50
"""Classes of which lines are printed, the most frequent; ``--json`` has all."""


@dataclass(frozen=True)
class TwoSystems:
    """What was found about two systems.

    Attributes:
        n: items.
        paired: how their rows were paired, in words.
        scores: accuracy and macro F1, or the metrics of lm-eval's logs.
        classes: each class; none for logs.
        notes: sentences about answers that count as wrong.
        p: McNemar's mid-p of equal accuracy, in [0, 1]; None for logs.
    """

    n: int
    paired: str
    scores: list[Versus]
    classes: list[ClassVersus]
    notes: list[str]
    p: float | None = None


def compare(
    a: Path,
    b: Path,
    truth: Path | None = None,
    *,
    label: str = "label",
    predicted: str = "",
    by: str = "",
    metric: str = "",
    which: str = "",
    smallest: float = SMALLEST,
) -> TwoSystems:
    """Compare two files of predictions, or two sample logs of lm-eval.

    Args:
        a: of the first system.
        b: of the second.
        truth: the true classes; needed but for logs.
        label: its column of classes.
        predicted: column of predictions of ``a`` and ``b``; empty: a usual name.
        by: column of ids; empty: a usual name, else rows are paired in order.
        metric: of the logs; empty: all.
        which: filter of the logs.
        smallest: difference that matters, above 0.

    Raises:
        UserError: see :mod:`helpers.sources.predictions`; fewer than 2 items.
    """
    if not smallest > 0:
        raise UserError(f"The smallest difference that matters must be above 0, not {smallest:g}.")
    first, second = predictions.read_two(a, b)
    logs = [predictions.is_log(rows) for rows in (first, second)]
    if all(logs) and truth is None:
        found = predictions.logged_scores(first, second, metric=metric, which=which)
        table = [
            versus(name, of_a, of_b, smallest=smallest)
            for name, (of_a, of_b) in found.metrics.items()
        ]  # fmt: skip
        return TwoSystems(table[0].difference.n, found.paired, table, [], [])
    if truth is None:
        odd = f" (only {(a, b)[logs.index(True)].name} is a log)" if any(logs) else ""
        raise UserError(
            "Name the file of true classes with --truth; only two sample logs of lm-eval need "
            f"none{odd}."
        )
    answers = predictions.predictions(
        first, second, readers.read_file(truth), label=label, predicted=predicted, by=by
    )
    names = list(dict.fromkeys([*sorted(set(answers.truth)), *answers.a, *answers.b]))
    place = {name: k for k, name in enumerate(names)}
    true, of_a, of_b = ([place[x] for x in each] for each in (answers.truth, answers.a, answers.b))
    return TwoSystems(
        len(true),
        answers.paired,
        classifiers(true, of_a, of_b, len(names), smallest),
        by_class(true, of_a, of_b, names),
        [*_notes("A", answers.a, answers.truth), *_notes("B", answers.b, answers.truth)],
        mcnemar(np.equal(of_a, true), np.equal(of_b, true)).p,
    )


def _notes(name: str, answers: Sequence[str], truth: Sequence[str]) -> Iterator[str]:
    known = set(truth)
    empty = sum(not each for each in answers)
    if empty:
        yield f"{empty:,} answers of {name} are empty and count as wrong."
    strange = [each for each in answers if each and each not in known]
    if strange:
        yield (
            f"{len(strange):,} answers of {name} are no class of the truth ('{strange[0]}') and "
            "count as wrong."
        )


def run(chosen: argparse.Namespace) -> int:
    """Print the comparison that a command line asks for; return the exit code.

    Raises:
        UserError: see :func:`compare`.
    """
    found = compare(
        chosen.a, chosen.b, chosen.truth, label=chosen.label, predicted=chosen.prediction,
        by=chosen.id, metric=chosen.metric, which=chosen.filter, smallest=chosen.smallest,
    )  # fmt: skip
    if chosen.json:
        print(json.dumps(as_json(found), ensure_ascii=False, indent=2))
    else:
        print(visible("\n".join(lines_of(found, chosen.a, chosen.b))))
    return 0


def lines_of(found: TwoSystems, a: Path, b: Path) -> list[str]:
    """Return the text of the command, line by line."""
    lines = [f"A is {a}, B is {b}: {found.n:,} items, paired {found.paired}.", *found.notes, ""]
    lines.append(f"{'':<12}{'A':>8}{'B':>8}   A - B [95 % over items]")
    lines += [
        f"{score.measure:<12}{score.a:>8.3f}{score.b:>8.3f}   {score.difference}"
        for score in found.scores
    ]
    if found.p is not None:
        lines.append(f"Equal accuracy: p = {found.p:.3g} (McNemar's test, mid-p).")
    lines += ["", *(sentence(score, found.n) for score in found.scores)]
    if found.classes:
        shown = sorted(found.classes, key=lambda row: -row.n)[:MOST_CLASSES]
        lines += ["", "Class by class (each interval on its own, not corrected for their number):"]
        lines.append(f"{'items':>7}{'F1 A':>8}{'F1 B':>8}   recall A - B")
        lines += [
            f"{row.n:>7,}{row.f1[0]:>8.3f}{row.f1[1]:>8.3f}   {row.difference}  {row.name}"
            for row in shown
        ]
        if len(shown) < len(found.classes):
            lines.append(f"… and {len(found.classes) - len(shown)} classes more (--json has all)")
    return lines


def sentence(score: Versus, n: int) -> str:
    """Return what is decided about one score, and what would decide it, in words.

    >>> right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [70, 15, 11, 4], axis=0)
    >>> print(sentence(versus("accuracy", right[:, 0], right[:, 1]), 100))
    accuracy: undecided. To find a difference as large as this one (0.040) takes about 1,282 items \
(there are 100); to find one of 0.01, about 20,478 items.
    """
    measured = abs(score.difference.value)
    if score.finding == "no difference":
        return (
            f"{score.measure}: no difference of {score.smallest:g} or more: the 90 % interval is "
            f"{score.narrow}."
        )
    if score.finding != "undecided":
        return f"{score.measure}: {score.finding}, by {measured:.3f}."
    as_this = (
        f"To find a difference as large as this one ({measured:.3f}) takes {_many(score.needed)}"
        if measured > 1e-12
        else "The two are level"
    )
    return (
        f"{score.measure}: undecided. {as_this} (there are {n:,}); to find one of "
        f"{score.smallest:g}, {_many(score.needed_smallest)}."
    )


def _many(needed: int | None) -> str:
    return "more than 10,000,000 items" if needed is None else f"about {needed:,} items"


def as_json(found: TwoSystems) -> dict[str, Any]:
    """Return the comparison as JSON has it: bounds that do not exist are null."""
    return {
        "items": found.n,
        "paired": found.paired,
        "notes": found.notes,
        "p_equal_accuracy": found.p,
        "scores": [
            {
                "measure": score.measure, "a": score.a, "b": score.b, **_bounds(score.difference),
                "finding": score.finding, "smallest": score.smallest, "items_needed": score.needed,
                "items_needed_for_smallest": score.needed_smallest,
            }
            for score in found.scores
        ],
        "classes": [
            {
                "class": row.name, "items": row.n, "recall_a": row.recall[0],
                "recall_b": row.recall[1], "f1_a": row.f1[0], "f1_b": row.f1[1],
                **_bounds(row.difference),
            }
            for row in found.classes
        ],
    }  # fmt: skip


def _bounds(interval: Any) -> dict[str, float | None]:
    named = {"difference": interval.value, "low": interval.low, "high": interval.high}
    return {name: x if math.isfinite(x) else None for name, x in named.items()}
