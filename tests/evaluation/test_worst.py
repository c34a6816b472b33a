"""The worst domain's score against a truth that is known."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.comparison import Comparison
from helpers.evaluation.worst import by_domain, mean_of_domains, worst_domain, worst_of_domains


def measured(shares, runs=300):
    rng = np.random.default_rng(0)
    tables = (rng.random((3, 100, len(shares))) < np.array(shares) for _ in range(runs))
    found = [worst_domain(table, resamples=200, seed=i) for i, table in enumerate(tables)]
    error = np.mean([one.observed for one in found]) - min(shares)
    return error, np.mean([one.corrected for one in found]) - min(shares)


def test_equal_domains_look_worse_than_they_are_and_half_of_it_is_taken_away():
    observed, corrected = measured([0.8] * 4)
    assert observed < -0.02  # nothing but chance
    assert abs(corrected) < 0.6 * abs(observed)


def test_one_clearly_worst_domain_has_no_bias():
    observed, corrected = measured([0.9, 0.9, 0.9, 0.6])
    assert abs(observed) < 0.004 and abs(corrected) < 0.004


def test_values_by_hand():
    found = worst_domain([[[1, 0], [1, 1]], [[1, 1], [1, 0]]])
    assert (found.domain, found.observed) == (1, 0.5)
    alike = worst_domain(np.tile([[1.0, 0], [0, 1]], (2, 5, 1)))
    assert alike.observed == 0.5 > 0.5 + alike.bias
    assert alike.corrected == alike.observed - alike.bias
    still = worst_domain(np.full((2, 3, 2), 0.5))
    assert (still.bias, still.corrected) == (0, 0.5)


@pytest.mark.parametrize("table", [np.ones((2, 3)), np.ones((0, 3, 2)), np.full((1, 1, 1), np.nan)])
def test_bad_tables_are_a_sentence(table):
    with pytest.raises(UserError) as caught:
        worst_domain(table)
    assert str(caught.value) == (
        "A table of domains must be (draws, items, domains) without missing values, not of shape "
        f"{table.shape}."
    )


def test_scores_of_domains_are_those_of_their_items():
    rng = np.random.default_rng(0)
    right, domains = rng.random((3, 60)) < 0.7, np.repeat([0, 1, 2], [10, 20, 30])
    each = np.stack([right[:, domains == d].mean(1) for d in range(3)], axis=1)
    means = by_domain(right, domains).mean(1)
    assert np.allclose(mean_of_domains(means), each.mean(1))
    assert np.allclose(worst_of_domains(means), each.min(1))


@pytest.mark.parametrize("levels", [[0.7, 0.7, 0.7], [0.85, 0.8, 0.6]])
def test_the_interval_of_a_difference_of_worst_domains_covers_the_truth(levels):
    rng, domains, covered = np.random.default_rng(1), np.repeat(range(3), 120), 0
    for _ in range(60):
        hard, tables = rng.random(360), {}
        for arm, gain in (("a", 0.03), ("b", 0.0)):
            skill = np.array(levels) + gain + rng.normal(0, 0.02, (5, 3))
            chance = np.where(rng.random(360) < 0.6, hard, rng.random((5, 360)))
            tables[arm, 1] = by_domain(chance < skill[:, domains], domains)
        found = Comparison(tables, worst_of_domains).difference("a", "b", 1)
        covered += found.low <= 0.03 <= found.high
    assert covered >= 54  # 95 % of 60 are 57


def test_items_without_a_domain_are_a_sentence():
    for domains in ([0, 1], [0, 1, -1]):
        with pytest.raises(UserError, match="Every item needs the number of its domain, from 0"):
            by_domain(np.ones((2, 3)), domains)
