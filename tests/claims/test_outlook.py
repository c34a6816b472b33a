"""What more draws would show of a stored difference."""

import pytest

from helpers.claims.evidence import Bounds
from helpers.claims.outlook import MOST_DRAWS, interval_of, outlook
from helpers.evaluation.planning import Components, draws_needed, power
from tests.claims.test_verdicts import evidence, gain_of


def test_the_outlook_is_that_of_the_power():
    gain = gain_of(0.02, spread=0.03)
    seen = Components.of(gain.squares)
    chance, needed = power(seen, 0.02, 10, 400), draws_needed(seen, 0.02, 400, most=MOST_DRAWS)
    assert outlook(gain, 0.01) == (
        f"A true difference of 0.020 would have been found with probability {chance:.2f}; "
        f"{needed} draws would find it with 0.8."
    )


def test_where_draws_do_not_help_it_says_so():
    hopeless = outlook(gain_of(0.0005, spread=0.3), 0.001)
    assert hopeless.endswith(f"; {MOST_DRAWS} draws would not be enough.")


def test_without_mean_squares_there_is_no_outlook():
    stored = Bounds(low=0.1, high=0.3, level=0.95, df=4.0)
    older = evidence("C01", gain_of(0.2)).model_copy(update={"interval": stored})
    assert outlook(interval_of(older), 0.01) == ""
    assert interval_of(older).p() == pytest.approx(0.05, abs=0.05)
