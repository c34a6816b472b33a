"""Planned power against runs that are simulated with the library's own intervals."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.generalized import MeanSquares, half_widths, tail
from helpers.evaluation.intervals import two_level_intervals
from helpers.evaluation.planning import (
    Components,
    draws_needed,
    power,
    power_curve,
    power_of_equivalence,
)

SEEN = Components(draw=0.0009, item=0.03, rest=0.15)  # draws differ by .03


def simulated(components, draws, items, runs=8_000, seed=0):
    """Return errors of means and mean squares of many runs, normal ones, each (runs,)."""
    rng = np.random.default_rng(seed)
    k, n, rest = draws - 1, items - 1, components.rest
    return (
        rng.normal(0, components.deviation(draws, items), runs),
        (rest + items * components.draw) * rng.chisquare(k, runs) / k,
        (rest + draws * components.item) * rng.chisquare(n, runs) / n,
        rest * rng.chisquare(k * n, runs) / (k * n),
    )


@pytest.mark.parametrize(("draws", "items"), [(2, 400), (3, 100), (3, 2000), (10, 400)])
@pytest.mark.parametrize(("difference", "smallest"), [(0.04, 0.0), (-0.08, 0.0), (0.06, 0.05)])
def test_power_is_the_share_of_runs_that_find_it(draws, items, difference, smallest):
    errors, *squares = simulated(SEEN, draws, items)
    found = difference + errors
    p = tail(np.abs(found), *squares, draws, items)
    right_way = np.sign(difference) * found
    for level in (0.95, 0.999):
        share = np.mean((p < 1 - level) & (right_way > 0) & (right_way >= smallest))
        planned = power(SEEN, difference, draws, items, level=level, smallest=smallest)
        assert planned == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(("draws", "items"), [(3, 400), (10, 2000), (20, 400)])
@pytest.mark.parametrize("difference", [0.0, 0.02])
def test_power_of_equivalence_is_the_share_of_runs_inside(draws, items, difference):
    errors, *squares = simulated(SEEN, draws, items)
    half = half_widths(*squares, draws, items, level=0.9)
    share = np.mean(np.abs(difference + errors) + half < 0.05)
    planned = power_of_equivalence(SEEN, 0.05, draws, items, difference=difference)
    assert planned == pytest.approx(share, abs=0.02)


def test_the_planned_draws_reach_their_power_on_right_and_wrong_answers():
    """Whole runs: answers drawn item by item, judged by the interval over draws and items."""
    items, gain, rng = 300, 0.06, np.random.default_rng(0)
    hard = rng.random(100_000)

    def run(draws):
        share = 0.4 + 0.4 * rng.choice(hard, items)
        skill = rng.normal(0, 0.02, (2, draws, 1)) + np.array([gain, 0])[:, None, None]
        a, b = rng.random((2, draws, items)) < share + skill
        return a.astype(float) - b

    # Variance of one paired answer: rest and no item component, as both arms find the same hard.
    rest = 2 * np.mean((0.4 + 0.4 * hard) * (0.6 - 0.4 * hard))
    components = Components(draw=2 * 0.02**2, item=0.0, rest=float(rest))
    draws = draws_needed(components, gain, items)
    found = two_level_intervals(run(draws) for _ in range(1500))
    share = np.mean([interval.low > 0 for interval in found])
    assert share == pytest.approx(power(components, gain, draws, items), abs=0.05)
    assert share > 0.75 and power(components, gain, draws - 1, items) < 0.8


def test_components_are_those_that_made_the_squares():
    rng = np.random.default_rng(0)
    tables = (
        rng.normal(0, 0.3, (3000, 4, 1)) + rng.normal(0, 0.5, (3000, 1, 30))
        + rng.normal(0, 1, (3000, 4, 30))
    )  # fmt: skip
    each = [MeanSquares.of(table) for table in tables]
    found = [Components.of(one) for one in each]
    assert np.mean([one.draw for one in found]) == pytest.approx(0.09, abs=0.005)
    assert np.mean([one.item for one in found]) == pytest.approx(0.25, abs=0.015)
    assert np.mean([one.rest for one in found]) == pytest.approx(1, abs=0.01)
    assert found[0].deviation(4, 30) ** 2 == pytest.approx(
        found[0].draw / 4 + found[0].item / 30 + found[0].rest / 120
    )
    none = Components.of(MeanSquares(0.1, 0.1, 0.2, 3, 9))
    assert (none.draw, none.item, none.rest) == (0, 0, 0.2)


def test_more_of_anything_is_more_power():
    counts, chances = power_curve(SEEN, 0.04, range(2, 30), 400)
    assert counts.tolist() == list(range(2, 30)) and (np.diff(chances) > 0).all()
    for other in (power(SEEN, 0.05, 5, 400), power(SEEN, 0.04, 5, 800)):
        assert other > power(SEEN, 0.04, 5, 400) > power(SEEN, 0.04, 5, 400, level=0.999)
    assert power(SEEN, -0.04, 5, 400) == power(SEEN, 0.04, 5, 400)


def test_the_fewest_draws_are_the_fewest():
    for reach in (0.5, 0.8, 0.95):
        draws = draws_needed(SEEN, 0.05, 400, reach=reach)
        assert power(SEEN, 0.05, draws, 400) >= reach > power(SEEN, 0.05, draws - 1, 400)
    assert draws_needed(SEEN, 10.0, 400) == 2
    assert draws_needed(SEEN, 0.02, 400, smallest=0.03) is None  # it matters too little
    assert draws_needed(SEEN, 0.005, 400) is None  # the items alone leave too much open


def test_where_nothing_varies_everything_is_found():
    still = Components(0, 0, 0)
    assert power(still, 0.1, 2, 2) == power_of_equivalence(still, 0.1, 2, 2) == 1
    assert power(still, 0.1, 2, 2, smallest=0.2) == 0
    assert power_of_equivalence(still, 0.1, 2, 2, difference=0.2) == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Components(-1, 0, 0), "Variances must be finite and at least 0."),
        (
            lambda: power(SEEN, 0.0, 3, 100),
            "A power is that of a true difference other than 0, not 0.0.",
        ),
        (
            lambda: power(SEEN, 0.1, 1, 100),
            "draws must be a whole number of at least 2, not 1.",
        ),
        (lambda: power(SEEN, 0.1, 3, 1), "items must be a whole number of at least 2, not 1."),
        (lambda: power(SEEN, 0.1, 3, 9, smallest=-1), "smallest must be at least 0, not -1."),
        (
            lambda: power(SEEN, 0.1, 3, 9, level=95),
            "level must be between 0 and 1 (0.95 is usual), not 95.",
        ),
        (lambda: power_of_equivalence(SEEN, 0, 3, 9), "smallest must be above 0, not 0."),
        (
            lambda: draws_needed(SEEN, 0.1, 9, reach=1),
            "reach must be a power between 0 and 1, not 1.",
        ),
    ],
)
def test_bad_input_is_a_sentence(call, says):
    with pytest.raises(UserError) as caught:
        call()
    assert str(caught.value) == says
