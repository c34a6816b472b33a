"""The simulations of `tests/bench/tails.py` at a size of seconds: the same limits, wider by chance.

Their full size is a part of ``make bench``.
"""

import numpy as np
import pytest

from tests.bench import tails

# The cells in which the old interval failed most and those in which it is most cautious.
CELLS = [(3, 400, 0.05), (3, 2000, 0.0), (5, 2000, 0.05), (10, 400, 0.02)]


def test_intervals_cover_and_their_tails_are_light():
    for row in tails.tails(1500, CELLS):
        assert 0.94 - 0.015 <= row["coverage"] <= 0.9975
        assert row["P(p < .001)"] <= 0.004  # .001, and what 1,500 runs may add; it was .01
        assert row["wrongly alike"] <= 0.05 + 0.015


def test_holm_finds_nothing_among_true_nulls():
    for row in tails.families(600, CELLS):
        assert row["any false"] <= 0.06 + 0.02  # it was .4 at three draws


def test_a_family_of_verdicts_says_of_none_that_it_differs():
    assert tails.verdicts(25) <= 0.2


def test_planned_power_is_reached():
    for row in tails.planned(250):
        assert row["simulated"] == pytest.approx(row["planned"], abs=0.05 + 0.05)


@pytest.mark.parametrize(("name", "runs"), [("entity F1", 250), ("perplexity", 250), ("chrF", 80)])
def test_intervals_of_other_measures_cover(name, runs):
    noise = 3 * np.sqrt(0.05 * 0.95 / runs)
    assert tails.coverage_of(name, runs) >= 0.95 - noise


def test_truths_are_those_of_very_many_items():
    rng = np.random.default_rng(0)
    for name in ("entity F1", "perplexity", "chrF"):
        make, _, gain = tails.MEASURES[name]
        found = []
        for _ in range(20):
            a, b, statistic, truth = make(rng, 30, 2000, gain)
            means = a.mean(1), b.mean(1)
            found.append(np.mean(statistic(*means)))
        error = np.std(found, ddof=1) / np.sqrt(20)
        assert np.mean(found) == pytest.approx(truth, abs=4 * error)
