"""How sure one can be: intervals, paired tests and verdicts.

Two models are compared on the *same* items, and the interval stands on their difference: items that
are hard for both cancel out. There are two sources of chance, and they are two numbers:

- **items**: another test set would have given another score (:func:`paired_bootstrap`,
  :func:`mcnemar`, :func:`permutation_test`) for *these* trained models; that says nothing of
  another training, and however small its p-value, it is a lesson and no evidence for a claim;
- **seeds**: another draw of labels and another initialization would have given another model
  (:func:`seed_interval`), on *this* test set;
- :func:`two_level_interval` covers both: what the *strategy* does on items of this kind. What it
  decides, and with which p-value, says :mod:`helpers.evaluation.decision`.

Differences are a - b of scores where higher is better (negate a loss or a perplexity first).

Measured over 1,000 simulated experiments of 400 items whose truth is known (``make bench``; ± 1.4
points by chance): the 95 % intervals cover the true difference in 95.5 % of them for accuracy and
94.8 % for macro F1; where there is no difference, the permutation test rejects in 5.1 % and
McNemar's mid-p in 5.0 %.

Values without any variation say nothing about chance: their bounds are nan and the verdict is
"undecided", where an interval of width 0 would have claimed certainty.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from helpers import UserError
from helpers.evaluation import checks, resampling
from helpers.evaluation.intervals import (
    Interval,
    bootstrap_interval,
    mean_difference,
    paired_bootstrap,
    proportion_interval,
    seed_interval,
    two_level_interval,
    two_level_intervals,
)
from helpers.evaluation.resampling import Statistic

__all__ = [
    "Interval",
    "TestResult",
    "bootstrap_interval",
    "mcnemar",
    "paired_bootstrap",
    "permutation_test",
    "proportion_interval",
    "seed_interval",
    "smallest_detectable",
    "two_level_interval",
    "two_level_intervals",
    "verdict",
]

HelpsOrHurts = Literal["helps", "hurts", "undecided"]


@dataclass(frozen=True)
class TestResult:
    """A test of "no difference": two-sided ``p``, its ``statistic``, the ``n`` it rests on."""

    __test__ = False  # not a test class of pytest

    p: float
    statistic: float
    n: int
    method: str


def mcnemar(
    correct_a: npt.ArrayLike,
    correct_b: npt.ArrayLike,
    method: Literal["exact", "mid-p"] = "mid-p",
) -> TestResult:
    """Test whether two models are right equally often on the same items.

    Only items that exactly one model has right matter: b of them are a's (the ``statistic``), out
    of ``n``. If the models were equal, b ~ Binomial(n, 1/2); p is two-sided. "exact" never rejects
    too often, and so too rarely; "mid-p" counts the observed outcome half and is closer to its
    level. Source: Fagerland et al., BMC Medical Research Methodology 13:91 (2013).

    >>> mcnemar([1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 1, 1], method="exact")
    TestResult(p=0.21875, statistic=5.0, n=6, method='McNemar, exact')
    >>> round(mcnemar([1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 1, 1]).p, 6)
    0.125
    """
    if method not in ("exact", "mid-p"):
        raise UserError(f"method must be 'exact' or 'mid-p', not {method!r}.")
    a, b = checks.zero_one("correct_a", correct_a), checks.zero_one("correct_b", correct_b)
    checks.same_length(a, b)
    only_a, n = int(np.sum(a > b)), int(np.sum(a != b))
    fewer = min(only_a, n - only_a)  # p is the same whichever model comes first
    p = float(stats.binomtest(fewer, n).pvalue) if n else 1.0
    if n and method == "mid-p":
        p -= float(stats.binom.pmf(fewer, n, 0.5))
    return TestResult(p, float(only_a), n, f"McNemar, {method}")


def permutation_test(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    statistic: Statistic | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> TestResult:
    """Test "no difference" by exchanging the two models on random items (sign flips).

    ``a``, ``b``, ``statistic`` as in :func:`paired_bootstrap`; two-sided: p is the probability of
    an absolute difference at least as large as the observed one (the ``statistic``). Exact where
    there are few different exchanges, otherwise (1 + hits) / (1 + resamples), which is never 0. For
    right and wrong answers it is McNemar's exact test, which rejects less often than its level
    says; :func:`mcnemar` with "mid-p" is closer.

    >>> result = permutation_test([0.9, 0.8, 0.9, 0.7, 0.8], [0.6, 0.7, 0.5, 0.5, 0.7])
    >>> result.p, round(result.statistic, 3), result.method
    (0.0625, 0.22, 'sign flips, exact')
    """
    checks.enough_resamples(resamples)
    tables = checks.pair(a, b)
    use = statistic or mean_difference
    if statistic is None:  # only the differences matter, and equal ones are one kind
        difference = tables[0] - tables[1]
        observed = float(difference[:, 0].mean())
        tables = (np.abs(difference), np.zeros_like(difference))
    else:
        observed = float(checks.finite(use(*[t.mean(axis=0, keepdims=True) for t in tables]))[0])
    rng = np.random.default_rng(seed)
    values, masses, exact = resampling.swap(tables, use, resamples, rng)
    reach = np.abs(checks.finite(values))
    extreme = float(masses[reach >= abs(observed) - 1e-9 * reach.max(initial=0.0)].sum())
    n = len(tables[0])
    if exact:
        return TestResult(min(1.0, extreme), observed, n, "sign flips, exact")
    p = (extreme * resamples + 1) / (resamples + 1)
    return TestResult(p, observed, n, f"sign flips, {resamples} random")


def verdict(interval: Interval, smallest_of_interest: float = 0.0) -> HelpsOrHurts:
    """Say what an interval of a difference (higher is better) allows to be said.

    "helps" if all of it is above ``smallest_of_interest``, "hurts" if all of it is below minus
    that, "undecided" otherwise, which is not "no effect": see :func:`smallest_detectable`.

    >>> verdict(Interval(0.04, 0.01, 0.07, 800, 0.95, "BCa"))
    'helps'
    >>> verdict(Interval(0.04, 0.01, 0.07, 800, 0.95, "BCa"), smallest_of_interest=0.02)
    'undecided'
    """
    if not smallest_of_interest >= 0:
        raise UserError(f"smallest_of_interest must be at least 0, not {smallest_of_interest}.")
    if interval.low > smallest_of_interest:
        return "helps"
    return "hurts" if interval.high < -smallest_of_interest else "undecided"


def smallest_detectable(interval: Interval, power: float = 0.8) -> float:
    """Return the smallest true difference that such a run would have found, nan if undefined.

    A rule of thumb; :mod:`helpers.evaluation.planning` reckons with draws and items.
    ``half-width · (1 + z(power) / z((1 + level) / 2))``: with a true difference of this size, a run
    with as many items or seeds and as much spread gives an interval clear of 0 with probability
    ``power``. With power 0.5 it is the half-width itself. In the unit of the interval. Normal
    approximation; over few seeds (t interval) it errs on the large side.

    >>> round(smallest_detectable(Interval(0.01, -0.02, 0.04, 800, 0.95, "BCa")), 4)
    0.0429
    """
    if not 0 < power < 1:
        raise UserError(f"power must be between 0 and 1, not {power}.")
    half = (interval.high - interval.low) / 2
    z = stats.norm.ppf((1 + interval.level) / 2)
    return float(half * (1 + stats.norm.ppf(power) / z))
