"""How many labels of a reference one label is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.evaluation.effect import label_efficiency_ratio

Floats = npt.NDArray[np.float64]


def resampled(scores: Floats, rng: np.random.Generator) -> Floats:
    """Return the mean over draws that are drawn with replacement, (r, s) -> (r,)."""
    resamples, draws = scores.shape
    weights = rng.multinomial(draws, np.full(draws, 1 / draws), resamples) / draws
    result: Floats = (scores * weights).sum(1)
    return result


def labels_needed(counts: Sequence[int], scores: Sequence[float]) -> float:
    """Return the labels that a curve, ``scores[1:]`` at ``counts``, needs for ``scores[0]``."""
    target, curve = float(scores[0]), np.array(scores[1:])
    lifted = label_efficiency_ratio(counts, np.full(len(counts), target), curve, at=counts[0])
    if lifted.status == "reached":
        return lifted.needed
    return float("inf") if lifted.status == "not reached" else 0.0


@dataclass(frozen=True)
class Efficiency:
    """How many labels of a reference one label is worth.

    ``ratio`` with bounds, no unit, in [0, inf]: infinite where the reference does not reach the
    score with its ``most`` labels, 0 where it is above it with its fewest.

    >>> print(Efficiency(3.4, 2.0, float("inf"), labels=64, most=256))
    3.4 times [2.0, more than 4.0]
    """

    ratio: float
    low: float
    high: float
    labels: int
    most: int

    def __str__(self) -> str:
        """Return ratio and bounds with one digit; open ones as such."""
        limit = self.most / self.labels
        shown = [
            f"more than {limit:.1f}" if np.isinf(x) else "fewer" if x == 0 else f"{x:.1f}"
            for x in (self.ratio, self.low, self.high)
        ]
        return f"{shown[0]} times [{shown[1]}, {shown[2]}]"
