"""Choosing among methods: which are worth their cost, and which are as good as the best."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation.intervals import Interval, two_level_interval


def pareto_front(costs: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Tell of each method whether no other is at least as good and as cheap, and better in one.

    Args:
        costs: (m,) lower is better, any unit.
        scores: (m,) higher is better.

    Raises:
        UserError: not two lists of one length, empty, or with missing values.

    >>> pareto_front([1, 2, 3, 4], [0.5, 0.7, 0.6, 0.8])
    array([ True,  True, False,  True])
    """
    cost, score = (np.asarray(x, dtype=float) for x in (costs, scores))
    if cost.ndim != 1 or cost.shape != score.shape or not len(cost):
        raise UserError(
            f"costs and scores must be two lists of one length, not {cost.shape} and {score.shape}."
        )
    if not (np.isfinite(cost).all() and np.isfinite(score).all()):
        raise UserError("costs and scores must be finite; some are missing.")
    better = (cost[:, None] < cost) | (score[:, None] > score)
    no_worse = (cost[:, None] <= cost) & (score[:, None] >= score)
    surpassed: npt.NDArray[np.bool_] = np.any(no_worse & better, axis=0)
    return ~surpassed


@dataclass(frozen=True)
class Choice:
    """What to take among methods measured on the same items and seeds.

    Attributes:
        best: the method with the highest mean score.
        alike: those that the run cannot tell from it, the best among them, cheapest first.
        behind: of every other method, by how much it is behind the best, with its interval.
    """

    best: str
    alike: list[str]
    behind: dict[str, Interval]

    @property
    def taken(self) -> str:
        """The cheapest of those that are alike."""
        return self.alike[0]


def choose(right: Mapping[str, npt.ArrayLike], costs: Mapping[str, float]) -> Choice:
    """Return the best method, and the cheapest that cannot be told from it.

    A method is *alike* where the interval of its paired difference to the best, over items and
    seeds (:func:`helpers.evaluation.intervals.two_level_interval`), holds zero. Not being told
    apart is no proof of being equal: a small run tells few apart. The best of many is a little
    flattered by having been picked, which makes the others look further behind.

    Args:
        right: (s, n) scores of each item with each seed, for every method; s at least 2.
        costs: of every method, what "cheap" means (memory, say); lower is better.

    Raises:
        UserError: no method, or methods without a cost.

    >>> rng = np.random.default_rng(0)
    >>> good, poor = rng.random((3, 300)) < 0.9, rng.random((3, 300)) < 0.5
    >>> choice = choose({"a": good, "b": good, "c": poor}, {"a": 9.0, "b": 2.0, "c": 1.0})
    >>> choice.best, choice.alike, choice.taken
    ('a', ['b', 'a'], 'b')
    """
    if not right:
        raise UserError("choose needs at least one method.")
    without = [name for name in right if name not in costs]
    if without:
        raise UserError(f"choose needs the cost of every method; {', '.join(without)} has none.")
    tables = {name: np.asarray(table, dtype=float) for name, table in right.items()}
    best = max(tables, key=lambda name: tables[name].mean())
    behind: dict[str, Interval] = {}
    alike = [best]
    for name, table in tables.items():
        if name == best:
            continue
        behind[name] = two_level_interval(tables[best], table)
        if not behind[name].low > 0:
            alike.append(name)
    return Choice(best, sorted(alike, key=lambda name: costs[name]), behind)
