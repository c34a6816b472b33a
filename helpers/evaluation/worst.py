"""The score of the worst of several domains, and how far chance lowers it.

The least of several noisy means lies below the least of the true ones, and the more so the more
alike the domains are: with equal domains all of what looks like a worst one is chance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Worst:
    """The least mean score among domains.

    Attributes:
        domain: place of the domain that has it, from 0.
        observed: its mean score over draws and items, in the score's unit: biased low.
        bias: estimate of how much, at most 0.
    """

    domain: int
    observed: float
    bias: float

    @property
    def corrected(self) -> float:
        """The observed score without the estimated bias."""
        return self.observed - self.bias


def worst_domain(table: npt.ArrayLike, resamples: int = 1000, seed: int = 0) -> Worst:
    """Return the worst domain's score with the bootstrap's estimate of its bias.

    The bias is by how much the least of the means of resamples lies below the least of the means,
    on average; draws are resampled for all domains together, items in each domain on their own.
    The correction takes away about half of the bias where domains are equal and next to nothing
    where one is clearly worst, which has no bias. For a *difference* of two ways' worst scores most
    of it cancels out; "every domain gains" is better asked of each domain by itself
    (:func:`helpers.evaluation.decision.combine`). Source: Efron & Tibshirani 1993, *An Introduction
    to the Bootstrap*, ch. 10.

    Args:
        table: (s, n, d) score of each of n items in each of d domains, for s draws.
        resamples: how many.
        seed: of the resampling.

    Raises:
        UserError: not such a table, or missing values.

    >>> rng = np.random.default_rng(0)
    >>> found = worst_domain(rng.random((3, 100, 4)) < 0.8)  # four domains that are alike
    >>> round(found.observed, 3), round(found.corrected, 3)
    (0.757, 0.772)
    """
    scores = np.asarray(table, dtype=float)
    if scores.ndim != 3 or not scores.size or not np.isfinite(scores).all():
        raise UserError(
            f"A table of domains must be (draws, items, domains) without missing values, "
            f"not of shape {scores.shape}."
        )
    draws, items, domains = scores.shape
    means = scores.mean((0, 1))
    rng = np.random.default_rng(seed)
    each = rng.multinomial(draws, np.full(draws, 1 / draws), resamples) / draws
    resampled = np.empty((resamples, domains))
    for place in range(domains):
        weights = rng.multinomial(items, np.full(items, 1 / items), resamples) / items
        resampled[:, place] = np.einsum("rs,rn,sn->r", each, weights, scores[..., place])
    bias = float(resampled.min(1).mean() - means.min())
    return Worst(int(means.argmin()), float(means.min()), min(bias, 0.0))
