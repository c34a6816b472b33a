"""p-values and other levels of an interval: against scipy's tests and each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import UserError
from helpers.evaluation.bounds import Interval
from helpers.evaluation.intervals import (
    bootstrap_interval,
    paired_bootstrap,
    proportion_interval,
    seed_interval,
    two_level_interval,
)

VALUES = np.array([0.03, 0.05, 0.01, 0.04])
NO_P = (
    "An interval by BCa bootstrap, 200 resamples has neither mean squares nor degrees of freedom, "
    "and so no p-value and no other level; take one over draws, or over draws and items."
)


def over_both(shift=0.1, draws=4, items=60, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.normal(shift, 1, (draws, items)) + rng.normal(0, 0.05, (draws, 1))
    return two_level_interval(table, np.zeros_like(table))


@pytest.mark.parametrize("null", [0.0, 0.02, 0.0325, 0.1])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_over_draws_it_is_the_t_test(null, alternative):
    wanted = stats.ttest_1samp(VALUES, null, alternative=alternative).pvalue
    assert seed_interval(VALUES, 0.8).p(null, alternative) == pytest.approx(wanted)


def test_another_level_is_as_if_asked_for_at_once():
    for make in (lambda level: seed_interval(VALUES, level), lambda level: _at(level)):
        asked, changed = make(0.9), make(0.99).at(0.9)
        assert (changed.low, changed.high) == pytest.approx((asked.low, asked.high))
        assert changed.level == 0.9 and changed.value == asked.value


def _at(level):
    rng = np.random.default_rng(1)
    return two_level_interval(rng.random((3, 50)), rng.random((3, 50)), level=level)


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.5, 0.5), st.sampled_from([0.8, 0.95, 0.999]), st.integers(0, 5))
def test_p_is_small_just_where_the_null_lies_outside(null, level, seed):
    found = over_both(seed=seed).at(level)
    outside = null < found.low or null > found.high
    assert (found.p(null) < 1 - level) == outside
    # One-sided chances of both directions make up the whole, and the smaller is half of p.
    greater, less = found.p(null, "greater"), found.p(null, "less")
    assert greater + less == pytest.approx(1)
    assert 2 * min(greater, less) == pytest.approx(found.p(null))
    assert (greater < less) == (found.value > null)


def test_at_the_bound_p_is_what_the_level_says():
    found = over_both()
    assert found.p(found.low) == pytest.approx(0.05, rel=1e-6)
    assert found.p(found.high, "less") == pytest.approx(0.025, rel=1e-6)
    assert found.p(found.value) == 1


@pytest.mark.parametrize(
    ("value", "low", "high", "wanted"),
    [
        (0.5, 0.5, 0.9, 0.0143),  # the bound is the value: the other side has the width
        (0.1, 0.1, 0.9, 0.05),  # zero lies outside, so p is at most 1 - level
        (-0.5, -0.9, -0.5, 0.0143),
        (0.5, 0.6, 0.9, 0.0143),  # a value outside of its own bounds, as BCa gives at times
        (0.0, 0.1, 0.9, 0.05),
        (0.5, -0.1, 0.6, 0.1025),
        (0.5, 0.5, 0.5, 1.0),  # no width is no certainty
    ],
)
def test_skewed_bounds(value, low, high, wanted):
    found = Interval(value, low, high, 9, 0.95, "normal", df=np.inf)
    assert found.p() == pytest.approx(wanted, abs=1e-4)


def test_without_bounds_nothing_is_said():
    found = seed_interval([0.5])
    assert found.p() == found.p(0.2, "greater") == 1
    assert not found.at(0.9).defined and found.at(0.9).level == 0.9


@pytest.mark.parametrize(
    "found",
    [
        bootstrap_interval(VALUES, resamples=200),
        paired_bootstrap(VALUES, VALUES[::-1], resamples=200),
    ],
)
def test_an_interval_over_items_alone_has_no_p_value(found):
    assert not found.has_p
    for ask in (found.p, lambda: found.at(0.9)):
        with pytest.raises(UserError) as caught:
            ask()
        assert str(caught.value) == NO_P


def test_who_has_a_p_value():
    assert over_both().has_p and seed_interval(VALUES).has_p and seed_interval([0.1]).has_p
    assert not proportion_interval(3, 4).has_p
    with pytest.raises(UserError, match=r"^An interval by Wilson has neither"):
        proportion_interval(3, 4).p()
    with pytest.raises(UserError, match=r"^An interval by an unnamed method has neither"):
        Interval(0.1, 0.1, 0.1, 9, 0.95, "").p()
    with pytest.raises(UserError) as caught:
        over_both().p(alternative="larger")
    assert str(caught.value) == "alternative must be two-sided, greater or less, not 'larger'."
