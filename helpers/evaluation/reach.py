r"""How soon an arm gets as far, while it trains, as another arm gets at its best.

For each draw, the cost (operations of training) at which the arm's curve reaches the best score of
the other's curve, against the cost at which the other got there, in doublings:

    log₂(cost of the other at its best / cost of the arm at that score)

1 means half the operations, 0 as many, below 0 more. The best of several noisy looks is too high
rather than too low, so the other arm's target is hard to reach: the measure errs on its side.
Source: Taylor & Stone 2009, "time to threshold" (JMLR 10); the document's §1.2.

Shapes: s draws, t looks at a training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation.comparison import Key
from helpers.evaluation.effect import time_to_threshold
from helpers.evaluation.intervals import Interval, seed_interval

Floats = npt.NDArray[np.float64]

MEASURE = "doublings saved"


@dataclass(frozen=True)
class Curve:
    """One training, as it was looked at.

    Attributes:
        costs: (t,) operations, or another cost, up to each look; rising from 0.
        scores: (t,) at each look, on items from which nothing is learned; higher is better.
        least: cost of one step, above 0: nothing is reached for less, since a training of no step
            is none.
    """

    costs: npt.ArrayLike
    scores: npt.ArrayLike
    least: float


@dataclass(frozen=True)
class Reach:
    """The training curves of arms, draw by draw.

    Attributes:
        curves: (s,) curves by arm and label count.
        items: how many items the scores of a curve stand on.

    >>> fast = Curve([0, 10, 20], [0.2, 0.6, 0.8], least=1)
    >>> slow = [Curve([0, 40, 80], [0.2, 0.4, best], least=1) for best in (0.6, 0.5)]
    >>> found = Reach({("tuned", 64): [fast, fast], ("scratch", 64): slow}, items=100)
    >>> found.saved("tuned", "scratch", 64).round(2)  # 80 against 10, 80 against 7.5
    array([3.  , 3.42])
    """

    curves: Mapping[Key, Sequence[Curve]]
    items: int
    measure: str = MEASURE

    def has(self, *arms: str, labels: int) -> bool:
        """Tell whether these arms all have curves, in two draws or more."""
        return all(len(self.curves.get((arm, labels), ())) > 1 for arm in arms)

    def saved(self, arm: str, other: str, labels: int) -> Floats:
        """Return the doublings that an arm saves, (s,); nan in a draw in which it never got there.

        Raises:
            UserError: the two arms have not the same number of draws, or costs and scores that are
                no curve.
        """
        mine, its = self.curves[arm, labels], self.curves[other, labels]
        if len(mine) != len(its):
            raise UserError(
                f"{arm} was trained in {len(mine)} draws and {other} in {len(its)}: curves are "
                "compared draw by draw."
            )
        return np.array(
            [_doublings(curve, against) for curve, against in zip(mine, its, strict=True)]
        )

    def difference(self, arm: str, other: str, labels: int) -> Interval:
        """Return the mean of :meth:`saved` with its t interval over draws; nan where one is."""
        saved = self.saved(arm, other, labels)
        missed = int(np.isnan(saved).sum())
        if missed:
            why = f"undefined: in {missed} of {len(saved)} draws the score was never reached"
            return Interval(np.nan, np.nan, np.nan, len(saved), 0.95, why)
        return seed_interval(saved)


def _doublings(curve: Curve, against: Curve) -> float:
    best = float(np.max(against.scores))
    wanted = time_to_threshold(against.costs, against.scores, [best])[0]
    needed = time_to_threshold(curve.costs, curve.scores, [best])[0]
    return float(np.log2(max(wanted, against.least) / max(needed, curve.least)))
