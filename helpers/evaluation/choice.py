"""Choosing among methods: which are worth their cost, and which are as good as the best."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation.bounds import Interval
from helpers.evaluation.comparison import Comparison


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
    """What to take among methods measured on the same items and draws.

    Attributes:
        best: the method with the highest mean score.
        as_good: those that are shown to be less than ``margin`` behind it, and the best itself,
            cheapest first.
        behind: of every other method, by how much it is behind the best, with its interval.
        margin: see :func:`choose`.
    """

    best: str
    as_good: list[str]
    behind: dict[str, Interval]
    margin: float

    @property
    def taken(self) -> str:
        """The cheapest of those that are as good as the best."""
        return self.as_good[0]


def choose(
    arms: Comparison, labels: int, costs: Mapping[str, float], margin: float = 0.01
) -> Choice:
    """Return the best method, and the cheapest that is shown to be as good.

    *As good* is a statement that needs evidence: the interval of how far a method is behind the
    best, over draws and items, must end below ``margin``. That the interval holds zero is not
    enough: a method that fails in some draws has a wide interval, which holds zero because the
    method is unstable, not because it is good. The best of many is a little flattered by having
    been picked, which makes the others look further behind.

    Args:
        arms: the comparison; methods are its arms that ``costs`` names.
        labels: count of labels.
        costs: of every method, what "cheap" means (operations, say); lower is better.
        margin: how far behind still counts as good, in the unit of the score, above 0; fixed before
            scores are seen.

    Raises:
        UserError: no method, one that was not measured, or a margin that is not above 0.

    >>> rng = np.random.default_rng(0)
    >>> good, poor = rng.random((3, 300)) < 0.9, rng.random((3, 300)) < 0.5
    >>> arms = Comparison({("a", 64): good, ("b", 64): good, ("c", 64): poor})
    >>> choice = choose(arms, 64, {"a": 9.0, "b": 2.0, "c": 1.0})
    >>> choice.best, choice.as_good, choice.taken
    ('a', ['b', 'a'], 'b')
    """
    if not costs:
        raise UserError("choose needs at least one method with its cost.")
    if not margin > 0:
        raise UserError(f"choose needs a margin above 0, not {margin:g}.")
    best = max(costs, key=lambda name: arms.score(name, labels))
    behind = {name: arms.difference(best, name, labels) for name in costs if name != best}
    near = [
        name
        for name, gap in behind.items()
        # Two that answer every item alike have no variation to make an interval of.
        if (gap.high < margin if gap.defined else gap.value == 0)
    ]
    return Choice(best, sorted([best, *near], key=costs.__getitem__), behind, margin)
