"""Fields as tasks: which texts a draw labels, and how arms are compared."""

import numpy as np

from helpers.claims.gathering import gather
from helpers.sources.sampling import TUNING
from helpers.trials import fields
from helpers.trials.outcome import Outcome
from helpers.trials.reading import Read
from tests.trials import tiny

NAMES = sorted(tiny.GROUPS)


def test_draws_have_as_many_texts_of_each_field_and_share_none():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(6), 110))
    seen = fields.drawn(labels, NAMES, 0, 24)
    assert {field: len(places) for field, places in seen.items()} == {"food": 12, "money": 12}
    assert {NAMES[group] for group in labels[seen["food"]]} == {"food.corn", "food.wheat"}
    assert fields.overlap(labels, NAMES, range(10), 24) == 0
    assert fields.overlap(labels, NAMES, [0, 0], 24) == 1
    assert fields.overlap(labels, NAMES, [0], 24) == 0
    tuning = fields.drawn(labels, NAMES, TUNING, 24)
    assert not set(tuning["money"]) & set(fields.drawn(labels, NAMES, 3, 24)["money"])


def test_comparisons_are_of_the_mean_and_of_the_worst_field():
    truth = np.array([0, 0, 5, 2, 3])  # two of food, one of none, two of money
    right, half = [0, 0, 2, 3], [0, 0, 2, 4]
    outcomes = {
        ("multi_task", 8): {0: _said(right), 1: _said(half)},
        ("single_task", 8): {0: _said(half), 1: _said([1, 1, 2, 3])},
    }
    mean, worst = fields.comparisons(Read(outcomes, "", True, []), truth, NAMES)
    assert (mean.measure, worst.measure) == ("accuracy", "worst field")
    assert mean.by_draw("multi_task", 8).tolist() == [1, 0.75]
    assert worst.by_draw("multi_task", 8).tolist() == [1, 0.5]
    assert mean.by_draw("single_task", 8).tolist() == [0.75, 0.5]
    assert worst.by_draw("single_task", 8).tolist() == [0.5, 0]
    assert worst.difference("multi_task", "single_task", 8).value == 0.5
    assert mean.items == 4


def _said(groups):
    return Outcome({"predicted": np.array(groups, np.uint8)})


def test_the_claim_asks_for_both_measures_of_the_study():
    rng, truth = np.random.default_rng(0), np.tile([0, 1, 2, 3], 30)
    shares = {"multi_task": 0.9, "single_task": 0.6, "majority": 0.1, "frozen": 0.7}
    outcomes = {
        (arm, 256): {draw: _said(np.where(rng.random(120) < share, truth, 9)) for draw in range(10)}
        for arm, share in shares.items()
    }
    mean, worst = fields.comparisons(Read(outcomes, "", True, []), truth, NAMES)
    found = gather("multi_task", mean, overlap={256: 0.0}, others={fields.WORST: worst})
    assert [(each.claim, each.measured.asked) for each in found] == [
        ("C16", ""),
        ("C16", "worst field"),
    ]
    assert all(each.interval.low > 0.1 and each.seeds == 10 for each in found)
    assert all(each.measured.learned == {"multi_task": True, "single_task": True} for each in found)
