import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from helpers import UserError
from helpers.evaluation.effect import (
    asymptotic_gain,
    jumpstart,
    label_efficiency_ratio,
    time_to_threshold,
    transfer_ratio,
)

COUNTS = np.array([8.0, 16.0, 64.0, 256.0, 1024.0])
scores = st.lists(st.integers(0, 20), min_size=5, max_size=5).map(lambda x: np.array(x) / 20)

rising = st.lists(st.integers(1, 9), min_size=5, max_size=5).map(lambda x: np.cumsum(x) / 50)


@settings(deadline=None)
@given(scores, scores)
def test_gains_are_antisymmetric_and_read_off_the_ends(a, b):
    assert jumpstart(COUNTS, a, b) == a[0] - b[0] == -jumpstart(COUNTS, b, a)
    assert asymptotic_gain(COUNTS, a, b) == a[-1] - b[-1] == -asymptotic_gain(COUNTS, b, a)


@settings(deadline=None)
@given(scores, scores)
def test_transfer_ratio_against_numerical_integration(a, b):
    def area(curve):
        logs = np.log(COUNTS)
        return quad(
            lambda t: np.interp(t, logs, curve), logs[0], logs[-1], points=logs[1:-1], limit=200
        )[0]

    found = transfer_ratio(COUNTS, a, b)
    if not b.any():
        assert np.isnan(found)
    else:
        assert found == pytest.approx((area(a) - area(b)) / area(b), rel=1e-6, abs=1e-6)
        assert found >= -1


@settings(deadline=None)
@given(scores, scores, st.integers(0, 4))
def test_label_efficiency_against_a_search_on_a_fine_grid(a, b, place):
    at, score = COUNTS[place], a[place]
    found = label_efficiency_ratio(COUNTS, a, b, at=at)
    grid = np.union1d(np.geomspace(COUNTS[0], COUNTS[-1], 20_001), COUNTS)
    curve = np.interp(np.log(grid), np.log(COUNTS), b)
    hits = np.flatnonzero(curve >= score - 1e-12)
    if not len(hits):
        assert (found.status, found.bound) == ("not reached", COUNTS[-1])
        assert np.isnan(found.ratio) and np.isnan(found.transferred)
    elif curve[0] > score:
        assert (found.status, found.bound) == ("below range", COUNTS[0])
        assert np.isnan(found.ratio)
    else:
        assert found.status == "reached"
        assert found.needed == pytest.approx(grid[hits[0]], rel=1e-3)
        assert found.ratio == pytest.approx(found.needed / at)
        assert found.transferred == pytest.approx(found.needed - at)


@settings(deadline=None)
@given(rising, st.integers(0, 4))
def test_a_model_against_itself_saves_nothing(a, place):
    found = label_efficiency_ratio(COUNTS, a, a, at=COUNTS[place])
    assert found.ratio == pytest.approx(1)
    assert transfer_ratio(COUNTS, a, a) == 0


def test_sentences():
    low, high = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    assert str(label_efficiency_ratio([4, 16, 64], high, low, at=16)) == (
        "more than 4.0 times: the reference did not reach 0.600 with 64 labels"
    )
    assert str(label_efficiency_ratio([4, 16, 64], low, high, at=16)) == (
        "at most 0.2 times: the reference was above 0.200 with 4 labels already"
    )


def test_a_dip_after_the_score_was_reached_does_not_count():
    found = label_efficiency_ratio([10, 100, 1000], [0.5, 0.5, 0.5], [0.4, 0.6, 0.3], at=10)
    assert found.needed == pytest.approx(10**1.5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: jumpstart([16], [0.5], [0.4]), "at least 2 label counts, not 1"),
        (lambda: jumpstart([16, 64], [0.5], [0.4]), "one value a label count"),
        (lambda: jumpstart([64, 16], [0.5, 0.6], [0.4, 0.5]), "strictly increasing"),
        (lambda: jumpstart([0, 16], [0.5, 0.6], [0.4, 0.5]), "positive"),
        (lambda: jumpstart([16, 64], [0.5, np.nan], [0.4, 0.5]), "some are missing"),
        (lambda: jumpstart([16, 64], ["x", "y"], [0.4, 0.5]), "must be numbers"),
        (lambda: transfer_ratio([16, 64], [-1, 0], [0.4, 0.5]), "at least 0"),
        (
            lambda: label_efficiency_ratio([16, 64], [0.5, 0.6], [0.4, 0.5], at=32),
            r"measured \(16, 64\), not 32",
        ),
    ],
)
def test_bad_curves_are_refused_in_one_sentence(call, says):
    with pytest.raises(UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(scores, st.floats(0, 1))
def test_time_to_threshold_against_a_walk_on_a_fine_grid(curve, threshold):
    costs = np.arange(len(curve)) * 10.0
    found = time_to_threshold(costs, curve, [threshold])[0]
    if curve.max() < threshold:
        assert np.isnan(found)
        return
    assert np.interp(found, costs, curve) >= threshold - 1e-9
    before = np.linspace(0, max(found - 1e-6, 0), 999)
    assert found == 0 or (np.interp(before, costs, curve) < threshold).all()


def test_a_stricter_threshold_never_takes_less():
    costs, scores = [0, 5, 10, 20], [0.1, 0.5, 0.4, 0.8]
    times = time_to_threshold(costs, scores, np.linspace(0.05, 0.85, 30))
    reached = times[~np.isnan(times)]
    assert (np.diff(reached) >= 0).all() and reached[0] == 0
    assert np.isnan(times[-1]) and not np.isnan(times[:-2]).any()


@pytest.mark.parametrize(
    ("costs", "scores", "says"),
    [
        ([0], [0.5], "one curve of at least 2 looks"),
        ([0, 1], [0.5, np.nan], "must be finite"),
        ([0, 0], [0.5, 0.6], "strictly increasing"),
        ([-1, 0], [0.5, 0.6], "at least 0"),
    ],
)
def test_bad_looks_are_refused_in_one_sentence(costs, scores, says):
    with pytest.raises(UserError, match=says):
        time_to_threshold(costs, scores, [0.5])
