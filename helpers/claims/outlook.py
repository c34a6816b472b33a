"""What a stored difference allows to be said: its interval, and what more draws would show."""

from collections.abc import Sequence
from typing import Protocol

from helpers.claims.evidence import Bounds
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import decide
from helpers.evaluation.generalized import MeanSquares
from helpers.evaluation.planning import Components, draws_needed, power

MOST_DRAWS = 100
"""More draws than that are not recommended: something else must change."""


class Stored(Protocol):
    """A number of a record with its interval: evidence, or a metric."""

    @property
    def value(self) -> float | None:
        """The number."""

    @property
    def interval(self) -> Bounds | None:
        """Its interval, where it has one."""


def interval_of(part: Stored) -> Interval:
    """Return the interval that a part of a record holds, with what its p-value needs.

    Bounds may be nan. An interval of an older record, without mean squares, has the degrees of
    freedom that were stored, and no p-value where there were none.

    >>> from helpers.claims.evidence import Evidence
    >>> stored = Bounds(low=0.1, high=0.3, level=0.95, df=4.0)
    >>> interval_of(Evidence(claim="C02", value=0.2, interval=stored)).p().__round__(4)
    0.0051
    """
    nan = float("nan")
    bounds, value = part.interval, part.value
    if bounds is None or value is None:
        return Interval(nan if value is None else value, nan, nan, 0, 0.95, "none")
    low, high = (nan if end is None else end for end in (bounds.low, bounds.high))
    squares = None if bounds.squares is None else MeanSquares(**bounds.squares.model_dump())
    shown = bounds.n or 0, bounds.level or 0.95, bounds.method or ""
    return Interval(value, low, high, *shown, df=bounds.df, squares=squares)


def outlook(gain: Interval, smallest: float) -> str:
    """Return in one sentence what the run could have seen, and how many draws would probably do.

    Args:
        gain: an undecided difference over draws and items.
        smallest: smallest difference that matters.

    >>> squares = MeanSquares(draw=1.2, item=0.4, rest=0.2, draws=4, items=1000)
    >>> half = squares.half_width(0.95)
    >>> gain = Interval(0.03, 0.03 - half, 0.03 + half, 1000, 0.95, "", squares=squares)
    >>> print(outlook(gain, 0.01).replace("; ", ";\\n"))
    A true difference of 0.030 would have been found with probability 0.21;
    21 draws would find it with 0.8.
    """
    if gain.squares is None:
        return ""
    seen, items = Components.of(gain.squares), gain.squares.items
    true = max(abs(gain.value), smallest)
    chance = power(seen, true, gain.squares.draws, items)
    needed = draws_needed(seen, true, items, most=MOST_DRAWS)
    rest = (
        f"{needed} draws would find it with 0.8."
        if needed
        else f"{MOST_DRAWS} draws would not be enough."
    )
    return (
        f"A true difference of {true:.3f} would have been found with probability {chance:.2f}; "
        f"{rest}"
    )


def outlook_of_measures(measures: Sequence[str], gains: Sequence[Interval], smallest: float) -> str:
    """Return in one sentence what each of several measures says alone of which arm is better.

    Args:
        measures: their names, (k,).
        gains: the difference by each, (k,).
        smallest: difference that matters, as for :func:`helpers.evaluation.decision.decide`.

    >>> better = Interval(0.05, 0.01, 0.09, 10, 0.95, "t over seeds", df=9)
    >>> doubtful = Interval(0.02, -0.02, 0.06, 10, 0.95, "t over seeds", df=9)
    >>> outlook_of_measures(["accuracy", "recall"], [better, doubtful], 0.01)
    'Alone, accuracy says better and recall is undecided.'
    """
    words = {
        "supported": "says better",
        "contradicted": "says worse",
        "no difference": "says no difference",
        "undecided": "is undecided",
    }
    alone = [
        f"{measure.replace('_', ' ')} {words[decide(gain, smallest).verdict]}"
        for measure, gain in zip(measures, gains, strict=True)
    ]
    return f"Alone, {', '.join(alone[:-1])} and {alone[-1]}."
