r"""Generalized tests of a difference over draws and items: the arrays under the intervals.

A paired difference d_si of draw s (of S) and item i (of N) is taken as δ + draw_s + item_i +
rest_si. What is known of its spread are three mean squares: of the draws' means (S - 1 degrees of
freedom), of the items' means (N - 1) and of the rest. The variance of the mean is
(E MS_draw + E MS_item - E MS_rest) / (SN), and with few draws MS_draw is known so poorly that
no t distribution with *estimated* degrees of freedom (Satterthwaite's) has the right tails: where
MS_draw is small by luck, they rise with it. A generalized p-value lets MS_draw vary as its χ² says:

    p = E over x ~ χ²(S - 1) of 2 · P(t(N - 1) > \|d\| / √(v / SN)),
    v = max((S - 1) · MS_draw / x - MS_rest, 0) + MS_item

Sources: Tsui & Weerahandi 1989 (JASA 84), Weerahandi 1993, *Generalized confidence intervals*
(JASA 88). Simulated by ``python -m tests.bench.tails``.

Shapes: ``...`` any number of differences, judged at once.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from helpers import UserError

Floats = npt.NDArray[np.float64]

POINTS, WEIGHTS = special.roots_legendre(64)
"""Of the numerical integral; its relative error is below 2e-4 at 2 draws, 1e-6 from 3 (test)."""

CHUNK = 10_000
"""Differences integrated at once: 5 MB a working array."""


@dataclass(frozen=True)
class MeanSquares:
    """What draws and items of a difference say about its chance; all that its tests need.

    Attributes:
        draw: mean square of the draws' means, in the square of the score's unit, at least 0.
        item: of the items' means.
        rest: of what neither explains.
        draws: S, at least 2.
        items: N, at least 2.

    >>> MeanSquares.of([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    MeanSquares(draw=0.166..., item=0.5, rest=0.166..., draws=2, items=3)
    """

    draw: float
    item: float
    rest: float
    draws: int
    items: int

    def __post_init__(self) -> None:
        """Refuse what no table has."""
        if not all(np.isfinite(x) and x >= 0 for x in (self.draw, self.item, self.rest)):
            raise UserError("Mean squares must be finite and at least 0.")
        if self.draws < 2 or self.items < 2:
            raise UserError(
                f"Mean squares need at least 2 draws and 2 items, not {self.draws} and "
                f"{self.items}."
            )

    @classmethod
    def of(cls, differences: npt.ArrayLike) -> "MeanSquares":
        """Return the mean squares of one table of differences, (S, N)."""
        table = np.asarray(differences, dtype=float)
        draw, item, rest = map(float, mean_squares(table))
        return cls(draw, item, rest, *table.shape)

    def p(self, difference: float) -> float:
        """Return the two-sided p-value of a mean difference, in [0, 1]; see :func:`tail`."""
        return float(tail(abs(difference), self.draw, self.item, self.rest, self.draws, self.items))

    def half_width(self, level: float) -> float:
        """Return half the width of the interval of the mean; see :func:`half_widths`."""
        spread = self.draw, self.item, self.rest, self.draws, self.items
        return float(half_widths(*spread, level=level))


def mean_squares(differences: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the mean squares of draws, items and rest of tables (..., S, N), each (...).

    >>> [round(float(x), 3) for x in mean_squares([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])]
    [0.167, 0.5, 0.167]
    """
    table = np.asarray(differences, dtype=float)
    draws, items = table.shape[-2:]
    of_draws, of_items = table.mean(-1, keepdims=True), table.mean(-2, keepdims=True)
    mean = of_draws.mean(-2, keepdims=True)
    rest = table - of_draws
    rest -= of_items - mean
    return (
        items * np.square(of_draws - mean).sum((-1, -2)) / (draws - 1),
        draws * np.square(of_items - mean).sum((-1, -2)) / (items - 1),
        np.einsum("...sn,...sn->...", rest, rest) / ((draws - 1) * (items - 1)),
    )


def tail(
    distance: npt.ArrayLike,
    draw: npt.ArrayLike,
    item: npt.ArrayLike,
    rest: npt.ArrayLike,
    draws: int,
    items: int,
) -> Floats:
    """Return the chance that a mean lies at least ``distance`` from the truth, either way.

    The two-sided generalized p-value of a difference that is so far from the null value. Half of it
    is the one-sided one.

    Args:
        distance: (...) at least 0, in the score's unit.
        draw: (...) mean square of draws.
        item: (...) mean square of items; where it is 0, that of the rest stands for it.
        rest: (...) mean square of the rest.
        draws: S.
        items: N.

    Returns:
        (...) in [0, 1]; 1 at distance 0, 0 where nothing varies and the distance is not 0.

    >>> tail([0.0, 0.02, 0.05], 0.6, 0.3, 0.2, draws=5, items=400).round(4)
    array([1.    , 0.3448, 0.0498])
    """
    arrays = np.broadcast_arrays(*np.atleast_1d(distance, draw, item, rest))
    flat = [np.asarray(x, dtype=float).ravel() for x in arrays]
    chances = np.empty(flat[0].shape)
    for at in range(0, len(chances), CHUNK):
        part = [x[at : at + CHUNK] for x in flat]
        chances[at : at + CHUNK] = _tail(*part, draws=draws, items=items)[0]
    shape = np.broadcast_shapes(*(np.shape(x) for x in (distance, draw, item, rest)))
    return chances.reshape(shape)


def half_widths(
    draw: npt.ArrayLike,
    item: npt.ArrayLike,
    rest: npt.ArrayLike,
    draws: int,
    items: int,
    level: float = 0.95,
) -> Floats:
    """Return half the widths of intervals of the mean: where :func:`tail` is ``1 - level``.

    Args as for :func:`tail`; result (...), in the score's unit; 0 where nothing varies.

    >>> half_widths([0.6, 0.0], [0.3, 0.3], [0.2, 0.2], draws=5, items=400).round(4)
    array([0.0499, 0.0241])
    """
    arrays = np.broadcast_arrays(*np.atleast_1d(draw, item, rest))
    flat = [np.asarray(x, dtype=float).ravel() for x in arrays]
    widths = np.empty(flat[0].shape)
    for at in range(0, len(widths), CHUNK):
        part = [x[at : at + CHUNK] for x in flat]
        widths[at : at + CHUNK] = _invert(*part, draws=draws, items=items, chance=1 - level)
    return widths.reshape(np.broadcast_shapes(*(np.shape(x) for x in (draw, item, rest))))


def _tail(
    distance: Floats, draw: Floats, item: Floats, rest: Floats, *, draws: int, items: int
) -> tuple[Floats, Floats]:
    """Return the tail's chance and its derivative by the distance, (m,) each.

    Integrated over log x by Gauss-Legendre up to the kink at x = (S - 1) · MS_draw / MS_rest, from
    which on v does not change; below the first node the chance is taken as there.
    """
    k = draws - 1
    item = np.where(item > 0, item, rest)
    scale, size = k * draw, draws * items
    with np.errstate(divide="ignore", invalid="ignore"):
        kink = np.where(rest > 0, scale / rest, np.inf)
        # Around this x the t distribution's tail begins; for a small p only smaller x count.
        begin = np.where(distance > 0, scale / (size * np.square(distance)), np.inf)
    end = np.minimum(kink, special.chdtri(k, 1e-17))
    positive = end > 0
    high = np.log(np.where(positive, end, 1.0))
    reach = min(4.0, 10 * np.sqrt(2 / k)) + 46 / k
    low = np.minimum(high, np.log(np.clip(begin, 1e-200, k))) - reach
    half = (high - low) / 2
    y = low[:, None] + half[:, None] * (POINTS + 1)
    x = np.exp(y)
    density = np.exp(y * k / 2 - x / 2 - special.gammaln(k / 2) - k / 2 * np.log(2))
    mass = density * WEIGHTS * half[:, None] * positive[:, None]
    spread = np.maximum(scale[:, None] / x - rest[:, None], 0) + item[:, None]
    # Two columns more: below the first node, and beyond the kink.
    below = special.chdtr(k, np.exp(low)) * positive
    beyond = np.where(positive, special.chdtrc(k, end), 1.0)
    mass = np.concatenate([mass, below[:, None], beyond[:, None]], axis=1)
    spread = np.concatenate([spread, spread[:, :1], item[:, None]], axis=1)
    deviation = np.sqrt(spread / size)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = distance[:, None] / deviation
        t = np.where(distance[:, None] == 0, 0.0, t)
        steep = np.where(deviation > 0, _t_density(t, items - 1) / deviation, 0.0)
    chance = 2 * np.sum(mass * special.stdtr(items - 1, -t), axis=1)
    chance = np.where(distance == 0, 1.0, np.minimum(chance, 1.0))
    return chance, -2 * np.sum(mass * steep, axis=1)


def _t_density(t: Floats, df: int) -> Floats:
    constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - np.log(df * np.pi) / 2
    return np.asarray(np.exp(constant - (df + 1) / 2 * np.log1p(np.square(t) / df)))


def _invert(
    draw: Floats, item: Floats, rest: Floats, *, draws: int, items: int, chance: float
) -> Floats:
    """Solve tail = chance by Newton's steps in the logarithms of both, within a bracket."""
    size = draws * items
    start = np.sqrt((draw + np.where(item > 0, item, rest)) / size)
    found = np.zeros_like(start)
    open_ = np.flatnonzero(start > 0)
    low, high = np.full(len(start), -np.inf), np.full(len(start), np.inf)
    where = np.log(np.where(start > 0, start, 1.0)) + np.log(
        -special.stdtrit(draws - 1, chance / 2)
    )
    for _ in range(60):
        if not len(open_):
            break
        place = where[open_]
        width = np.exp(place)
        part = (width, draw[open_], item[open_], rest[open_])
        value, slope = _tail(*part, draws=draws, items=items)
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.log(value) - np.log(chance)
            step = gap * value / (slope * width)
        too_near = gap > 0  # the tail is still too heavy: the solution lies further out
        low[open_] = np.where(too_near, place, low[open_])
        high[open_] = np.where(too_near, high[open_], place)
        proposed = place - step
        bad = ~np.isfinite(proposed) | (proposed <= low[open_]) | (proposed >= high[open_])
        lower = np.where(np.isfinite(low[open_]), low[open_], place - 2)
        upper = np.where(np.isfinite(high[open_]), high[open_], place + 2)
        where[open_] = np.where(bad, (lower + upper) / 2, proposed)
        found[open_] = np.exp(where[open_])
        open_ = open_[~(np.abs(where[open_] - place) < 1e-10)]
    return found
