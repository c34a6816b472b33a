"""The generalized test: against numerical integration, Monte Carlo and definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from helpers import UserError
from helpers.evaluation import generalized
from helpers.evaluation.generalized import MeanSquares, half_widths, mean_squares, tail

SIZES = [(2, 2), (2, 100), (3, 5), (3, 2000), (5, 400), (10, 100), (30, 2000), (300, 100)]


def integrated(distance, draw, item, rest, draws, items):
    """Return the p-value by adaptive quadrature, in pieces, from its formula as it stands."""
    k = draws - 1

    def given_x(x):
        v = max(k * draw / x - rest, 0) + item
        return 2 * stats.t.sf(distance / np.sqrt(v / (draws * items)), items - 1)

    def by_log(y):
        return given_x(np.exp(y)) * stats.chi2.pdf(np.exp(y), k) * np.exp(y)

    kink = k * draw / rest if rest > 0 else np.inf
    top = np.log(min(kink, stats.chi2.isf(1e-17, k)))
    ends = top - np.array([80, 60, 40, 30, 20, 15, 10, 7, 5, 3, 2, 1, 0.5, 0])
    pieces = [
        integrate.quad(by_log, a, b, epsabs=0, epsrel=1e-10, limit=200)[0]
        for a, b in itertools.pairwise(ends)
    ]
    return sum(pieces) + (stats.chi2.sf(kink, k) * given_x(kink) if np.isfinite(kink) else 0)


@pytest.mark.parametrize(("draws", "items"), SIZES)
@pytest.mark.parametrize("ratio", [0.05, 1.0, 30.0])  # of the draws' mean square to the rest's
def test_the_tail_is_its_integral(draws, items, ratio):
    spread = 0.2 * ratio, 0.3, 0.2, draws, items
    for far in (0.3, 2.0, 12.0):
        distance = far * np.sqrt((spread[0] + 0.3) / (draws * items))
        wanted = integrated(distance, *spread)
        assert float(tail(distance, *spread)) == pytest.approx(
            wanted, rel=2e-4 if draws == 2 else 1e-6, abs=1e-13
        )


def test_without_a_rest_there_is_no_kink():
    spread = 0.4, 0.1, 0.0, 4, 50
    assert float(tail(0.1, *spread)) == pytest.approx(integrated(0.1, *spread), rel=1e-6)


def test_the_tail_is_a_mean_over_chance():
    rng = np.random.default_rng(0)
    draw, item, rest, draws, items = 0.9, 0.3, 0.2, 4, 60
    v = np.maximum(3 * draw / rng.chisquare(3, 400_000) - rest, 0) + item
    far = np.abs(rng.standard_t(items - 1, 400_000)) * np.sqrt(v / (draws * items))
    for distance in (0.03, 0.1, 0.3):
        assert float(tail(distance, draw, item, rest, draws, items)) == pytest.approx(
            np.mean(far > distance), abs=0.003
        )


def test_draws_alone_are_students_t_over_draws():
    """Items that all agree and very many of them leave the t test over the draws' means."""
    values = np.array([0.03, 0.07, 0.01, 0.04])
    table = np.repeat(values[:, None], 100_000, axis=1)
    wanted = stats.ttest_1samp(values, 0)
    squares = MeanSquares.of(table)
    assert squares.p(values.mean()) == pytest.approx(wanted.pvalue, rel=1e-3)
    bounds = wanted.confidence_interval(0.9)
    assert squares.half_width(0.9) == pytest.approx((bounds.high - bounds.low) / 2, rel=1e-3)


def test_equal_draws_are_students_t_over_items():
    items = np.random.default_rng(0).normal(0.2, 1, 40)
    squares = MeanSquares.of(np.stack([items] * 3))
    assert squares.draw == pytest.approx(0) and squares.rest == pytest.approx(0)
    assert squares.p(items.mean()) == pytest.approx(stats.ttest_1samp(items, 0).pvalue, rel=1e-6)


def test_mean_squares_are_those_of_the_two_way_layout():
    table = np.random.default_rng(0).normal(size=(3, 4, 7))  # three differences at once
    found = mean_squares(table)
    for at, one in enumerate(table):
        m = one.mean()
        draw = sum(7 * (row.mean() - m) ** 2 for row in one) / 3
        item = sum(4 * (column.mean() - m) ** 2 for column in one.T) / 6
        rest = sum(
            (one[s, i] - one[s].mean() - one[:, i].mean() + m) ** 2
            for s in range(4)
            for i in range(7)
        ) / (3 * 6)
        assert [x[at] for x in found] == pytest.approx([draw, item, rest])


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0, 10), st.floats(1e-6, 10), st.floats(0, 10), st.sampled_from(SIZES),
    st.sampled_from([0.5, 0.9, 0.95, 0.999, 1 - 1e-7]),
)  # fmt: skip
def test_half_widths_invert_the_tail(draw, item, rest, size, level):
    half = half_widths(draw, item, rest, *size, level=level)
    assert float(tail(half, draw, item, rest, *size)) == pytest.approx(1 - level, rel=1e-6)


def test_many_at_once_are_one_at_a_time(monkeypatch):
    rng = np.random.default_rng(0)
    distance, draw, item, rest = rng.random((4, 3, 5))
    monkeypatch.setattr(generalized, "CHUNK", 4)
    chances, halves = tail(distance, draw, item, rest, 4, 30), half_widths(draw, item, rest, 4, 30)
    assert chances.shape == halves.shape == (3, 5)
    for at in np.ndindex(3, 5):
        squares = MeanSquares(draw[at], item[at], rest[at], 4, 30)
        assert chances[at] == pytest.approx(squares.p(distance[at]))
        assert halves[at] == pytest.approx(squares.half_width(0.95))


def test_edges():
    assert tail([0.0, 0.1], 0.0, 0.0, 0.0, 3, 5).tolist() == [1.0, 0.0]  # nothing varies
    assert float(half_widths(0.0, 0.0, 0.0, 3, 5)) == 0
    # Items whose means agree say nothing of items: the rest stands for them.
    assert tail(0.1, 0.2, 0.0, 0.3, 3, 5) == tail(0.1, 0.2, 0.3, 0.3, 3, 5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: MeanSquares(-0.1, 1, 1, 3, 5), "Mean squares must be finite and at least 0."),
        (lambda: MeanSquares(np.nan, 1, 1, 3, 5), "Mean squares must be finite and at least 0."),
        (
            lambda: MeanSquares(1, 1, 1, 1, 5),
            "Mean squares need at least 2 draws and 2 items, not 1 and 5.",
        ),
    ],
)
def test_bad_squares_are_a_sentence(call, says):
    with pytest.raises(UserError) as caught:
        call()
    assert str(caught.value) == says
