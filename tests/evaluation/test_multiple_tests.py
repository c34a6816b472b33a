"""Families of tests, tests over seeds, power: against definitions and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import UserError
from helpers.evaluation.multiple_tests import (
    benjamini_hochberg,
    detectable_difference,
    holm,
    holm_of_intervals,
    p_of_interval,
    power,
    wilcoxon,
)
from helpers.evaluation.significance import Interval, seed_interval

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(deadline=None)
@given(p_lists, st.floats(0.001, 0.5))
def test_holm_rejects_what_its_steps_reject(p_values, level):
    rejected, m = set(), len(p_values)
    for step, i in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[i] * (m - step) > level:
            break
        rejected.add(int(i))
    found = set(np.flatnonzero(holm(p_values) <= level).tolist())
    assert found == rejected


@settings(deadline=None)
@given(p_lists, st.floats(0.001, 0.5))
def test_benjamini_hochberg_rejects_what_its_line_rejects(p_values, level):
    ranked = np.sort(p_values)
    m = len(ranked)
    below = [k for k in range(1, m + 1) if ranked[k - 1] * m / k <= level]
    limit = ranked[below[-1] - 1] if below else -1
    found = benjamini_hochberg(p_values) <= level
    assert found.tolist() == [p <= limit for p in p_values]


@given(p_lists, st.randoms())
def test_adjusted_values_do_not_depend_on_order_and_only_grow(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p_values)
        assert (adjusted >= np.array(p_values) - 1e-12).all() and (adjusted <= 1).all()
        np.testing.assert_allclose(adjust(np.array(p_values)[order]), adjusted[order])
    assert (holm(p_values) >= benjamini_hochberg(p_values) - 1e-12).all()


@pytest.mark.parametrize("n", [3, 5, 400])
def test_an_intervals_p_value_is_that_of_its_test(n):
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.3, 1.0, 4.0):
        values = rng.normal(shift, 1, n)
        found = seed_interval(values)
        assert (p_of_interval(found) < 0.05) == (found.low > 0 or found.high < 0)
        assert p_of_interval(found) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-6)
    assert p_of_interval(Interval(0.5, np.nan, np.nan, 1, 0.95, "")) == 1


def test_the_best_of_many_is_held_to_more_than_its_own_interval():
    rng = np.random.default_rng(1)
    found = alone = 0
    for _ in range(100):
        made = {str(i): seed_interval(rng.normal(size=60)) for i in range(8)}
        adjusted = holm_of_intervals(made)
        assert list(adjusted) == list(made)
        found += min(adjusted.values()) < 0.05
        alone += min(map(p_of_interval, made.values())) < 0.05
    assert found <= 10 < 25 <= alone  # there is nothing to be found; 5 and 34 are expected


def test_wilcoxon_is_the_share_of_sign_patterns():
    differences = np.array([0.5, -0.1, 0.3, 0.7, 0.2, 0.9])
    ranks = stats.rankdata(np.abs(differences))
    observed = ranks[differences > 0].sum()
    sums = np.array([ranks @ np.array(s) for s in itertools.product([0, 1], repeat=6)])
    middle = ranks.sum() / 2
    wanted = np.mean(np.abs(sums - middle) >= abs(observed - middle) - 1e-9)
    assert wilcoxon(differences).p == pytest.approx(wanted)
    assert wilcoxon([0.0, 0.0]).p == 1
    assert wilcoxon([0.1, 0.2, 0.3]).p == 0.25  # three seeds can never do better


def test_power_against_simulation():
    rng = np.random.default_rng(0)
    spread, n = 0.4, 200
    difference = detectable_difference(spread, n)
    assert power(difference, spread, n) == pytest.approx(0.8, abs=0.001)
    means = rng.normal(difference, spread, (4000, n)).mean(axis=1)
    found = np.abs(means) > stats.norm.ppf(0.975) * spread / np.sqrt(n)
    assert found.mean() == pytest.approx(0.8, abs=0.02)
    assert power(0.0, spread, n) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: holm([]), "at least one p-value"),
        (lambda: holm([0.5, 1.2]), r"must lie in \[0, 1\]"),
        (lambda: benjamini_hochberg([np.nan]), r"must lie in \[0, 1\]"),
        (lambda: wilcoxon([np.nan]), "must be finite"),
        (lambda: power(0.1, 0.0, 10), "spread must be a number above 0"),
        (lambda: power(0.1, 1.0, 1), "at least 2 items"),
        (lambda: detectable_difference(1.0, 10, power=1.0), "power must be between 0 and 1"),
    ],
)
def test_bad_input_is_a_sentence(call, says):
    with pytest.raises(UserError, match=says):
        call()
