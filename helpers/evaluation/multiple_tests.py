"""Many tests at once, tests over seeds, and how much a run could have seen.

Twenty claims at a level of 5 % give one false finding by chance alone. :func:`holm` keeps the
chance of *any* false finding below the level: it turns p-values into adjusted ones, to be held
against it.
"""

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats

from helpers import UserError
from helpers.evaluation import checks
from helpers.evaluation.significance import TestResult

Floats = npt.NDArray[np.float64]
Name = TypeVar("Name", bound=Hashable)


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Return Holm's adjusted p-values, in the order given, in [0, 1].

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may fall below the one
    before it. Valid whatever the tests have to do with each other. Source: Holm 1979, *A simple
    sequentially rejective multiple test procedure* (Scandinavian Journal of Statistics).

    >>> holm([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    p = p_values_of(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def p_values_of(p_values: Sequence[float] | Floats) -> Floats:
    """Return p-values as an array, (m,); refuse an empty list and what lies outside [0, 1]."""
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or not len(p):
        raise UserError(f"p_values must be a list of at least one p-value, not of shape {p.shape}.")
    if not ((p >= 0) & (p <= 1)).all():
        raise UserError("p_values must lie in [0, 1]; some do not, or are missing.")
    return p


def wilcoxon(differences: npt.ArrayLike) -> TestResult:
    """Test over seeds whether differences lie around zero, by their signed ranks.

    One difference a seed. Needs no normal distribution, but with n seeds p cannot be below
    2^(1-n): with fewer than 6 it never falls below 0.05, whatever the differences. Exact where
    there are no ties and zeros. Source: Wilcoxon 1945, *Individual comparisons by ranking methods*.

    >>> wilcoxon([0.02, 0.05, 0.03, 0.04, 0.06, 0.01]).p
    0.03125
    """
    values = checks.items("differences", differences, least=1)[:, 0]
    if not values.any():
        return TestResult(1.0, 0.0, len(values), "Wilcoxon signed ranks: all differences are 0")
    found = stats.wilcoxon(values)
    return TestResult(
        float(found.pvalue), float(found.statistic), len(values), "Wilcoxon signed ranks"
    )


def power_of_pairs(difference: float, spread: float, n: int, level: float = 0.95) -> float:
    """Return the probability that n paired items find a true difference, in [1 - level, 1].

    ``spread`` is the standard deviation of the per-item differences, in the unit of ``difference``.
    Two-sided, normal approximation.

    >>> round(power_of_pairs(difference=0.05, spread=0.4, n=500), 2)
    0.8
    """
    _sizes(spread, n, level)
    z, shift = stats.norm.ppf((1 + level) / 2), abs(difference) * np.sqrt(n) / spread
    return float(stats.norm.sf(z - shift) + stats.norm.cdf(-z - shift))


def _sizes(spread: float, n: int, level: float) -> None:
    checks.level_between(level)
    if not spread > 0 or not np.isfinite(spread):
        raise UserError(f"spread must be a number above 0, not {spread}.")
    if n < 2 or int(n) != n:
        raise UserError(f"n must be a whole number of at least 2 items, not {n}.")
