"""Comparisons against the interval that they stand on, values by hand, and a known truth."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.comparison import Comparison, Efficiency, forest_rows, rows_of
from helpers.evaluation.effect import label_efficiency_ratio
from helpers.evaluation.significance import Interval, two_level_interval
from helpers.tasks.tagging_scores import f1_of_counts

A, B = ("tuned", 64), ("scratch", 64)


def bounds(interval):
    return [interval.value, interval.low, interval.high]


def answers(share, draws=4, items=50, seed=0):
    return np.random.default_rng(seed).random((draws, items)) < share


def counts(draws=4, sentences=40, seed=0):
    """Return entities found right, predicted, there: (s, n, 3)."""
    rng = np.random.default_rng(seed)
    there = rng.integers(1, 5, (draws, sentences))
    predicted = rng.integers(1, 5, (draws, sentences))
    right = rng.binomial(np.minimum(there, predicted), 0.7)
    return np.stack([right, predicted, there], axis=-1)


@pytest.fixture
def found():
    return Comparison({
        A: answers(0.9), B: answers(0.7, seed=1),
        ("tuned", 16): answers(0.8, seed=2), ("one_seed", 16): answers(0.5, draws=1, seed=3),
    })  # fmt: skip


# difference


def test_a_difference_is_the_two_level_interval(found):
    ours = found.difference("tuned", "scratch", 64)
    assert bounds(ours) == pytest.approx(
        bounds(two_level_interval(answers(0.9), answers(0.7, seed=1)))
    )
    back = found.difference("scratch", "tuned", 64)
    assert bounds(back) == pytest.approx([-ours.value, -ours.high, -ours.low])


def test_a_difference_between_label_counts(found):
    ours = found.difference("tuned", "tuned", 64, than=16)
    theirs = two_level_interval(answers(0.9), answers(0.8, seed=2))
    assert bounds(ours) == pytest.approx(bounds(theirs))


def test_draws_are_matched_by_number_not_by_place():
    a, b = answers(0.9, draws=4), answers(0.7, draws=5, seed=1)
    found = Comparison({A: a, B: b}, draws={A: [7, 2, 0, 5], B: [0, 1, 2, 3, 7]})
    theirs = two_level_interval(a[[2, 1, 0]], b[[0, 2, 4]])
    assert bounds(found.difference("tuned", "scratch", 64)) == pytest.approx(bounds(theirs))


def test_an_entry_without_numbers_has_the_draws_from_0():
    a, b = answers(0.9), answers(0.7, seed=1)
    found = Comparison({A: a, B: b}, draws={A: [1, 2, 3, 4]})
    theirs = two_level_interval(a[:3], b[1:])
    assert bounds(found.difference("tuned", "scratch", 64)) == pytest.approx(bounds(theirs))


def test_the_order_of_draws_does_not_matter():
    a, b = answers(0.9), answers(0.7, seed=1)
    plain = Comparison({A: a, B: b}).difference("tuned", "scratch", 64)
    turned = Comparison({A: a[::-1], B: b}, draws={A: [3, 2, 1, 0]})
    assert bounds(turned.difference("tuned", "scratch", 64)) == pytest.approx(bounds(plain))


def test_a_measure_that_is_no_mean_of_items():
    a, b = counts(), counts(seed=1)
    found = Comparison({A: a, B: b}, f1_of_counts, "entity F1")
    each = np.array([2 * d[:, 0].sum() / (d[:, 1].sum() + d[:, 2].sum()) for d in a.astype(float)])
    np.testing.assert_allclose(found.by_draw("tuned", 64), each)
    assert found.score("tuned", 64) == pytest.approx(each.mean())
    theirs = two_level_interval(a, b, lambda x, y: f1_of_counts(x) - f1_of_counts(y))
    assert bounds(found.difference("tuned", "scratch", 64)) == pytest.approx(bounds(theirs))
    alone = found.interval("tuned", 64)
    assert alone.value == pytest.approx(each.mean()) and alone.low < each.mean() < alone.high


def test_pairs_of_which_one_was_not_measured_are_left_out(found):
    pairs = [("tuned", "scratch", 64), ("tuned", "scratch", 16), ("tuned", "one_seed", 16)]
    assert found.differences(pairs) == {pairs[0]: found.difference(*pairs[0])}


def test_what_was_measured(found):
    assert found.arms == ["tuned", "scratch", "one_seed"]
    assert found.labels == [16, 64]
    assert found.has("tuned", "scratch", labels=64)
    assert not found.has("tuned", "scratch", labels=16)
    assert not found.has("one_seed", labels=16)
    assert found.of("tuned", 64).shape == (4, 50, 1)


# tables


def test_table_by_hand():
    found = Comparison({
        A: [[1, 1, 1, 0], [1, 0, 1, 0]], B: [[0, 1, 0, 0], [0, 0, 0, 0]],
        ("tuned", 8): [[1, 0, 0, 0]],
    })  # fmt: skip
    rows = found.table()
    assert [(row["labels"], row["arm"], row["draws"]) for row in rows] == [
        (8, "tuned", 1), (64, "tuned", 2), (64, "scratch", 2),
    ]  # fmt: skip
    assert [row["accuracy"].value for row in rows] == pytest.approx([0.25, 0.625, 0.125])
    spreads = [row["± over draws"] for row in rows]
    assert spreads == pytest.approx([np.nan, 0.25 / np.sqrt(2), 0.25 / np.sqrt(2)], nan_ok=True)
    assert rows[0]["accuracy"].method == "undefined: one draw"
    assert str(rows[0]["accuracy"]) == "0.250 [undefined]"
    theirs = two_level_interval([[1, 1, 1, 0], [1, 0, 1, 0]], np.zeros((2, 4)))
    assert bounds(rows[1]["accuracy"]) == pytest.approx(bounds(theirs))
    assert [(row["labels"], row["arm"]) for row in found.table([8, 9])] == [(8, "tuned")]


def test_the_measure_names_the_column():
    rows = Comparison({A: counts()}, f1_of_counts, "entity F1").table()
    assert list(rows[0]) == ["labels", "arm", "entity F1", "± over draws", "draws"]


def test_curve_rows_are_those_of_the_table(found):
    rows = {(row["strategy"], row["labels"]): row for row in found.curve()}
    assert list(rows) == list(found.scores)
    for row in found.table():
        drawn = rows[row["arm"], row["labels"]]
        assert [drawn[name] for name in ("score", "low", "high")] == pytest.approx(
            bounds(row["accuracy"]), nan_ok=True
        )


def test_rows_of_differences():
    gains = {
        ("tuned", "from_scratch", 1024): Interval(0.1, 0.05, 0.15, 200, 0.95, "", df=9),
        ("tuned", "frozen", 64): Interval(0.01, -0.03, 0.05, 200, 0.95, "", df=9),
        ("frozen", "tuned", 16): Interval(-0.1, -0.15, -0.05, 200, 0.95, "", df=9),
    }
    rows = rows_of(gains)
    assert [row["comparison"] for row in rows] == [
        "tuned - from_scratch", "tuned - frozen", "frozen - tuned",
    ]  # fmt: skip
    assert [row["labels"] for row in rows] == [1024, 64, 16]
    assert [row["verdict"] for row in rows] == ["helps", "undecided", "hurts"]
    assert [row["difference"] for row in rows] == list(gains.values())
    # Wider intervals see only larger differences.
    assert rows[0]["detectable"] > rows[1]["detectable"] > 0
    assert forest_rows(gains) == list(
        zip(
            ["tuned − from scratch, 1,024 labels", "tuned − frozen, 64 labels",
             "frozen − tuned, 16 labels"],
            gains.values(),
            strict=True,
        )
    )  # fmt: skip


# errors


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: Comparison({}),
            "A comparison needs at least one arm with outcomes; it was given none.",
        ),
        (
            lambda: Comparison({A: np.ones((2, 5)), ("scratch", 1024): np.ones((2, 6))}),
            "scratch with 1,024 labels has items of shape (6, 1), tuned with 64 labels of (5, 1): "
            "arms are compared on the same items.",
        ),
        (
            lambda: Comparison({A: np.ones((2, 5)), B: np.ones((2, 5, 3))}),
            "scratch with 64 labels has items of shape (5, 3), tuned with 64 labels of (5, 1): "
            "arms are compared on the same items.",
        ),
        (
            lambda: Comparison({A: np.ones((2, 5))}, draws={A: [0, 1, 2]}),
            "tuned with 64 labels has 2 draws, but other numbers of them.",
        ),
        (
            lambda: Comparison({A: answers(0.9)}).score("tune", 64),
            "There is no outcome of tune with 64 labels. Did you mean 'tuned with 64 labels'?",
        ),
        (
            lambda: Comparison({A: answers(0.9), B: answers(0.7)}).difference("tuned", "zzz", 64),
            "There is no outcome of zzz with 64 labels. Did you mean 'tuned with 64 labels'?",
        ),
        (
            lambda: Comparison(
                {A: answers(0.9), B: answers(0.7)}, draws={A: [0, 1, 2, 3], B: [3, 4, 5, 6]}
            ).difference("tuned", "scratch", 64),
            "tuned with 64 labels and scratch with 64 labels have 1 draws in common; a difference "
            "needs at least 2.",
        ),
        (
            lambda: Comparison({A: answers(0.9), B: answers(0.7)}).efficiency(
                "tuned", "scratch", 64
            ),
            "scratch was measured at 1 label counts; 2 are needed.",
        ),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(call, says):
    with pytest.raises(UserError) as told:
        call()
    assert str(told.value) == says


# efficiency

COUNTS = (16, 64, 256, 1024)


def sampled(rng, share, hard=0.0, draws=6, items=150):
    """Draw right answers: ``share`` of them, with luck in the draw; some items are ``hard``."""
    return rng.random((draws, items)) < share + hard + 0.02 * rng.normal(size=(draws, 1))


def test_the_value_is_that_of_the_mean_curve():
    rng = np.random.default_rng(0)
    curve = dict(zip(COUNTS, (0.4, 0.55, 0.7, 0.9), strict=True))
    scores = {("scratch", n): sampled(rng, share) for n, share in curve.items()}
    found = Comparison(scores | {A: sampled(rng, 0.65)})
    reference = [found.score("scratch", n) for n in COUNTS]
    arm = [found.score("tuned", 64)] * len(COUNTS)
    theirs = label_efficiency_ratio(COUNTS, arm, reference, at=64)
    ours = found.efficiency("tuned", "scratch", 64, resamples=200)
    assert ours.ratio == pytest.approx(theirs.ratio)
    assert ours.low < ours.ratio < ours.high
    assert (ours.labels, ours.most) == (64, 1024)


def test_the_reference_needs_as_many_labels_as_it_has_for_its_own_score():
    rng = np.random.default_rng(0)
    scores = {
        ("scratch", n): sampled(rng, share) for n, share in ((16, 0.3), (64, 0.6), (256, 0.9))
    }
    found = Comparison(scores | {A: scores["scratch", 64]})
    assert found.efficiency("tuned", "scratch", 64, resamples=100).ratio == pytest.approx(1)


def test_efficiency_by_hand_without_chance():
    """All draws and items alike: half the way from 16 to 64 labels is 32."""
    scores = {("scratch", 16): np.full((2, 3), 0.4), ("scratch", 64): np.full((2, 3), 0.6)}
    found = Comparison(scores | {("tuned", 16): np.full((2, 3), 0.5)})
    ours = found.efficiency("tuned", "scratch", 16, resamples=100)
    assert [ours.ratio, ours.low, ours.high] == pytest.approx([2, 2, 2])
    assert str(ours) == "2.0 times [2.0, 2.0]"


@pytest.mark.parametrize(
    ("score", "ratio", "text"),
    [
        (0.9, float("inf"), "more than 4.0 times [more than 4.0, more than 4.0]"),
        (0.1, 0, "fewer times [fewer, fewer]"),
    ],
)
def test_what_lies_beyond_the_reference_is_open(score, ratio, text):
    scores = {("scratch", 16): np.full((2, 3), 0.4), ("scratch", 64): np.full((2, 3), 0.6)}
    found = Comparison(scores | {("tuned", 16): np.full((2, 3), score)})
    ours = found.efficiency("tuned", "scratch", 16, resamples=100)
    assert (ours.ratio, ours.low, ours.high) == (ratio,) * 3
    assert str(ours) == text


def test_open_ends_as_text():
    infinite = float("inf")
    assert str(Efficiency(3.4, 2.0, infinite, 64, 256)) == "3.4 times [2.0, more than 4.0]"
    assert str(Efficiency(0.5, 0, 1.25, 64, 1024)) == "0.5 times [fewer, 1.2]"
    assert str(Efficiency(infinite, 3, infinite, 64, 512)) == (
        "more than 8.0 times [3.0, more than 8.0]"
    )


@pytest.fixture
def measured():
    """An arm and the curve of a reference, with items of different difficulty."""
    rng = np.random.default_rng(0)
    hard = 0.1 * rng.normal(size=(1, 150))
    curve = zip(COUNTS, (0.4, 0.5, 0.7, 0.9), strict=True)
    scores = {("scratch", n): sampled(rng, share, hard) for n, share in curve}
    return Comparison(scores | {A: sampled(rng, 0.65, hard, draws=5)})


def test_the_seed_decides_the_resamples(measured):
    one, same, other = (
        measured.efficiency("tuned", "scratch", 64, resamples=250, seed=seed) for seed in (0, 0, 1)
    )
    assert one == same != other
    assert one.ratio == other.ratio


def test_the_bounds_are_those_of_draws_and_items_drawn_one_by_one(measured):
    """Items are the same for all that is compared, draws each arm's own."""
    rng = np.random.default_rng(1)
    tables = [measured.of("scratch", n)[..., 0] for n in COUNTS] + [measured.of(*A)[..., 0]]
    ratios = []
    for _ in range(2000):
        items = rng.integers(0, 150, 150)
        *curve, score = (
            table[rng.integers(0, len(table), len(table))][:, items].mean() for table in tables
        )
        above = [i for i, value in enumerate(curve) if value >= score]
        assert above and above[0] > 0
        span = slice(above[0] - 1, above[0] + 1)
        ratios.append(np.exp(np.interp(score, curve[span], np.log(COUNTS[span]))) / 64)
    ours = measured.efficiency("tuned", "scratch", 64)
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert ours.low == pytest.approx(low, rel=0.04)
    assert ours.high == pytest.approx(high, rel=0.04)


def test_efficiency_of_another_measure():
    """F1 of (right, predicted, there); the reference predicts one of ten, three, six more."""

    def table(right):
        return np.tile([float(right), 10, 10], (2, 4, 1))

    scores = {("scratch", 16): table(2), ("scratch", 64): table(6), ("tuned", 16): table(4)}
    found = Comparison(scores, f1_of_counts, "entity F1")
    assert found.efficiency("tuned", "scratch", 16, resamples=100).ratio == pytest.approx(2)


def test_the_interval_covers_a_known_ratio():
    """The reference rises by 0.08 with each doubling; the arm does what it does with 3 × 64."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        hard = 0.15 * rng.normal(size=(1, 150))
        shares = {n: 0.3 + 0.08 * np.log2(n / 16) for n in (*COUNTS, 192)}
        scores = {("scratch", n): sampled(rng, shares[n], hard) for n in COUNTS}
        comparison = Comparison(scores | {A: sampled(rng, shares[192], hard)})
        found.append(comparison.efficiency("tuned", "scratch", 64, resamples=300))
    assert sum(one.low <= 3 <= one.high for one in found) >= 36
    assert np.median([one.high / one.low for one in found]) < 4
    assert np.median([one.ratio for one in found]) == pytest.approx(3, rel=0.1)
