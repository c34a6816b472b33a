from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import UserError
from helpers.evaluation.metrics import contributions, f1, macro_f1_difference
from helpers.evaluation.significance import (
    Interval,
    mcnemar,
    permutation_test,
    smallest_detectable,
    verdict,
)


def paired(both, only_a, only_b, neither):
    return (
        np.repeat([1, 1, 0, 0], [both, only_a, only_b, neither]),
        np.repeat([1, 0, 1, 0], [both, only_a, only_b, neither]),
    )


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_a_binomial_test_of_discordant_items(only_a, only_b):
    a, b = paired(10, only_a, only_b, 5)
    exact, mid = mcnemar(a, b, method="exact"), mcnemar(a, b)
    n = only_a + only_b
    assert (exact.statistic, exact.n) == (only_a, n)
    if n == 0:
        assert exact.p == mid.p == 1
        return
    # Fagerland's formulas, written out.
    chances = stats.binom.pmf(np.arange(n + 1), n, 0.5)
    tail = chances[: min(only_a, only_b) + 1].sum()
    assert exact.p == pytest.approx(min(1, 2 * tail))
    wanted = 1 - chances[only_a] if only_a == only_b else 2 * tail - chances[only_a]
    assert mid.p == pytest.approx(wanted)
    assert mcnemar(b, a).p == mid.p


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9))
def test_permutation_is_exact_for_few_items(differences):
    d = np.array(differences) / 10
    found = permutation_test(d, np.zeros(len(d)))
    flips = np.array(list(product([1, -1], repeat=len(d)))) @ d
    wanted = np.mean(np.abs(flips) >= abs(d.sum()) - 1e-12)
    assert found.p == pytest.approx(wanted)
    assert found.method == "sign flips, exact"


def test_permutation_agrees_with_scipy_exact_and_random():
    rng = np.random.default_rng(0)
    for n in (10, 60):
        a = rng.normal(0.3, 1, n)
        b = rng.normal(0, 1, n)
        theirs = stats.permutation_test(
            (a, b),
            lambda x, y, axis: np.mean(x - y, axis=axis),
            permutation_type="samples",
            n_resamples=20_000,
            vectorized=True,
            rng=rng,
        )
        ours = permutation_test(a, b, resamples=20_000)
        assert ours.statistic == pytest.approx(theirs.statistic)
        assert ours.p == pytest.approx(theirs.pvalue, abs=1e-9 if n == 10 else 0.012)


def test_permutation_of_correctness_is_mcnemar():
    a, b = paired(500, 40, 22, 90)
    assert permutation_test(a, b).p == pytest.approx(mcnemar(a, b, method="exact").p)


def test_permutation_of_macro_f1_against_brute_force():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 3, 80)
    a, b = (np.where(rng.random(80) < p, true, rng.integers(0, 3, 80)) for p in (0.8, 0.65))
    ours = permutation_test(
        contributions(true, a, 3), contributions(true, b, 3), macro_f1_difference
    )
    observed = f1(true, a, 3) - f1(true, b, 3)
    assert ours.statistic == pytest.approx(observed)
    hits = 0
    for _ in range(1500):
        change = rng.random(80) < 0.5
        x, y = np.where(change, b, a), np.where(change, a, b)
        hits += abs(f1(true, x, 3) - f1(true, y, 3)) >= abs(observed) - 1e-12
    assert ours.p == pytest.approx(hits / 1500, abs=0.05)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=2, max_size=40),
    st.integers(0, 9),
)
def test_permutation_is_symmetric_and_blind_to_order(pairs, seed):
    a, b = np.array(pairs).T
    order = np.random.default_rng(seed).permutation(len(a))
    p = permutation_test(a, b, resamples=200, seed=seed).p
    assert 0 < p <= 1
    assert permutation_test(b, a, resamples=200, seed=seed).p == pytest.approx(p)
    assert permutation_test(a[order], b[order], resamples=200, seed=seed).p == pytest.approx(p)


def test_permutation_of_equal_models_rejects_nothing():
    same = np.random.default_rng(0).random(50)
    assert permutation_test(same, same).p == 1


@pytest.mark.parametrize(
    ("low", "high", "margin", "said"),
    [
        (0.01, 0.05, 0.0, "helps"),
        (-0.05, -0.01, 0.0, "hurts"),
        (0.0, 0.05, 0.0, "undecided"),
        (0.01, 0.05, 0.01, "undecided"),
        (-0.05, -0.02, 0.01, "hurts"),
        (np.nan, np.nan, 0.0, "undecided"),
    ],
)
def test_verdict(low, high, margin, said):
    interval = Interval(0.02, low, high, 100, 0.95, "test")
    assert verdict(interval, margin) == said
    mirrored = Interval(-0.02, -high, -low, 100, 0.95, "test")
    swapped = {"helps": "hurts", "hurts": "helps"}.get(said, said)
    assert verdict(mirrored, margin) == swapped


def test_smallest_detectable_is_found_as_often_as_it_says():
    rng = np.random.default_rng(0)
    n, z = 100, stats.norm.ppf(0.975)
    half = z / np.sqrt(n)
    interval = Interval(0.0, -half, half, n, 0.95, "known variance")
    effect = smallest_detectable(interval)
    means = rng.normal(effect, 1 / np.sqrt(n), 20_000)
    assert np.mean(means - half > 0) == pytest.approx(0.8, abs=0.01)
    assert smallest_detectable(interval, power=0.5) == pytest.approx(half)
    assert np.isnan(smallest_detectable(Interval(0.0, np.nan, np.nan, 1, 0.95, "t")))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mcnemar([1, 0], [1]), "same items for both"),
        (lambda: mcnemar([1, 2], [1, 0]), "correct_a must be one 0 or 1"),
        (lambda: mcnemar([1, 0], [1, 0], method="chi2"), "method must be"),
        (lambda: permutation_test([1, 0], [1, 0, 1]), "same items for both"),
        (lambda: permutation_test([1, 0], [1, 1], resamples=1), "resamples must be"),
        (lambda: verdict(Interval(0, 0, 0, 1, 0.95, ""), -1), "at least 0"),
        (lambda: smallest_detectable(Interval(0, 0, 0, 1, 0.95, ""), 1.0), "power must be"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
