"""The worst domain's score against a truth that is known."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.worst import worst_domain


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
