"""Intervals: what another test set, other seeds, or both, would have given.

The public names are those of :mod:`helpers.evaluation.significance`, which says what is what.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from helpers import UserError
from helpers.evaluation import checks, resampling

Floats = npt.NDArray[np.float64]
Statistic = Callable[..., npt.ArrayLike]


@dataclass(frozen=True)
class Interval:
    """A value with its bounds: ``n`` items (or seeds), confidence ``level``, ``method`` in words.

    Bounds are nan where the method cannot give any; ``df`` are the degrees of freedom of bounds by
    Student's t (few seeds: few), infinite for others.

    >>> print(Interval(0.84321, 0.8123, 0.8714, n=800, level=0.95, method="Wilson"))
    0.843 [0.812, 0.871]
    """

    value: float
    low: float
    high: float
    n: int
    level: float
    method: str
    df: float = np.inf

    def __str__(self) -> str:
        """Return value and bounds with three digits."""
        return f"{self:.3f}"

    def __format__(self, spec: str) -> str:
        """Format the three numbers alike: ``f"{interval:.1f}"``."""
        value, low, high = (_number(x, spec or ".3f") for x in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]" if self.defined else f"{value} [undefined]"

    @property
    def defined(self) -> bool:
        """Whether there are bounds."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


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
    r"""Return an interval of a - b that covers new seeds *and* new items at once.

    ``a``, ``b``: (seeds, items) or (seeds, items, k), every model on the same items. With d the
    differences, model d_si = δ + seed_s + item_i + rest_si; the estimate of δ is their mean, and
    its variance ``max(MS_seed + MS_item - MS_rest, MS_seed, MS_item) / (S·N)`` comes from the mean
    squares of the two-way layout; bounds by Student's t with Satterthwaite's degrees of freedom
    (at least S - 1, so that three seeds give wide bounds). Simulated with right and wrong answers,
    200 items and 3 to 10 seeds, it covered δ in 93 to 99 % of cases at level 0.95.
    Covers δ: the mean difference of the two *strategies* over trainings and items of this kind. It
    does not cover another corpus. With another ``statistic`` the d_si are its jackknife
    pseudo-values. Sources: Searle et al., Variance Components (1992);
    Satterthwaite, Biometrics Bulletin 2 (1946).

    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.random((3, 400)) < 0.85, rng.random((3, 400)) < 0.80
    >>> print(two_level_interval(a, b))
    0.043 [0.008, 0.079]
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
    value = float(np.mean(values))
    seeds, n = first.shape[:2]
    pseudo = np.stack([_pseudo_values(pair, use) for pair in pairs])
    rows, columns, mean = pseudo.mean(axis=1), pseudo.mean(axis=0), pseudo.mean()
    ms_seed = n * rows.var(ddof=1)
    ms_item = seeds * columns.var(ddof=1)
    rest = pseudo - rows[:, None] - columns + mean
    ms_rest = np.sum(rest**2) / ((seeds - 1) * (n - 1))
    method = f"two-level t over {seeds} seeds and {n} items"
    spread = max(ms_seed + ms_item - ms_rest, ms_seed, ms_item)
    if spread <= 1e-20:
        return Interval(value, np.nan, np.nan, n, level, f"{method}: undefined, no variation")
    noise = (ms_seed**2 + (ms_item**2 * (seeds - 1) + ms_rest**2) / (n - 1)) / (seeds - 1)
    df = max(spread**2 / noise, seeds - 1)
    half = float(stats.t.ppf((1 + level) / 2, df) * np.sqrt(spread / (seeds * n)))
    return Interval(value, value - half, value + half, n, level, method, float(df))


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


def _pseudo_values(pair: tuple[Floats, Floats], statistic: Statistic) -> Floats:
    if statistic is mean_difference:
        return (pair[0] - pair[1])[:, 0]
    n = len(pair[0])
    each = np.ones(n, dtype=np.int64)
    whole = checks.finite(statistic(*[t.mean(axis=0, keepdims=True) for t in pair]))[0]
    without = checks.finite(resampling.leave_one_out(pair, each, statistic))
    return n * whole - (n - 1) * without


def _mean(means: Floats) -> Floats:
    return means[:, 0]


def mean_difference(means_a: Floats, means_b: Floats) -> Floats:
    """Return the difference of means, the statistic where none is given."""
    return means_a[:, 0] - means_b[:, 0]


def _number(x: float, spec: str) -> str:
    if not np.isfinite(x):
        return "undefined"
    text = format(x, spec)
    return text.lstrip("-") if text.startswith("-") and not text.strip("-0.%") else text
