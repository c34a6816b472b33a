"""Resampling of items in memory that does not grow with items × resamples.

What :mod:`helpers.evaluation.significance` stands on. An item is a row of numbers (a 0/1 for right
or wrong, a loss, the counts that F1 needs); a statistic is a function of the *means* of those rows,
which covers accuracy, F1, perplexity, BLEU and the like, and makes a resample one matrix product.

Two facts keep it small and fast. Equal items are interchangeable, so how often each *kind* of item
is drawn is one multinomial draw over kinds: 100,000 items that are right or wrong under two models
are four kinds. And where all items differ, resamples are drawn one after the other.

Items are put into a canonical order first, so that the same seed gives the same result however the
items were ordered, the mirrored result when the two models are swapped, and nearly the same result
where the numbers differ a little, as they do between processors.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtr, ndtri

from helpers.evaluation import checks

Floats = npt.NDArray[np.float64]
Statistic = Callable[..., npt.ArrayLike]

CELLS = 1_000_000
"""Numbers held at once while drawing: 8 MB a working array."""


def group(tables: tuple[Floats, ...]) -> tuple[tuple[Floats, ...], npt.NDArray[np.int64]]:
    """Merge equal items: the distinct rows of each table, and how many items have them.

    ``tables``: one array (items, k) a model, rows of the same item beside each other.

    >>> (a, b), counts = group((np.array([[1.], [0.], [1.]]), np.array([[0.], [0.], [0.]])))
    >>> a.ravel(), b.ravel(), counts
    (array([0., 1.]), array([0., 0.]), array([1, 2]))
    """
    rows, counts = _distinct(np.hstack(tables))
    if len(tables) == 2:
        mirrored, mirrored_counts = _distinct(np.hstack(tables[::-1]))
        # Of the two orders (a, b) and (b, a) always take the same one: swapping the models then
        # gives the same draws.
        if (mirrored.tolist(), mirrored_counts.tolist()) < (rows.tolist(), counts.tolist()):
            b, a = np.hsplit(mirrored, 2)
            return (a, b), mirrored_counts
    return tuple(np.hsplit(rows, len(tables))), counts


def kinds_of(
    tables: tuple[Floats, ...],
) -> tuple[tuple[Floats, ...], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct rows as :func:`group` does, in any order, and each item's kind, (items,).

    >>> (a,), counts, kind = kinds_of((np.array([[2.0], [1.0], [2.0]]),))
    >>> a[kind].ravel(), counts.sum()
    (array([2., 1., 2.]), np.int64(3))
    """
    rows = np.ascontiguousarray(np.hstack(tables))
    whole = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, kind, counts = np.unique(
        whole, return_index=True, return_inverse=True, return_counts=True
    )
    return tuple(np.hsplit(rows[first], len(tables))), counts, kind


def resample(
    tables: tuple[Floats, ...],
    counts: npt.NDArray[np.int64],
    statistic: Statistic,
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    """Return the statistic of ``resamples`` bootstrap samples (items drawn with replacement).

    ``statistic(means_a, means_b)`` gets arrays (chunk, k) and returns (chunk,).
    """
    n = int(counts.sum())
    weights = (drawn / n for drawn in _bootstrap_counts(counts, resamples, rng))
    return np.concatenate([_apply(statistic, [w @ table for table in tables]) for w in weights])


def leave_one_out(
    tables: tuple[Floats, ...], counts: npt.NDArray[np.int64], statistic: Statistic
) -> Floats:
    """Return the statistic without one item of each kind, shape (kinds,)."""
    n = int(counts.sum())
    return _apply(statistic, [(counts @ table - table) / (n - 1) for table in tables])


def pseudo_values(tables: tuple[Floats, ...], statistic: Statistic) -> Floats:
    """Return what each item says of a statistic: its jackknife pseudo-value, (items,).

    n · whole - (n - 1) · without it; their mean is nearly the statistic, and their variance over n
    nearly that of the statistic. Equal items have equal ones, so each kind of item is left out
    once. Source: Tukey 1958; Miller 1974, *The jackknife - a review* (Biometrika 61).

    Raises:
        UserError: the statistic is undefined without some item.

    >>> pseudo_values((np.array([[1.0], [0.0], [2.0]]),), lambda means: means[:, 0]).round(9)
    array([1., 0., 2.])
    """
    n = len(tables[0])
    kinds, counts, kind = kinds_of(tables)
    whole = checks.finite(statistic(*[t.mean(axis=0, keepdims=True) for t in tables]))[0]
    without = checks.finite(leave_one_out(kinds, counts, statistic))
    return n * whole - (n - 1) * without[kind]


def bca_bounds(
    observed: float,
    replicates: Floats,
    jackknife: Floats,
    counts: npt.NDArray[np.int64],
    level: float,
) -> tuple[float, float]:
    r"""Return the bias-corrected and accelerated bootstrap bounds.

    With z0 = Φ⁻¹(share of replicates below the observed value, ties half) and
    a = Σ(m - tᵢ)³ / 6(Σ(m - tᵢ)²)^1.5 over leave-one-out values tᵢ with mean m, the bounds are the
    quantiles of the replicates at Φ(z0 + (z0 + z)/(1 - a(z0 + z))), z = Φ⁻¹((1 ∓ level)/2).
    Source: Efron, Better bootstrap confidence intervals, JASA 82 (1987).
    """
    # Sums of the same items in another order differ in the last digit; those are ties too.
    tie = 1e-9 * float(np.ptp(replicates))
    below = np.mean(replicates < observed - tie) + 0.5 * np.mean(
        np.abs(replicates - observed) <= tie
    )
    edge = 0.5 / len(replicates)
    z0 = ndtri(np.clip(below, edge, 1 - edge))
    away = np.average(jackknife, weights=counts) - jackknife
    spread = np.sum(counts * away**2)
    a = np.sum(counts * away**3) / (6 * spread**1.5) if spread > 0 else 0.0
    z = z0 + ndtri(np.array([1 - level, 1 + level]) / 2)
    low, high = np.quantile(replicates, ndtr(z0 + z / (1 - a * z)))
    return float(low), float(high)


def swap(
    tables: tuple[Floats, Floats],
    statistic: Statistic,
    resamples: int,
    rng: np.random.Generator,
    exact_up_to: int = 100_000,
) -> tuple[Floats, Floats, bool]:
    """Exchange the two models on random items: the statistic's distribution if they were equal.

    Returns values, their probabilities and whether these are all possible exchanges (exact, where
    there are at most ``exact_up_to``) or ``resamples`` random ones.
    """
    n = len(tables[0])
    first, second = _larger_first(*tables)
    (a, b), counts = group((first, second))
    differ = (a != b).any(axis=1)
    base_a, base_b = counts @ a / n, counts @ b / n
    step, counts = ((b - a) / n)[differ], counts[differ]
    values, masses = [], []
    exact = np.log1p(counts).sum() <= np.log(exact_up_to)
    drawn = _all_exchanges(counts) if exact else _random_exchanges(counts, resamples, rng)
    for exchanged, mass in drawn:
        moved = exchanged @ step
        values.append(_apply(statistic, [base_a + moved, base_b - moved]))
        masses.append(mass)
    return np.concatenate(values), np.concatenate(masses), bool(exact)


def _distinct(rows: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    # By value, not by bytes: the last digit of a number, which differs between processors, must not
    # decide where its item stands, or other items would be drawn.
    rows = rows[np.lexsort(rows.T[::-1])]
    new = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))
    return rows[new], np.diff(np.append(np.flatnonzero(new), len(rows)))


def _larger_first(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    # An item (0, 1) and an item (1, 0) are exchanges of each other, so one kind.
    column = np.argmax(a != b, axis=1)[:, None]
    smaller = np.take_along_axis(a, column, 1) < np.take_along_axis(b, column, 1)
    return np.where(smaller, b, a), np.where(smaller, a, b)


def _bootstrap_counts(
    counts: npt.NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    n, kinds = int(counts.sum()), len(counts)
    chunk = max(1, CELLS // kinds)
    few = kinds * 10 <= n  # a multinomial draw over few kinds is faster than n draws of items
    kind = np.repeat(np.arange(kinds), counts)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        if few:
            yield rng.multinomial(n, counts / n, size=size)
        else:
            drawn = np.empty((size, kinds), dtype=np.int64)
            for row in drawn:
                items = rng.integers(0, n, n)
                row[:] = np.bincount(kind[items] if kinds < n else items, minlength=kinds)
            yield drawn


def _all_exchanges(counts: npt.NDArray[np.int64]) -> Iterator[tuple[Floats, Floats]]:
    """All numbers of exchanged items of each kind, with their probability Π Binomial(c, ½)."""
    grid, masses = np.zeros((1, 0)), np.ones(1)
    for c in counts:
        steps = np.arange(c + 1.0)
        chances = np.exp(
            gammaln(c + 1) - gammaln(steps + 1) - gammaln(c - steps + 1) - c * np.log(2)
        )
        grid = np.hstack([np.repeat(grid, c + 1, axis=0), np.tile(steps, len(grid))[:, None]])
        masses = np.repeat(masses, c + 1) * np.tile(chances, len(masses))
    yield grid, masses


def _random_exchanges(
    counts: npt.NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.int64], Floats]]:
    chunk = max(1, CELLS // len(counts))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        if counts.max() == 1:  # a fair coin an item
            drawn = rng.integers(0, 2, (size, len(counts)), dtype=np.int8).astype(np.int64)
        else:
            drawn = rng.binomial(counts, 0.5, size=(size, len(counts)))
        yield drawn, np.full(size, 1.0 / resamples)


def _apply(statistic: Statistic, means: list[Floats]) -> Floats:
    return np.asarray(statistic(*means), dtype=float).reshape(len(means[0]))
