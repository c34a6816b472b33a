"""Calibration: does a model that says 80 % turn out right in 80 % of cases?

A classifier's confidence is the probability of the class that it says. It is *calibrated* where,
among the items with confidence c, a share c is right. Accuracy does not see it: a model may be
right often and far too sure.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from helpers import UserError
from helpers.evaluation import checks

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Items of like confidence: how many, how sure on the mean, which share of them is right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def probabilities(logits: npt.ArrayLike) -> Floats:
    """Return class probabilities (n, c) of logits (n, c), by the softmax.

    >>> probabilities([[0.0, 0.0], [1000.0, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    table = checks.items("logits", logits, least=1)
    if table.shape[1] < 2:
        raise UserError(f"logits must be (items, classes) of 2 classes or more, not {table.shape}.")
    return np.asarray(softmax(table, axis=1))


def reliability(confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 10) -> list[Bin]:
    """Return bins of equal width over [0, 1] that hold an item, from unsure to sure.

    Args:
        confidence: (n,) probability of the class said, in [0, 1].
        right: (n,) 1 where it was the true class, else 0.
        bins: at least 1.

    Raises:
        UserError: lengths that differ, values out of range, no items.

    >>> [(each.n, each.accuracy) for each in reliability([0.95, 0.9, 0.55], [1, 0, 1])]
    [(1, 1.0), (2, 0.5)]
    """
    sure, hits = checks.items("confidence", confidence, least=1), checks.zero_one("right", right)
    checks.same_length(sure, hits)
    if sure.shape[1] != 1 or sure.min() < 0 or sure.max() > 1 + 1e-9:
        raise UserError("confidence must be one probability in [0, 1] an item.")
    if bins < 1:
        raise UserError(f"bins must be at least 1, not {bins}.")
    values = sure[:, 0]
    place = np.minimum((values * bins).astype(int), bins - 1)
    found = []
    for number in np.unique(place):
        inside = place == number
        found.append(
            Bin(
                float(number / bins),
                float((number + 1) / bins),
                int(inside.sum()),
                float(values[inside].mean()),
                float(hits[inside].mean()),
            )
        )
    return found


def expected_calibration_error(
    confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 10
) -> float:
    r"""Return the ECE: the mean gap between confidence and accuracy, over bins by their size.

    .. math:: \sum_b \frac{n_b}{n}\, \lvert \mathrm{acc}_b - \mathrm{conf}_b \rvert

    In [0, 1], lower is better. It depends on the number of bins, and few items make it too large
    (an empty gap has noise in it); compare only at equal bins and items. Source: Guo et al. 2017,
    *On calibration of modern neural networks* (ICML).

    >>> round(expected_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 1, 1, 0]), 3)
    0.1
    """
    found = reliability(confidence, right, bins)
    n = sum(each.n for each in found)
    return float(sum(each.n / n * abs(each.accuracy - each.confidence) for each in found))
