"""Families of tests, tests over seeds, power: against definitions and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import UserError
from helpers.evaluation.multiple_tests import (
    holm,
    power_of_pairs,
    wilcoxon,
)

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


@given(p_lists, st.randoms())
def test_adjusted_values_do_not_depend_on_order_and_only_grow(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    adjusted = holm(p_values)
    assert (adjusted >= np.array(p_values) - 1e-12).all() and (adjusted <= 1).all()
    np.testing.assert_allclose(holm(np.array(p_values)[order]), adjusted[order])


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
    difference = stats.norm.ppf([0.975, 0.8]).sum() * spread / np.sqrt(n)
    assert power_of_pairs(difference, spread, n) == pytest.approx(0.8, abs=0.001)
    means = rng.normal(difference, spread, (4000, n)).mean(axis=1)
    found = np.abs(means) > stats.norm.ppf(0.975) * spread / np.sqrt(n)
    assert found.mean() == pytest.approx(0.8, abs=0.02)
    assert power_of_pairs(0.0, spread, n) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: holm([]), "at least one p-value"),
        (lambda: holm([0.5, 1.2]), r"must lie in \[0, 1\]"),
        (lambda: holm([np.nan]), r"must lie in \[0, 1\]"),
        (lambda: wilcoxon([np.nan]), "must be finite"),
        (lambda: power_of_pairs(0.1, 0.0, 10), "spread must be a number above 0"),
        (lambda: power_of_pairs(0.1, 1.0, 1), "at least 2 items"),
    ],
)
def test_bad_input_is_a_sentence(call, says):
    with pytest.raises(UserError, match=says):
        call()
