"""Intervals: what another test set, other seeds, or both, would have given.

Three questions, three names: other items (:func:`paired_bootstrap`), other draws
(:func:`seed_interval`), both (:func:`two_level_interval`). The public names are those of
:mod:`helpers.evaluation.significance`, which says what is what.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy import stats

from helpers import UserError
from helpers.evaluation import checks, resampling
from helpers.evaluation.bounds import Interval
from helpers.evaluation.generalized import MeanSquares, half_widths
from helpers.evaluation.resampling import Statistic, pseudo_values

__all__ = [
    "Interval",
    "bootstrap_interval",
    "mean_difference",
    "paired_bootstrap",
    "proportion_interval",
    "seed_interval",
    "two_level_interval",
    "two_level_intervals",
]

Floats = npt.NDArray[np.float64]


def proportion_interval(
    successes: npt.ArrayLike, n: int | None = None, level: float = 0.95
) -> Interval:
    """Return Wilson's interval of a share, such as the accuracy of one model on n items.

    ``successes`` of ``n``, or, without n, one 0/1 an item. Unlike value ± 2 standard errors it
    stays within [0, 1] and has a width at 0 and at 1. Source: Wilson, JASA 22 (1927).

    >>> print(proportion_interval(9, 10))
    0.900 [0.596, 0.982]
    >>> print(proportion_interval([1, 1, 1]))
    1.000 [0.439, 1.000]
    """
    checks.level_between(level)
    if n is None:
        hits = checks.zero_one("successes", successes)
        count, n = int(hits.sum()), len(hits)
    else:
        if n < 1 or int(n) != n:
            raise UserError(f"n must be a whole number of at least 1 item, not {n}.")
        hits = np.asarray(successes)
        if hits.ndim or hits.dtype.kind not in "biuf" or not 0 <= hits <= n or hits % 1:
            raise UserError(f"successes must be a whole number from 0 to n = {n}, not {hits}.")
        count, n = int(hits), int(n)
    bounds = stats.binomtest(count, n).proportion_ci(level, method="wilson")
    return Interval(count / n, float(bounds.low), float(bounds.high), n, level, "Wilson")


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Statistic | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the BCa bootstrap interval of the mean of per-item values, or of a function of means.

    ``values``: (items,) or (items, k). ``statistic`` maps means (resamples, k) to (resamples,).

    >>> losses = np.random.default_rng(1).exponential(size=200)
    >>> print(bootstrap_interval(losses))
    1.049 [0.919, 1.221]
    >>> print(bootstrap_interval(losses, statistic=lambda means: np.exp(means[:, 0])))
    2.856 [2.506, 3.390]
    """
    return _bootstrap((checks.items("values", values),), statistic or _mean, resamples, level, seed)


def paired_bootstrap(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    statistic: Statistic | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the BCa bootstrap interval of a - b over items, for two given models.

    ``a``, ``b``: what each model got on the same items in the same order, (items,) or (items, k).
    By default the difference of means. Otherwise ``statistic(means_a, means_b)`` maps means over
    items, each (resamples, k), to (resamples,), as
    :func:`helpers.evaluation.metrics.macro_f1_difference` does with
    :func:`helpers.evaluation.metrics.contributions`. Source: Efron, JASA 82 (1987).

    Covers: another test set of as many items. Does not cover: another training run. The order of
    items does not matter, and ``paired_bootstrap(b, a)`` is the mirror image (but for the noise of
    resampling where swapping the models gives the same data). Where 0/1 values do
    not vary at all, the bounds are exact ones (of a share of 0 in n) instead.

    Raises UserError for fewer than 2 items, lengths that differ, missing values, or a statistic
    that is undefined in some resample.

    >>> right_a, right_b = np.repeat([1, 1, 0, 0], [150, 30, 10, 10]), np.repeat([1, 0, 1, 0],
    ...                                                                      [150, 30, 10, 10])
    >>> print(paired_bootstrap(right_a, right_b))
    0.100 [0.040, 0.165]
    """
    tables = checks.pair(a, b)
    return _bootstrap(tables, statistic or mean_difference, resamples, level, seed)


def seed_interval(differences: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Return Student's t interval of the mean over seeds of paired differences.

    ``mean ± t(level, S - 1) · s / √S`` for one difference a seed (same seed, same labels, same
    items under both models). Covers other seeds on the same test set, if differences are roughly
    normal. One seed, or seeds that do not differ, have no spread: the bounds are nan.

    >>> print(seed_interval([0.03, 0.05, 0.04]))
    0.040 [0.015, 0.065]
    >>> print(seed_interval([0.03]))
    0.030 [undefined]
    """
    checks.level_between(level)
    values = checks.items("differences", differences, least=1)[:, 0]
    n, mean = len(values), float(values.mean())
    if n < 2 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        why = "one seed" if n < 2 else "no variation"
        return Interval(mean, np.nan, np.nan, n, level, f"t over seeds: undefined, {why}")
    half = float(stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n, level, "t over seeds", n - 1)


def two_level_interval(
    a: npt.ArrayLike, b: npt.ArrayLike, statistic: Statistic | None = None, level: float = 0.95
) -> Interval:
    """Return an interval of a - b that covers new draws *and* new items at once.

    ``a``, ``b``: (draws, items) or (draws, items, k), every model on the same items. The estimate
    is the mean over draws of their differences; bounds and p-values are generalized ones from the
    mean squares of draws, items and rest (:mod:`helpers.evaluation.generalized`), which the
    interval keeps. With another ``statistic``, as for :func:`paired_bootstrap`, the squares are
    those of its jackknife pseudo-values.

    Simulated with right and wrong answers, 3, 5 and 10 draws, 400 and 2,000 items and draws that
    differ by a standard deviation of 0, .02 and .05, it covered the truth in 95 to 99 % of cases,
    and p was below .001 in at most .0015 of them (``python -m tests.bench.tails``). It is cautious
    where draws hardly differ (99.2 % at three, where items do not either). Two draws give bounds
    too wide for most questions.

    Covers δ: the mean difference of the two *strategies* over trainings and items of this kind. It
    does not cover another corpus, nor, if the draws share their labels, another set of labels.

    Raises:
        UserError: not two tables of one shape with at least 2 draws and 2 items; missing values.

    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.random((3, 400)) < 0.85, rng.random((3, 400)) < 0.80
    >>> found = two_level_interval(a, b)
    >>> print(found, found.p().__round__(3))
    0.043 [-0.004, 0.091] 0.06
    """
    checks.level_between(level)
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape or first.ndim not in (2, 3) or min(first.shape[:2]) < 2:
        raise UserError(
            "a and b must be tables of the same shape (seeds, items) with at least 2 of each, "
            f"not {first.shape} and {second.shape}."
        )
    pairs = [checks.pair(x, y) for x, y in zip(first, second, strict=True)]
    use = statistic or mean_difference
    values = [
        checks.finite(use(*[t.mean(axis=0, keepdims=True) for t in pair]))[0] for pair in pairs
    ]
    pseudo = np.stack(
        [(x - y)[:, 0] if use is mean_difference else pseudo_values((x, y), use) for x, y in pairs]
    )
    squares = MeanSquares.of(pseudo)
    half = squares.half_width(level)
    return _over_both(float(np.mean(values)), squares, half, _reach(pseudo), level)


def two_level_intervals(
    differences: Iterable[npt.ArrayLike], level: float = 0.95
) -> list[Interval]:
    """Return :func:`two_level_interval` of many tables of differences at once.

    Args:
        differences: m tables (draws, items), or one array (m, draws, items); all of one shape, one
            at a time in memory where they come from a generator.
        level: of all intervals.

    Raises:
        UserError: tables that are not of one shape, with fewer than 2 draws or items, or that hold
            missing values.

    >>> rng = np.random.default_rng(0)
    >>> [str(found) for found in two_level_intervals(rng.normal(0.1, 1, (2, 5, 400)))]
    ['0.072 [-0.004, 0.147]', '0.098 [0.044, 0.152]']
    """
    checks.level_between(level)
    means, spreads, reaches = [], [], []
    for table in differences:
        each = np.asarray(table, dtype=float)
        if each.ndim != 2 or min(each.shape) < 2 or not np.isfinite(each).all():
            raise UserError(
                "Each table of differences must be (draws, items), at least 2 of each, without "
                f"missing values; one has the shape {each.shape}."
            )
        means.append(float(each.mean()))
        spreads.append(MeanSquares.of(each))
        reaches.append(_reach(each))
    sizes = sorted({(spread.draws, spread.items) for spread in spreads})
    if len(sizes) > 1:
        raise UserError(f"Tables of differences must be of one shape, not {sizes[0]}, {sizes[1]}.")
    if not sizes:
        return []
    draw, item, rest = np.array([(spread.draw, spread.item, spread.rest) for spread in spreads]).T
    halves = half_widths(draw, item, rest, *sizes[0], level=level)
    return [
        _over_both(mean, squares, float(half), reach, level)
        for mean, squares, half, reach in zip(means, spreads, halves, reaches, strict=True)
    ]


def _over_both(
    value: float, squares: MeanSquares, half: float, reach: float, level: float
) -> Interval:
    method = f"generalized interval over {squares.draws} draws and {squares.items} items"
    # What is left of equal numbers after rounding is no variation.
    if max(squares.draw, squares.item, squares.rest) <= 1e-20 * max(1.0, reach**2):
        why = f"{method}: undefined, no variation"
        return Interval(value, np.nan, np.nan, squares.items, level, why)
    bounds = value - half, value + half
    return Interval(value, *bounds, squares.items, level, method, squares=squares)


def _reach(table: Floats) -> float:
    return float(np.abs(table).max())


def _bootstrap(
    tables: tuple[Floats, ...], statistic: Statistic, resamples: int, level: float, seed: int
) -> Interval:
    checks.level_between(level)
    checks.enough_resamples(resamples)
    n = len(tables[0])
    kinds, counts = resampling.group(tables)
    observed = float(checks.finite(statistic(*[counts @ t[None] / n for t in kinds]))[0])
    if len(counts) == 1:
        return _without_variation(observed, kinds, statistic, n, level)
    rng = np.random.default_rng(seed)
    replicates = checks.finite(resampling.resample(kinds, counts, statistic, resamples, rng))
    if np.ptp(replicates) <= 1e-12 * max(1e-300, float(np.abs(replicates).max())):
        return _without_variation(observed, kinds, statistic, n, level)
    jackknife = checks.finite(resampling.leave_one_out(kinds, counts, statistic))
    low, high = resampling.bca_bounds(observed, replicates, jackknife, counts, level)
    return Interval(observed, low, high, n, level, f"BCa bootstrap, {resamples} resamples")


def _without_variation(
    value: float, kinds: tuple[Floats, ...], statistic: Statistic, n: int, level: float
) -> Interval:
    """Bounds where all items agree: exact for means of 0/1 values, nan otherwise."""
    method = "bootstrap: undefined, no variation"
    plain = statistic in (_mean, mean_difference) and kinds[0].shape[1] == 1
    if not plain or not all(np.isin(t, (0, 1)).all() for t in kinds):
        return Interval(value, np.nan, np.nan, n, level, method)
    # Something never seen in n items has at most this probability (Clopper-Pearson at 0 of n).
    unseen = 1 - ((1 - level) / 2) ** (1 / n)
    if len(kinds) == 1:
        low, high = (0.0, unseen) if value == 0 else (1 - unseen, 1.0)
    elif value == 0:
        low, high = -unseen, unseen
    else:
        low, high = (1 - 2 * unseen, 1.0) if value > 0 else (-1.0, 2 * unseen - 1)
    return Interval(value, low, high, n, level, "exact, no variation seen")


def _mean(means: Floats) -> Floats:
    return means[:, 0]


def mean_difference(means_a: Floats, means_b: Floats) -> Floats:
    """Return the difference of means, the statistic where none is given."""
    return means_a[:, 0] - means_b[:, 0]
