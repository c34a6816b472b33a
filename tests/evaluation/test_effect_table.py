"""The verdict card: its lines against the measures, its verdicts against made-up truth."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation import effect
from helpers.evaluation.effect_table import effects

COUNTS = [16, 64, 256]


def right(shares, seeds=4, items=300, seed=0):
    """Right and wrong answers on common items, some of them harder for every model."""
    rng = np.random.default_rng(seed)
    hard = np.random.default_rng(99).normal(0, 0.05, items)
    return rng.random((seeds, len(shares), items)) < np.array(shares)[:, None] + hard


def by_name(card):
    return {one.name: one for one in card}


def test_values_are_the_measures_of_the_mean_curves():
    good, poor = right([0.7, 0.85, 0.9]), right([0.4, 0.6, 0.88], seed=1)
    card = by_name(effects(COUNTS, good, poor))
    curves = COUNTS, good.mean((0, 2)), poor.mean((0, 2))
    assert card["jumpstart"].interval.value == pytest.approx(effect.jumpstart(*curves))
    assert card["asymptotic gain"].interval.value == pytest.approx(effect.asymptotic_gain(*curves))
    per_seed = [
        effect.transfer_ratio(COUNTS, g.mean(1), p.mean(1)) for g, p in zip(good, poor, strict=True)
    ]
    assert card["transfer ratio"].interval.value == pytest.approx(np.mean(per_seed))
    logs = [
        np.log2(effect.label_efficiency_ratio(COUNTS, g.mean(1), p.mean(1), at=16).ratio)
        for g, p in zip(good, poor, strict=True)
    ]
    found = card["label efficiency at 16"]
    assert found.interval.value == pytest.approx(np.mean(logs))
    assert "labels do the work of" in found.note


def test_a_model_that_helps_hurts_or_does_nothing_is_told_so():
    good, poor = right([0.8, 0.85, 0.9]), right([0.5, 0.6, 0.7], seed=1)
    assert by_name(effects(COUNTS, good, poor))["jumpstart"].said == "helps"
    assert by_name(effects(COUNTS, poor, good))["jumpstart"].said == "hurts"
    same = by_name(effects(COUNTS, good, right([0.8, 0.85, 0.9], seed=2)))
    assert same["jumpstart"].said == same["transfer ratio"].said == "undecided"
    assert same["jumpstart"].detectable > 0


def test_useless_pretraining_never_helps():
    # A deliberately useless model: the same as the reference, but for chance.
    shares, said = [0.5, 0.6, 0.7], []
    for seed in range(40):
        card = effects(COUNTS, right(shares, seed=seed), right(shares, seed=seed + 500))
        said += [one.said for one in card if one.name in ("jumpstart", "asymptotic gain")]
    assert said.count("helps") <= 0.05 * len(said)


def test_swapping_the_models_turns_the_sign():
    good, poor = right([0.7, 0.8, 0.9]), right([0.6, 0.75, 0.9], seed=1)
    one, other = effects(COUNTS, good, poor)[:2], effects(COUNTS, poor, good)[:2]
    for a, b in zip(one, other, strict=True):
        assert a.interval.value == pytest.approx(-b.interval.value)
        assert a.interval.low == pytest.approx(-b.interval.high)


def test_what_is_never_reached_has_a_bound_and_no_interval():
    card = by_name(effects(COUNTS, right([0.9, 0.95, 0.97]), right([0.3, 0.4, 0.5], seed=1)))
    found = card["label efficiency at 16"]
    assert not found.interval.defined and found.said == "undecided" and np.isnan(found.detectable)
    assert "did not reach" in found.note
    assert found.interval.value == pytest.approx(np.log2(256 / 16))


@pytest.mark.parametrize(
    ("labels", "shape", "other", "says"),
    [
        ([16, 64], (2, 3, 5), (2, 3, 5), "with 2 label counts"),
        ([16, 64], (2, 2, 5), (2, 2, 4), "must both be"),
        ([16], (2, 1, 5), (2, 1, 5), "at least 2 counts"),
        ([16, 16], (2, 2, 5), (2, 2, 5), "strictly increasing"),
        ([16, 64], (1, 2, 5), (1, 2, 5), "at least 2 of each"),
    ],
)
def test_bad_tables_are_a_sentence(labels, shape, other, says):
    with pytest.raises(UserError, match=says):
        effects(labels, np.ones(shape), np.zeros(other))
