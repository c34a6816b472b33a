import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.reach import Curve, Reach

STEPS = np.array([0.0, 25, 50, 75, 100])


def straight(slope, least=1.0):
    return Curve(STEPS, slope * STEPS, least)


def reach(**curves):
    return Reach({(arm, 64): found for arm, found in curves.items()}, items=128)


def test_a_curve_that_rises_twice_as_fast_saves_one_doubling():
    found = reach(tuned=[straight(0.008)] * 3, scratch=[straight(0.004)] * 3)
    np.testing.assert_allclose(found.saved("tuned", "scratch", 64), 1.0)


def test_equal_curves_save_nothing_and_a_slower_one_less_than_that():
    found = reach(one=[straight(0.004)] * 2, slow=[Curve(STEPS * 4, 0.001 * STEPS * 4, 1)] * 2)
    np.testing.assert_allclose(found.saved("one", "one", 64), 0.0)
    np.testing.assert_allclose(found.saved("slow", "one", 64), -2.0)


def test_the_target_is_the_best_look_and_not_the_last():
    falls = Curve(STEPS, [0.1, 0.5, 0.6, 0.4, 0.3], 1)
    steady = Curve(STEPS, [0.1, 0.35, 0.6, 0.61, 0.62], 1)
    found = reach(tuned=[steady] * 2, scratch=[falls] * 2)
    np.testing.assert_allclose(found.saved("tuned", "scratch", 64), 0.0)


def test_what_is_there_before_training_costs_one_step():
    good = Curve(STEPS, [0.9, 0.9, 0.9, 0.9, 0.9], least=2.0)
    found = reach(tuned=[good] * 2, scratch=[straight(0.004)] * 2)
    np.testing.assert_allclose(found.saved("tuned", "scratch", 64), np.log2(100 / 2))


def test_a_score_that_is_never_reached_leaves_the_difference_undefined():
    poor = Curve(STEPS, np.full(5, 0.1), 1)
    found = reach(tuned=[straight(0.008), poor], scratch=[straight(0.004)] * 2)
    saved = found.saved("tuned", "scratch", 64)
    assert saved[0] == pytest.approx(1.0) and np.isnan(saved[1])
    gain = found.difference("tuned", "scratch", 64)
    assert not gain.defined
    assert gain.method == "undefined: in 1 of 2 draws the score was never reached"


def test_the_interval_is_students_over_draws():
    slopes = (0.008, 0.012, 0.016)
    found = reach(tuned=[straight(s) for s in slopes], scratch=[straight(0.004)] * 3)
    gain = found.difference("tuned", "scratch", 64)
    expected = np.log2([2, 3, 4])
    assert gain.value == pytest.approx(expected.mean())
    assert (gain.df, gain.n) == (2, 3)
    half = 4.302653 * expected.std(ddof=1) / np.sqrt(3)
    assert gain.high - gain.value == pytest.approx(half, rel=1e-6)


def test_has_asks_for_two_draws_and_unequal_ones_are_refused():
    found = reach(tuned=[straight(0.008)], scratch=[straight(0.004)] * 2)
    assert not found.has("tuned", "scratch", labels=64)
    assert found.has("scratch", labels=64) and not found.has("scratch", labels=65)
    with pytest.raises(UserError, match="tuned was trained in 1 draws and scratch in 2"):
        found.saved("tuned", "scratch", 64)
