"""Two given systems on the same items: which is better, how sure that is, what would decide.

The question is about *these* two, as they stand: chance is that of the items, and another training
of either may come out otherwise (:mod:`helpers.evaluation.significance`). Shapes: n items.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation import checks, metrics
from helpers.evaluation.intervals import Interval, mean_difference, paired_bootstrap
from helpers.evaluation.planning import Components, items_needed
from helpers.evaluation.resampling import pseudo_values

Standing = Literal["A is better", "B is better", "no difference", "undecided"]
Floats = npt.NDArray[np.float64]

SMALLEST = 0.01
"""The smallest difference of a score in [0, 1] that matters, where nothing else is said."""


@dataclass(frozen=True)
class Versus:
    """One score of two systems.

    Attributes:
        measure: which score; higher is better.
        a: of the first system.
        b: of the second.
        difference: a - b, with its 95 % interval over items.
        narrow: the same with the 90 % interval, by which "no difference" is told.
        smallest: difference that matters, above 0.
        needed: items by which a true difference as large as the one that was measured is found with
            a chance of 0.8; None where ten million do not do it, or nothing differs.
        needed_smallest: likewise for ``smallest``.
    """

    measure: str
    a: float
    b: float
    difference: Interval
    narrow: Interval
    smallest: float
    needed: int | None
    needed_smallest: int | None

    @property
    def finding(self) -> Standing:
        """What is decided, by the rule of :mod:`helpers.evaluation.decision`.

        No difference where the 90 % interval lies within the smallest that matters; better where
        the 95 % interval leaves out 0 and the difference is at least that large.
        """
        m = self.smallest
        if self.narrow.defined and -m < self.narrow.low and self.narrow.high < m:
            return "no difference"
        if self.difference.low > 0 and self.difference.value >= m:
            return "A is better"
        if self.difference.high < 0 and self.difference.value <= -m:
            return "B is better"
        return "undecided"


@dataclass(frozen=True)
class ClassVersus:
    """One class under two systems: n items of it, recall and F1 of A and B, recall's difference."""

    name: str
    n: int
    recall: tuple[float, float]
    f1: tuple[float, float]
    difference: Interval


def versus(
    measure: str,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    score: Callable[[Any], Any] | None = None,
    smallest: float = SMALLEST,
) -> Versus:
    """Compare two systems by what each got on the same items.

    Args:
        measure: name of the score.
        a: (n,) or (n, k) values of the first system, higher is better.
        b: of the second, in the same order.
        score: maps means over items, (resamples, k), to the score, (resamples,), as
            :func:`helpers.evaluation.metrics.macro_f1_of_means` does; None: the mean itself.
        smallest: difference that matters, above 0.

    Raises:
        UserError: fewer than 2 items, other lengths, missing values, a ``smallest`` of 0.

    >>> right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [700, 150, 50, 100], axis=0)
    >>> found = versus("accuracy", right[:, 0], right[:, 1])
    >>> print(found.difference, found.finding, found.needed)
    0.100 [0.073, 0.127] A is better 151
    """
    if not 0 < smallest < np.inf:
        raise UserError(f"The smallest difference that matters must be above 0, not {smallest:g}.")
    tables = checks.pair(a, b)
    of = score or _first
    difference = mean_difference if score is None else lambda x, y: of(x) - of(y)
    of_a, of_b = (float(np.ravel(of(table.mean(0, keepdims=True)))[0]) for table in tables)
    wide, narrow = (paired_bootstrap(a, b, difference, level=level) for level in (0.95, 0.9))
    variance = float(pseudo_values(tables, difference).var(ddof=1))
    chance = Components(0.0, variance, 0.0)

    def needed(true: float) -> int | None:
        return items_needed(chance, true) if true > 1e-12 else None

    measured = needed(abs(wide.value))
    return Versus(measure, of_a, of_b, wide, narrow, smallest, measured, needed(smallest))


def classifiers(
    truth: Sequence[int],
    a: Sequence[int],
    b: Sequence[int],
    n_classes: int,
    smallest: float = SMALLEST,
) -> list[Versus]:
    """Compare two classifiers by accuracy and by macro F1 over the classes that occur.

    Args:
        truth: (n,) classes, 0 to n_classes - 1.
        a: what the first said.
        b: what the second said.
        n_classes: classes that occur anywhere.
        smallest: difference that matters, above 0.

    Raises:
        UserError: see :func:`versus`.

    >>> truth = [0, 1] * 50
    >>> [row.finding for row in classifiers(truth, truth, [0, 0] * 50, 2)]
    ['A is better', 'A is better']
    """
    right_a, right_b = (np.asarray(answers) == np.asarray(truth) for answers in (a, b))
    of_a, of_b = (metrics.contributions(truth, answers, n_classes) for answers in (a, b))
    return [
        versus("accuracy", right_a, right_b, smallest=smallest),
        versus("macro F1", of_a, of_b, metrics.macro_f1_of_means, smallest),
    ]


def by_class(
    truth: Sequence[int], a: Sequence[int], b: Sequence[int], names: Sequence[str]
) -> list[ClassVersus]:
    """Return recall and F1 of each class that occurs, and the interval of recall's difference.

    The intervals are one a class and not corrected for how many there are; nan below 2 items.

    >>> (row,) = by_class([0, 0, 0], [0, 0, 1], [0, 1, 1], ["x", "y"])
    >>> row.name, row.n, [round(x, 2) for x in (*row.recall, *row.f1)]
    ('x', 3, [0.67, 0.33, 0.8, 0.5])
    """
    true = np.asarray(truth)
    table = [
        {
            "recall": metrics.recall(truth, answers, len(names), average=None),
            "f1": metrics.f1(truth, answers, len(names), average=None),
        }
        for answers in (a, b)
    ]
    rows = []
    for k in np.unique(true):
        here = true == k
        right = [(np.asarray(answers)[here] == k) * 1.0 for answers in (a, b)]
        n, value = int(here.sum()), float(right[0].mean() - right[1].mean())
        rows.append(
            ClassVersus(
                names[k], n, _pair(table, "recall", k), _pair(table, "f1", k),
                paired_bootstrap(*right) if n > 1
                else Interval(value, np.nan, np.nan, n, 0.95, "undefined, one item"),
            )
        )  # fmt: skip
    return rows


def _first(means: Floats) -> Floats:
    return means[:, 0]


def _pair(tables: Sequence[Any], measure: str, k: int) -> tuple[float, float]:
    first, second = (float(table[measure][k]) for table in tables)
    return first, second
