import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.evaluation.choice import choose, pareto_front

PLACES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@given(PLACES)
def test_the_front_is_that_of_brute_force(places):
    costs, scores = zip(*places, strict=True)
    expected = [
        not any(c <= cost and s >= score and (c, s) != (cost, score) for c, s in places)
        for cost, score in places
    ]
    assert pareto_front(costs, scores).tolist() == expected


def test_the_best_and_the_cheapest_are_always_on_the_front():
    rng = np.random.default_rng(0)
    costs, scores = rng.random(50), rng.random(50)
    front = pareto_front(costs, scores)
    assert front[costs.argmin()]
    assert front[scores.argmax()]


def test_a_method_clearly_behind_is_not_alike_and_a_costlier_twin_is_not_taken():
    rng = np.random.default_rng(1)
    good, poor = rng.random((4, 500)) < 0.9, rng.random((4, 500)) < 0.7
    choice = choose({"dear": good, "cheap": good, "poor": poor}, {"dear": 3, "cheap": 2, "poor": 1})
    assert choice.taken == "cheap"
    assert choice.alike == ["cheap", "dear"]
    assert choice.behind["poor"].low > 0


def test_a_single_method_is_its_own_choice():
    assert choose({"a": np.ones((2, 3))}, {"a": 1.0}).taken == "a"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pareto_front([], []), r"two lists of one length, not \(0,\) and \(0,\)"),
        (lambda: pareto_front([1, 2], [1]), r"two lists of one length, not \(2,\) and \(1,\)"),
        (lambda: pareto_front([1, np.nan], [1, 2]), "must be finite; some are missing"),
        (lambda: choose({}, {}), "at least one method"),
        (lambda: choose({"a": np.ones((2, 2))}, {"b": 1}), "a has none"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(call, message):
    with pytest.raises(UserError, match=message):
        call()
