import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.evaluation.choice import choose, pareto_front
from helpers.evaluation.comparison import Comparison

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


def comparison(**tables):
    return Comparison({(name, 64): table for name, table in tables.items()})


def test_a_method_clearly_behind_is_not_as_good_and_a_costlier_twin_is_not_taken():
    rng = np.random.default_rng(1)
    good, poor = rng.random((4, 500)) < 0.9, rng.random((4, 500)) < 0.7
    arms = comparison(dear=good, cheap=good, poor=poor)
    choice = choose(arms, 64, {"dear": 3, "cheap": 2, "poor": 1})
    assert choice.taken == "cheap"
    assert choice.as_good == ["cheap", "dear"]
    assert choice.behind["poor"].low > 0


def test_an_unstable_failure_is_not_as_good_although_its_interval_holds_zero():
    rng = np.random.default_rng(2)
    good = rng.random((4, 500)) < 0.9
    unstable = good.copy()
    unstable[1] = rng.random(500) < 0.5  # one draw of four fails
    choice = choose(comparison(good=good, unstable=unstable), 64, {"good": 2, "unstable": 1})
    assert choice.behind["unstable"].low < 0 < choice.behind["unstable"].high
    assert choice.as_good == ["good"]


def test_how_far_behind_counts_as_good_is_the_margin():
    rng = np.random.default_rng(3)
    good = rng.random((8, 2000)) < 0.9
    near = good & (rng.random(good.shape) < 0.98)  # about 0.018 behind
    arms, costs = comparison(good=good, near=near), {"good": 2, "near": 1}
    assert choose(arms, 64, costs, margin=0.01).taken == "good"
    assert choose(arms, 64, costs, margin=0.03).taken == "near"


def test_only_arms_with_a_cost_are_chosen_among():
    arms = comparison(a=np.ones((2, 3)), b=np.zeros((2, 3)))
    assert choose(arms, 64, {"b": 1.0}).taken == "b"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pareto_front([], []), r"two lists of one length, not \(0,\) and \(0,\)"),
        (lambda: pareto_front([1, 2], [1]), r"two lists of one length, not \(2,\) and \(1,\)"),
        (lambda: pareto_front([1, np.nan], [1, 2]), "must be finite; some are missing"),
        (lambda: choose(comparison(a=np.ones((2, 2))), 64, {}), "at least one method"),
        (lambda: choose(comparison(a=np.ones((2, 2))), 64, {"b": 1}), "no outcome of b with 64"),
        (lambda: choose(comparison(a=np.ones((2, 2))), 64, {"a": 1}, 0.0), "above 0, not 0"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(call, message):
    with pytest.raises(UserError, match=message):
        call()
