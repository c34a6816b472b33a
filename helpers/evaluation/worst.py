"""The score of the worst of several domains, and how far chance lowers it.

The least of several noisy means lies below the least of the true ones, and the more so the more
alike the domains are: with equal domains all of what looks like a worst one is chance.

Where every item belongs to one domain, :func:`by_domain` makes numbers of its score whose means
over items hold all that :func:`mean_of_domains` and :func:`worst_of_domains` need, as statistics of
a :class:`helpers.evaluation.comparison.Comparison`.
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


def by_domain(scores: npt.ArrayLike, domains: npt.ArrayLike) -> Floats:
    """Return what each item adds to the score of its domain, (..., n, 2d) for d domains.

    Its score in the column of its domain, then a 1 in the column of its domain, else zeros.

    Args:
        scores: of every item, (..., n).
        domains: number of each item's domain, (n,), from 0; each has at least one item.

    Raises:
        UserError: numbers that do not fit the items.

    >>> by_domain([0.5, 1.0], [0, 1])
    array([[0.5, 0. , 1. , 0. ],
           [0. , 1. , 0. , 1. ]])
    """
    table, numbers = np.asarray(scores, dtype=float), np.asarray(domains)
    if not table.size or numbers.shape != table.shape[-1:] or numbers.min() < 0:
        raise UserError(
            f"Every item needs the number of its domain, from 0: there are scores of shape "
            f"{table.shape} and domains of shape {numbers.shape}."
        )
    own = np.eye(int(numbers.max()) + 1)[numbers]
    there = np.broadcast_to(own, (*table.shape, own.shape[1]))
    return np.concatenate([table[..., None] * own, there], axis=-1)


def mean_of_domains(means: npt.ArrayLike) -> Floats:
    """Return the mean of the domains' scores, each alike, from means of :func:`by_domain`.

    Shape (..., 2d) to (...).

    >>> mean_of_domains(by_domain([1, 1, 1, 0], [0, 0, 0, 1]).mean(0))
    np.float64(0.5)
    """
    found: Floats = _each(means).mean(-1)
    return found


def worst_of_domains(means: npt.ArrayLike) -> Floats:
    """Return the least of the domains' scores from means of :func:`by_domain`.

    Shape (..., 2d) to (...). Draw by draw it is the domain that *this* training does worst on,
    which may be another one in the next; so a way whose trainings vary more has a lower one. Chance
    of the items lowers it too (:func:`worst_domain`), and most of that cancels out in a difference:
    simulated with ten draws and 400 items in each of four domains, which were equal, nearly so, or
    one clearly worst, the 95 % interval over draws and items of the difference of two ways held the
    truth in 94 to 100 % of cases.

    >>> worst_of_domains(by_domain([1, 1, 0, 1, 0], [0, 0, 0, 1, 1]).mean(0))
    np.float64(0.5)
    """
    found: Floats = _each(means).min(-1)
    return found


def _each(means: npt.ArrayLike) -> Floats:
    """Return the score of each domain, (..., d)."""
    summed, shares = np.split(np.asarray(means, dtype=float), 2, axis=-1)
    found: Floats = summed / shares
    return found
