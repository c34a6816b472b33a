import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import UserError
from helpers.evaluation import resampling
from helpers.evaluation.generalized import MeanSquares
from helpers.evaluation.metrics import contributions, f1, macro_f1_difference
from helpers.evaluation.significance import (
    Interval,
    bootstrap_interval,
    paired_bootstrap,
    proportion_interval,
    seed_interval,
    two_level_interval,
    two_level_intervals,
)

values = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30).map(
    lambda pairs: np.array(pairs, dtype=float).T
)


def bounds(interval):
    return np.array([interval.value, interval.low, interval.high])


def test_wilson_solves_its_equation():
    # Its bounds are the shares p from which the observed one is exactly z standard errors away.
    for count, n, level in [(0, 10, 0.95), (7, 10, 0.9), (812, 1000, 0.99), (10, 10, 0.95)]:
        interval = proportion_interval(count, n, level)
        z = stats.norm.ppf((1 + level) / 2)
        for p in (interval.low, interval.high):
            assert abs(count / n - p) == pytest.approx(z * np.sqrt(p * (1 - p) / n), abs=1e-9)
    assert proportion_interval([1, 0, 1, 1]) == proportion_interval(3, 4)


@pytest.mark.parametrize("statistic", [None, lambda means: np.log(means[:, 0])])
def test_bca_agrees_with_scipy(statistic):
    losses = np.random.default_rng(0).exponential(size=60)
    ours = bootstrap_interval(losses, statistic, resamples=40_000)
    whole = np.mean if statistic is None else lambda x, axis: np.log(np.mean(x, axis=axis))
    theirs = stats.bootstrap(
        (losses,), whole, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    spread = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * spread)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * spread)


def test_paired_bca_agrees_with_scipy_on_differences():
    rng = np.random.default_rng(3)
    b = rng.random(300) < 0.7
    a = np.where(rng.random(300) < 0.25, True, b)
    ours = paired_bootstrap(a, b, resamples=40_000)
    difference = a.astype(float) - b
    theirs = stats.bootstrap(
        (difference,), np.mean, n_resamples=40_000, method="BCa", rng=rng
    ).confidence_interval
    assert ours.value == pytest.approx(difference.mean())
    # Differences come in steps of 1/300, so bounds may differ by one.
    assert ours.low == pytest.approx(theirs.low, abs=1.01 / 300)
    assert ours.high == pytest.approx(theirs.high, abs=1.01 / 300)


def test_bca_bounds_by_hand():
    # All 5^5 samples of five items, weighed equally: no random draws are left.
    x = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    everything = np.array(np.meshgrid(*[x] * 5)).reshape(5, -1).mean(axis=0)
    jackknife = (x.sum() - x) / 4
    ours = resampling.bca_bounds(x.mean(), everything, jackknife, np.ones(5, int), 0.9)
    below = np.mean(everything < x.mean() - 1e-12)
    ties = np.mean(np.isclose(everything, x.mean()))
    z0 = stats.norm.ppf(below + ties / 2)
    u = jackknife.mean() - jackknife
    a = stats.skew(u) / 6 / np.sqrt(5)
    for bound, tail in zip(ours, (0.05, 0.95), strict=True):
        z = z0 + stats.norm.ppf(tail)
        wanted = np.quantile(everything, stats.norm.cdf(z0 + z / (1 - a * z)))
        assert bound == pytest.approx(wanted)


@pytest.mark.parametrize("kinds", [3, 50])  # multinomial draws, draws of items
def test_resamples_have_the_moments_of_the_bootstrap(kinds):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(kinds, 1))
    counts = np.full(kinds, 20 if kinds == 3 else 1)
    drawn = resampling.resample((table,), counts, lambda m: m[:, 0], 20_000, rng)
    items = np.repeat(table[:, 0], counts)
    assert drawn.mean() == pytest.approx(items.mean(), abs=5 * drawn.std() / np.sqrt(20_000))
    assert drawn.std() == pytest.approx(items.std() / np.sqrt(len(items)), rel=0.03)


@settings(deadline=None)
@given(values, st.integers(0, 5))
def test_the_order_of_items_does_not_matter(pair, seed):
    order = np.random.default_rng(seed).permutation(len(pair[0]))
    first = paired_bootstrap(*pair, resamples=200, seed=seed)
    second = paired_bootstrap(*pair[:, order], resamples=200, seed=seed)
    np.testing.assert_array_equal(bounds(first), bounds(second))


@pytest.mark.parametrize("seed", range(3))
def test_the_last_digits_of_the_values_do_not_move_the_bounds(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.exponential(size=(2, 150, 2)) + 1
    nearly = [one * (1 + 1e-7 * rng.normal(size=one.shape)) for one in (a, b)]
    for measure in (
        lambda a, b: bootstrap_interval(a, lambda m: m[:, 0] / m[:, 1], resamples=200),
        lambda a, b: paired_bootstrap(a, b, resamples=200),
    ):
        np.testing.assert_allclose(bounds(measure(*nearly)), bounds(measure(a, b)), rtol=1e-4)


@settings(deadline=None)
@given(values, st.integers(0, 5))
def test_swapping_the_models_mirrors_the_interval(pair, seed):
    a, b = pair
    if sorted(zip(a, b, strict=True)) == sorted(zip(b, a, strict=True)):
        return  # its own mirror image: the same draws both times
    there = paired_bootstrap(a, b, resamples=200, seed=seed)
    back = paired_bootstrap(b, a, resamples=200, seed=seed)
    np.testing.assert_allclose(
        [there.value, there.low, there.high], [-back.value, -back.high, -back.low], atol=1e-9
    )


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_do_not_change_the_result(monkeypatch, size):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40))
    whole = paired_bootstrap(a, b, resamples=300)
    monkeypatch.setattr(resampling, "CELLS", size)
    np.testing.assert_allclose(bounds(paired_bootstrap(a, b, resamples=300)), bounds(whole))


def test_macro_f1_difference_against_brute_force():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 150)
    a, b = (np.where(rng.random(150) < p, true, rng.integers(0, 3, 150)) for p in (0.8, 0.6))
    ours = paired_bootstrap(
        contributions(true, a, 3), contributions(true, b, 3), macro_f1_difference
    )
    assert ours.value == pytest.approx(f1(true, a, 3) - f1(true, b, 3))
    drawn = []
    for _ in range(1500):
        i = rng.integers(0, 150, 150)
        drawn.append(f1(true[i], a[i], 3) - f1(true[i], b[i], 3))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert ours.low == pytest.approx(low, abs=0.02)
    assert ours.high == pytest.approx(high, abs=0.02)


def test_memory_does_not_grow_with_items_times_resamples():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 100_000))
    tracemalloc.start()
    paired_bootstrap(a, b, resamples=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6  # resamples × items would be 80 MB a hundred, 8 GB ten thousand


def test_no_variation_is_not_certainty():
    same = paired_bootstrap(np.ones(200), np.ones(200))
    assert (same.value, same.low) == (0, -same.high)
    # 0 of 200: the exact upper bound of a share.
    assert same.high == pytest.approx(stats.binomtest(0, 200).proportion_ci(0.95).high)
    better = paired_bootstrap(np.ones(3), np.zeros(3))
    assert better.low < 0 < better.value == better.high == 1
    worse = paired_bootstrap(np.zeros(3), np.ones(3))
    assert (worse.low, worse.high) == (-better.high, -better.low)
    always = bootstrap_interval(np.ones(20))
    assert always.low == pytest.approx(stats.binomtest(20, 20).proportion_ci(0.95).low)
    constant = paired_bootstrap([0.5, 0.5, 0.5], [0.1, 0.1, 0.1])
    assert not constant.defined
    shifted = np.random.default_rng(0).random(20)
    assert not paired_bootstrap(shifted + 0.1, shifted).defined


def test_seed_interval_is_students():
    differences = np.array([0.03, 0.05, 0.01, 0.04])
    wanted = stats.ttest_1samp(differences, 0).confidence_interval(0.9)
    ours = seed_interval(differences, level=0.9)
    assert (ours.low, ours.high) == pytest.approx((wanted.low, wanted.high))
    assert ours.n == 4
    assert not seed_interval([0.1]).defined
    assert not seed_interval([0.1, 0.1, 0.1]).defined


def simulate(rng, seeds, items, seed_sd, item_sd, rest_sd):
    return (
        rng.normal(0, seed_sd, (seeds, 1))
        + rng.normal(0, item_sd, (1, items))
        + rng.normal(0, rest_sd, (seeds, items))
    )


@pytest.mark.parametrize("sds", [(0.05, 0.3, 0.3), (0.0, 0.3, 0.3), (0.1, 0.0, 0.3)])
def test_two_level_interval_covers_both_sources(sds):
    rng = np.random.default_rng(0)
    zero = np.zeros((5, 100))
    hit = [
        interval.low <= 0 <= interval.high
        for interval in (two_level_interval(simulate(rng, 5, 100, *sds), zero) for _ in range(400))
    ]
    assert np.mean(hit) >= 0.925


def test_two_level_interval_with_a_statistic_agrees_where_it_is_the_mean():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 3, 50))
    plain = two_level_interval(a, b)
    general = two_level_interval(a, b, lambda x, y: x[:, 0] - y[:, 0])
    np.testing.assert_allclose(bounds(plain), bounds(general))
    mirrored = two_level_interval(b, a)
    np.testing.assert_allclose(bounds(mirrored), [-plain.value, -plain.high, -plain.low])


def test_equal_items_are_left_out_once_and_count_each():
    """The squares of F1 are those of pseudo-values that leave out every single item."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 60)
    said = np.where(rng.random((2, 4, 60)) < 0.7, true, rng.integers(0, 3, (2, 4, 60)))
    a, b = (np.stack([contributions(true, one, 3) for one in model]) for model in said)
    assert len(np.unique(np.hstack([a[0], b[0]]), axis=0)) < 30  # many items are alike

    def difference(draw, keep):
        return f1(true[keep], said[0, draw][keep], 3) - f1(true[keep], said[1, draw][keep], 3)

    every = np.arange(60)
    whole = [difference(draw, every) for draw in range(4)]
    pseudo = [
        [60 * whole[draw] - 59 * difference(draw, every != i) for i in range(60)]
        for draw in range(4)
    ]
    found = two_level_interval(a, b, macro_f1_difference)
    wanted = MeanSquares.of(pseudo)
    assert found.value == pytest.approx(np.mean(whole))
    assert (found.squares.draw, found.squares.item, found.squares.rest) == pytest.approx(
        (wanted.draw, wanted.item, wanted.rest)
    )
    assert found.high - found.value == pytest.approx(wanted.half_width(0.95))


def test_many_differences_are_one_at_a_time():
    tables = np.random.default_rng(0).normal(0.1, 1, (3, 4, 50))
    tables[1] = 0.25  # no variation
    many = two_level_intervals(iter(tables), level=0.9)
    for table, found in zip(tables, many, strict=True):
        alone = two_level_interval(table, np.zeros_like(table), level=0.9)
        np.testing.assert_allclose(bounds(found), bounds(alone))
        assert (found.method, found.level, found.n) == (alone.method, alone.level, alone.n)
    assert not many[1].defined and many[1].p() == 1
    assert two_level_intervals([]) == []
    other = [np.ones((4, 50)), np.ones((4, 51))]
    for tables, says in (
        (other, "Tables of differences must be of one shape, not (4, 50), (4, 51)."),
        ([np.full((2, 3), np.nan)], ONE_TABLE.format("(2, 3)")),
        ([np.ones((1, 3))], ONE_TABLE.format("(1, 3)")),
    ):
        with pytest.raises(UserError) as caught:
            two_level_intervals(tables)
        assert str(caught.value) == says


ONE_TABLE = (
    "Each table of differences must be (draws, items), at least 2 of each, without missing "
    "values; one has the shape {}."
)


def test_interval_as_text():
    assert str(Interval(0.8432, 0.8118, 0.8709, 800, 0.95, "BCa")) == "0.843 [0.812, 0.871]"
    assert str(Interval(-0.0001, -0.2, 0.0, 8, 0.95, "BCa")) == "0.000 [-0.200, 0.000]"
    assert f"{Interval(12.34, 11.0, 13.0, 8, 0.95, 't'):.1f}" == "12.3 [11.0, 13.0]"
    assert str(Interval(0.5, np.nan, np.nan, 1, 0.95, "t")) == "0.500 [undefined]"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired_bootstrap([1, 0, 1], [1, 0]), "same items for both, not 3 and 2"),
        (lambda: paired_bootstrap([1], [0]), "at least 2 items, not 1"),
        (lambda: paired_bootstrap([1, np.nan], [0, 1]), "a must be finite"),
        (lambda: paired_bootstrap(["x", "y"], [0, 1]), "a must be numbers"),
        (lambda: paired_bootstrap([0, 1], [[0, 1], [1, 0]]), "same shape"),
        (lambda: paired_bootstrap([0, 1], [1, 0], level=95), "level must be"),
        (lambda: paired_bootstrap([0, 1], [1, 0], resamples=10), "resamples must be"),
        (lambda: bootstrap_interval([[[1]]]), "shape"),
        (lambda: proportion_interval(5, 4), "from 0 to n = 4, not 5"),
        (lambda: proportion_interval(2.5, 4), "whole number from 0 to n = 4"),
        (lambda: proportion_interval(0, 0), "at least 1 item"),
        (lambda: proportion_interval([0.5, 1]), "one 0 or 1"),
        (lambda: seed_interval([]), "at least 1"),
        (lambda: two_level_interval([[1, 0]], [[1, 0]]), "at least 2 of each"),
        (
            lambda: paired_bootstrap(
                [0, 1, 1], [1, 0, 0], lambda a, b: np.where(a > 0, a - b, np.nan)[:, 0]
            ),
            "undefined in",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
