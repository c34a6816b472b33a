"""Decisions against the rule on bounds, combined p-values against definitions and chance."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import UserError
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import (
    Decision,
    combine,
    decide,
    equivalence_p,
    p_of_at_least,
    surviving,
)
from helpers.evaluation.generalized import MeanSquares
from helpers.evaluation.intervals import bootstrap_interval, seed_interval

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def over_both(value, spread=1.0, draws=5, items=400):
    squares = MeanSquares(0.5 * spread, 0.3 * spread, 0.2 * spread, draws, items)
    half = squares.half_width(0.95)
    return Interval(value, value - half, value + half, items, 0.95, "both", squares=squares)


@settings(deadline=None, max_examples=60)
@given(st.floats(-0.2, 0.2), st.floats(0.01, 4), st.floats(0.001, 0.2), st.booleans())
def test_the_verdict_is_that_of_the_bounds(value, spread, smallest, both):
    if both:
        found = over_both(value, spread)
    else:
        found = seed_interval(np.array([-1, 0.2, 0.3, 0.5]) * spread / 10 + value)
    narrow, decision = found.at(0.9), decide(found, smallest)
    if -smallest < narrow.low and narrow.high < smallest:
        wanted = "no difference"
    elif found.low > 0 and found.value >= smallest:
        wanted = "supported"
    elif found.high < 0 and found.value <= -smallest:
        wanted = "contradicted"
    else:
        wanted = "undecided"
    assert decision.verdict == wanted
    of = {"supported": "above", "contradicted": "below", "no difference": "alike"}
    if wanted == "undecided":
        assert decision.p == pytest.approx(found.p())
    else:
        assert decision.p == getattr(decision, of[wanted]) < 0.05


def test_equivalence_is_two_one_sided_t_tests():
    values = np.array([0.010, -0.004, 0.006, 0.001, -0.002])
    for margin in (0.003, 0.01, 0.03):
        lower = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
        upper = stats.ttest_1samp(values, margin, alternative="less").pvalue
        assert equivalence_p(seed_interval(values), margin) == pytest.approx(max(lower, upper))


def test_a_sure_but_small_effect_is_no_difference_and_an_unsure_one_undecided():
    assert decide(over_both(0.01, 0.001), 0.02).verdict == "no difference"  # above 0, surely
    assert decide(over_both(0.01, 0.001), 0.02).above < 0.05
    assert decide(over_both(0.01, 0.1), 0.012).verdict == "undecided"
    nothing = decide(seed_interval([0.5]), 0.1)
    assert (nothing.verdict, nothing.p, nothing.alike) == ("undecided", 1.0, 1.0)


@given(p_lists, st.data())
def test_at_least_k_by_its_definition(p_values, data):
    """The largest, over every choice of m - k + 1 tests, of Bonferroni's p-value within it."""
    k = data.draw(st.integers(1, len(p_values)))
    size = len(p_values) - k + 1
    wanted = max(min(1.0, size * min(chosen)) for chosen in itertools.combinations(p_values, size))
    assert p_of_at_least(p_values, k) == pytest.approx(wanted)


@pytest.mark.parametrize(("k", "true"), [(1, 0), (3, 2), (5, 4)])
def test_at_least_k_holds_its_level(k, true):
    """With one effect fewer than claimed, however strong, it is found in at most 5 %."""
    rng = np.random.default_rng(0)
    p = rng.random((20_000, 5))
    p[:, :true] = 1e-9
    share = np.mean([p_of_at_least(row, k) <= 0.05 for row in p])
    assert 0.03 < share <= 0.0535


def piece(verdict, p=0.01):
    ps = dict.fromkeys(("above", "below", "alike"), 1.0)
    of = {"supported": "above", "contradicted": "below", "no difference": "alike"}
    if verdict in of:
        ps[of[verdict]] = p
    return Decision(verdict, p, **ps)


S, C, N, U = (piece(v) for v in ("supported", "contradicted", "no difference", "undecided"))


@pytest.mark.parametrize(
    ("pieces", "need", "verdict", "p"),
    [
        ([S, piece("supported", 0.04)], "all", "supported", 0.04),
        ([S, U], "all", "undecided", 1.0),
        ([S, C], "all", "contradicted", 0.02),
        ([U, piece("contradicted", 0.03)], "all", "undecided", 1.0),  # 2 · 0.03
        ([N, piece("no difference", 0.03)], "all", "no difference", 0.03),
        ([N, S], "all", "undecided", 1.0),
        ([S, C], "any", "supported", 0.02),
        ([U, piece("supported", 0.03)], "any", "undecided", 0.06),
        ([C, piece("contradicted", 0.04)], "any", "contradicted", 0.04),
        ([N, N], "any", "no difference", 0.01),
        ([S, S, U], 2, "supported", 0.02),
        ([S, U, U], 2, "undecided", 1.0),
        ([C, C, S], 2, "contradicted", 0.02),
        ([S], "all", "supported", 0.01),
    ],
)
def test_pieces_together(pieces, need, verdict, p):
    for order in (pieces, pieces[::-1]):
        found = combine(order, need)
        assert (found.verdict, found.p) == (verdict, pytest.approx(p))


def test_holm_over_all_questions():
    decisions = {str(i): piece("supported", p) for i, p in enumerate((0.001, 0.02, 0.03))}
    decisions["open"] = piece("undecided", 0.2)
    found = surviving(decisions)
    assert [one.p for one in found.values()] == pytest.approx([0.004, 0.06, 0.06, 0.2])
    assert [one.verdict for one in found.values()] == ["supported", *["undecided"] * 3]
    assert surviving({"a": S, "b": N})["b"].verdict == "no difference"
    assert surviving({}) == {}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: decide(over_both(0.1), 0.0),
            "The smallest effect that matters must be above 0, not 0.0: no measurement can show a "
            "difference of exactly nothing.",
        ),
        (
            lambda: equivalence_p(over_both(0.1), -0.1),
            "The smallest effect that matters must be above 0, not -0.1: no measurement can show "
            "a difference of exactly nothing.",
        ),
        (
            lambda: decide(bootstrap_interval([0.1, 0.3, 0.2], resamples=100), 0.1),
            "An interval by BCa bootstrap, 100 resamples has neither mean squares nor degrees of "
            "freedom, and so no p-value and no other level; take one over draws, or over draws "
            "and items.",
        ),
        (lambda: combine([]), "A claim needs at least one piece to be judged."),
        (lambda: combine([S], "most"), "need must be all, any or a number of pieces, not 'most'."),
        (lambda: combine([S, S], 3), "Of 2 pieces at least 1 to 2 can be needed, not 3."),
        (lambda: p_of_at_least([0.1], 0), "Of 1 pieces at least 1 to 1 can be needed, not 0."),
        (lambda: p_of_at_least([1.1], 1), "p_values must lie in [0, 1]; some do not, or are "
         "missing."),
    ],
)  # fmt: skip
def test_bad_input_is_a_sentence(call, says):
    with pytest.raises(UserError) as caught:
        call()
    assert str(caught.value) == says
