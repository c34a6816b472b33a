r"""How many draws and items would decide: power from the mean squares of what was run.

The mean squares of a comparison say how much of its spread comes from draws, from items and from
neither (:class:`Components`). From these follows how a run with other numbers of draws and items
would come out: :func:`power` is the chance that the generalized test over both finds a true
difference, with bounds as :func:`helpers.evaluation.intervals.two_level_interval` gives them.

A component is itself estimated: that of draws from S - 1 degrees of freedom, so with few draws it
may be off by half of itself or more, and a plan from it is a guess of that size.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from helpers import UserError
from helpers.evaluation import checks
from helpers.evaluation.generalized import MeanSquares, half_widths

Floats = npt.NDArray[np.float64]

QUANTILES = 200
"""Equally likely mean squares of draws over which a power is the mean."""


@dataclass(frozen=True)
class Components:
    """Variances of a paired difference, in the square of the score's unit, each at least 0.

    Attributes:
        draw: between draws, over all items.
        item: between items, over all draws.
        rest: of a single item in a single draw beyond both.

    >>> found = Components.of(MeanSquares(draw=1.2, item=0.4, rest=0.2, draws=4, items=1000))
    >>> round(found.draw, 4), round(found.item, 4), found.rest
    (0.001, 0.05, 0.2)
    """

    draw: float
    item: float
    rest: float

    def __post_init__(self) -> None:
        """Refuse what no variance is."""
        if not all(np.isfinite(x) and x >= 0 for x in (self.draw, self.item, self.rest)):
            raise UserError("Variances must be finite and at least 0.")

    @classmethod
    def of(cls, squares: MeanSquares) -> "Components":
        """Return the components that mean squares estimate; where one would be negative, 0.

        Source: Searle, Casella & McCulloch 1992, *Variance Components*.
        """
        return cls(
            max(squares.draw - squares.rest, 0.0) / squares.items,
            max(squares.item - squares.rest, 0.0) / squares.draws,
            squares.rest,
        )

    def deviation(self, draws: int, items: int) -> float:
        """Return the standard deviation of the mean difference over so many draws and items."""
        variance = self.draw / draws + self.item / items + self.rest / (draws * items)
        return float(np.sqrt(variance))


def power(
    components: Components,
    difference: float,
    draws: int,
    items: int,
    *,
    level: float = 0.95,
    smallest: float = 0.0,
) -> float:
    """Return the chance that a run finds a true difference on its side of 0, in [0, 1].

    Found means: the interval leaves out 0 on the side of ``difference``, and the estimate is at
    least ``smallest`` that way; what :func:`helpers.evaluation.decision.decide` calls supported
    (or, below 0, contradicted), but for its precedence of "no difference". Values are taken as
    normal, the mean squares of items and rest as their expectations; within .05 of simulation from
    100 items on (``python -m tests.bench.tails``).

    Args:
        components: of the difference, from :meth:`Components.of` a stored interval's squares.
        difference: true one, not 0, in the score's unit.
        draws: S of the run that is planned, at least 2.
        items: N, at least 2.
        level: of the interval; with q questions in Holm's list ``1 - 0.05 / q`` is what the first
            of them needs.
        smallest: effect that matters, at least 0; where the true difference is just that, the
            estimate is below it half of the time, so plan for a larger one.

    Raises:
        UserError: numbers out of these ranges.

    >>> seen = Components(draw=0.0009, item=0.03, rest=0.15)
    >>> [round(power(seen, 0.05, draws, items=2000), 2) for draws in (3, 5, 10)]
    [0.34, 0.75, 0.99]
    """
    _check(draws, items, level)
    if not np.isfinite(difference) or difference == 0:
        raise UserError(f"A power is that of a true difference other than 0, not {difference}.")
    if not 0 <= smallest < np.inf:
        raise UserError(f"smallest must be at least 0, not {smallest}.")
    half = _possible_half_widths(components, draws, items, level)
    deviation = components.deviation(draws, items)
    if deviation == 0:
        return float(abs(difference) >= smallest)
    bar = np.maximum(half, smallest)
    return float(special.ndtr((abs(difference) - bar) / deviation).mean())


def power_of_equivalence(
    components: Components,
    smallest: float,
    draws: int,
    items: int,
    *,
    difference: float = 0.0,
    level: float = 0.95,
) -> float:
    """Return the chance that a run finds "no difference" within ±smallest, in [0, 1].

    That the interval of two one-sided tests (90 % at level 0.95) lies inside ±m.

    Args:
        components: as for :func:`power`.
        smallest: effect that matters, m, above 0.
        draws: of the run that is planned.
        items: of it.
        difference: true one.
        level: as for :func:`power`.

    Raises:
        UserError: numbers out of these ranges.

    >>> seen = Components(draw=0.0009, item=0.03, rest=0.15)
    >>> [round(power_of_equivalence(seen, 0.03, draws, items=2000), 2) for draws in (5, 10, 20)]
    [0.23, 0.68, 0.96]
    """
    _check(draws, items, level)
    if not 0 < smallest < np.inf:
        raise UserError(f"smallest must be above 0, not {smallest}.")
    narrow = 1 - 2 * (1 - level)
    checks.level_between(narrow)
    half = _possible_half_widths(components, draws, items, narrow)
    deviation = components.deviation(draws, items)
    if deviation == 0:
        return float(abs(difference) < smallest)
    room = np.maximum(smallest - half, 0)
    inside = special.ndtr((room - difference) / deviation)
    inside = inside - special.ndtr((-room - difference) / deviation)
    return float(inside.mean())


def power_curve(
    components: Components,
    difference: float,
    draws: Iterable[int],
    items: int,
    *,
    level: float = 0.95,
    smallest: float = 0.0,
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return counts of draws and the power at each, two arrays (c,), to be drawn as a curve.

    Args as for :func:`power`, with ``draws`` the c counts.

    >>> seen = Components(draw=0.0009, item=0.03, rest=0.15)
    >>> counts, chances = power_curve(seen, 0.05, [3, 5, 10], items=2000)
    >>> counts, chances.round(2)
    (array([ 3,  5, 10]), array([0.34, 0.75, 0.99]))
    """
    counts = np.array(list(draws), dtype=np.int64)
    chances = [
        power(components, difference, int(s), items, level=level, smallest=smallest) for s in counts
    ]
    return counts, np.array(chances)


def draws_needed(
    components: Components,
    difference: float,
    items: int,
    *,
    reach: float = 0.8,
    level: float = 0.95,
    smallest: float = 0.0,
    most: int = 200,
) -> int | None:
    """Return the fewest draws whose power is at least ``reach``; None where ``most`` do not do it.

    None also where more draws would not help: the items alone leave too much open, or the true
    difference is below what matters.

    Args:
        components: as for :func:`power`.
        difference: true one.
        items: of the run that is planned.
        reach: power that is wanted, in (0, 1).
        level: as for :func:`power`.
        smallest: as for :func:`power`.
        most: draws that are thought of, at least 2.

    Raises:
        UserError: numbers out of these ranges.

    >>> seen = Components(draw=0.0009, item=0.03, rest=0.15)
    >>> draws_needed(seen, 0.05, items=2000), draws_needed(seen, 0.05, items=2000, level=0.999)
    (6, 13)
    >>> draws_needed(seen, 0.005, items=2000) is None
    True
    """
    return _fewest(
        lambda draws: power(components, difference, draws, items, level=level, smallest=smallest),
        reach,
        most,
    )


def _fewest(chance: Callable[[int], float], reach: float, most: int) -> int | None:
    if not 0 < reach < 1:
        raise UserError(f"reach must be a power between 0 and 1, not {reach}.")
    if chance(most) < reach:
        return None
    low, high = 1, most  # power rises with the draws
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance(middle) >= reach else (middle, high)
    return high


def _possible_half_widths(components: Components, draws: int, items: int, level: float) -> Floats:
    """Return half-widths of the interval, equally likely, (q,): MS_draw varies as its χ² does."""
    k, rest = draws - 1, components.rest
    shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
    draw = (rest + items * components.draw) * special.chdtri(k, 1 - shares) / k
    item = rest + draws * components.item
    return half_widths(draw, item, rest, draws, items, level=level)


def _check(draws: int, items: int, level: float) -> None:
    checks.level_between(level)
    for name, count in (("draws", draws), ("items", items)):
        if int(count) != count or count < 2:
            raise UserError(f"{name} must be a whole number of at least 2, not {count}.")
