"""What compression leaves: shares of score and gain against brute force, damage by class."""

import numpy as np
import pytest
from scipy import stats

from helpers import UserError
from helpers.evaluation.retention import (
    beyond_share,
    damage_by_class,
    retained_gain,
    two_level,
)


def draws(rng, seeds=3, items=300, shares=(0.8, 0.9, 0.5)):
    """Right and wrong answers of (compressed, full, scratch)."""
    return [(rng.random((seeds, items)) < share).astype(float) for share in shares]


def test_the_shares_are_those_of_the_means():
    compressed, full, scratch = draws(np.random.default_rng(0))
    gain = retained_gain(compressed, full, scratch)
    # averaged over seeds, as every value with seeds is
    by_seed = (compressed.mean(1) - scratch.mean(1)) / (full.mean(1) - scratch.mean(1))
    assert gain.value == pytest.approx(by_seed.mean())


def test_one_seed_is_the_bootstrap_over_items():
    rng = np.random.default_rng(1)
    compressed, full, scratch = draws(rng, seeds=1)
    found = retained_gain(compressed, full, scratch)
    picks = rng.integers(0, 300, (4000, 300))
    c, f, s = (table[0][picks].mean(1) for table in (compressed, full, scratch))
    low, high = np.quantile((c - s) / (f - s), [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.03)
    assert found.high == pytest.approx(high, abs=0.03)


def test_the_interval_covers_the_true_share():
    inside = 0
    for seed in range(100):
        compressed, full, scratch = draws(np.random.default_rng(seed))
        found = retained_gain(compressed, full, scratch)
        inside += found.low <= (0.8 - 0.5) / (0.9 - 0.5) <= found.high
    assert inside >= 88


def test_all_is_kept_by_the_model_itself_and_nothing_by_the_one_from_scratch():
    _, full, scratch = draws(np.random.default_rng(2))
    assert retained_gain(full, full, scratch).value == 1
    nothing = retained_gain(scratch, full, scratch)
    assert nothing.value == 0
    assert retained_gain(1 - full, full, scratch).value < 0


def test_without_a_gain_there_is_nothing_to_retain():
    compressed, full, _ = draws(np.random.default_rng(3))
    found = retained_gain(compressed, full, full)
    assert not found.defined
    assert found.method == "undefined: no transfer gain that could be retained"


def test_a_resample_without_a_gain_lies_in_the_tail():
    scratch = np.repeat([0.0, 1.0], [6, 24])[None]
    full = np.ones((1, 30))  # 6 more right of 30: none of the 6 is drawn in (24/30)^30 of resamples
    compressed = full.copy()
    compressed[0, :2] = 0  # 4 of the 6 are left
    found = retained_gain(compressed, full, scratch)
    missed = []

    def share(c, f, s, axis):
        gains = f.sum(axis) - s.sum(axis)
        missed.append((gains == 0).any())
        return (c.sum(axis) - s.sum(axis)) / np.maximum(gains, 1e-9)

    oracle = stats.bootstrap(
        (compressed[0], full[0], scratch[0]), share, paired=True, vectorized=True,
        n_resamples=10_000, method="BCa", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert any(missed)
    assert found.value == pytest.approx(4 / 6)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=0.03)


def test_one_of_several_seeds_without_a_gain_is_said_not_raised():
    why = "undefined: the transfer gain is zero with one of the seeds"
    gains = [12, 11, 13, 12, 10, 12, 11, 13, 12, 0]  # one seed of ten gains nothing
    many = np.array([np.repeat([1.0, 0.0], [g, 30 - g]) for g in gains])
    assert two_level(many, np.zeros_like(many)).low > 0
    assert retained_gain(many, many, np.zeros_like(many)).method == why
    with pytest.raises(UserError, match="all of one shape"):
        retained_gain(many[:, :5], many, np.zeros_like(many))


def test_above_a_share_is_the_difference_from_a_point_between_two_models():
    full, scratch, _ = draws(np.random.default_rng(4))
    half = (full + scratch) / 2
    assert beyond_share(half, full, scratch, 0.5).value == pytest.approx(0, abs=1e-12)
    found = beyond_share(full, full, scratch, 0.9)
    gain = two_level(full, scratch)
    assert (found.value, found.low, found.high) == pytest.approx(
        (0.1 * gain.value, 0.1 * gain.low, 0.1 * gain.high)
    )
    lost = beyond_share(scratch, full, scratch, 0.9)
    assert lost.value == pytest.approx(-0.9 * gain.value) and lost.has_p
    with pytest.raises(UserError, match=r"must be in \[0, 1\], not 1.5"):
        beyond_share(full, full, scratch, 1.5)


def test_its_sign_is_that_of_the_retained_share():
    """Where the share is above 0.9, this one is above 0, and likewise below."""
    rng = np.random.default_rng(8)
    for lost in (0.0, 0.02, 0.3):
        full = rng.random((6, 600)) < 0.95
        scratch = rng.random((6, 600)) < 0.7
        compressed = full & (rng.random((6, 600)) >= lost)
        share = retained_gain(compressed, full, scratch)
        above = beyond_share(compressed, full, scratch, 0.9)
        assert (share.value > 0.9) == (above.value > 0)


def test_two_level_is_the_mean_difference():
    a, b, _ = draws(np.random.default_rng(4))
    assert two_level(a, b).value == pytest.approx((a - b).mean())


def test_damage_is_the_change_of_recall_of_each_class():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 300)
    full = (rng.random((3, 300)) < 0.9).astype(float)
    compressed = np.where(labels == 2, 0.0, full)
    damage = damage_by_class(compressed, full, labels, 5)
    assert sorted(damage) == [0, 1, 2]  # 3 and 4 have no items
    for label, one in damage.items():
        of = labels == label
        assert one.items == of.sum()
        assert one.before == pytest.approx(full[:, of].mean())
        assert one.change.value == pytest.approx((compressed - full)[:, of].mean())
    assert damage[2].p < 0.001 < damage[0].p


def test_a_class_of_one_item_has_no_interval():
    damage = damage_by_class([[0, 1, 1]], [[1, 1, 0]], [0, 1, 1], 2)
    assert (damage[0].items, damage[0].change.value, damage[0].p) == (1, -1.0, 1.0)
    assert not damage[0].change.defined and damage[1].change.defined


def test_shapes_that_do_not_fit_are_a_sentence():
    ones = np.ones((2, 5))
    with pytest.raises(UserError, match=r"all of one shape, not \(2, 4\), \(2, 5\)\."):
        retained_gain(ones, np.ones((2, 4)), ones)
    with pytest.raises(UserError, match=r"labels must be one for each of 5 items, not \(4,\)\."):
        damage_by_class(ones, ones, [0] * 4, 2)
    with pytest.raises(UserError, match=r"labels must be from 0 to 1, not 3\."):
        damage_by_class(ones, ones, [0, 1, 0, 1, 3], 2)
