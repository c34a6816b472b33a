"""One value with its bounds, and what its chance allows to be said: p-values, other levels.

An :class:`Interval` answers one of three questions, by the function that made it
(:mod:`helpers.evaluation.intervals`): other items, other draws, or both. Only where it knows how
its chance is distributed, by mean squares or by degrees of freedom, has it a p-value.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from helpers import UserError
from helpers.evaluation import checks
from helpers.evaluation.generalized import MeanSquares

Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class Interval:
    """A value with its bounds: ``n`` items (or seeds), confidence ``level``, ``method`` in words.

    Bounds are nan where the method cannot give any. ``squares`` are the mean squares of an interval
    over draws and items, ``df`` the degrees of freedom of bounds by Student's t (infinite where
    they are known to be those of a normal distribution). With neither, as after a bootstrap over
    the items of given models, there is an interval and no p-value.

    >>> print(Interval(0.84321, 0.8123, 0.8714, n=800, level=0.95, method="Wilson"))
    0.843 [0.812, 0.871]
    """

    value: float
    low: float
    high: float
    n: int
    level: float
    method: str
    df: float | None = None
    squares: MeanSquares | None = None

    def __str__(self) -> str:
        """Return value and bounds with three digits."""
        return f"{self:.3f}"

    def __format__(self, spec: str) -> str:
        """Format the three numbers alike: ``f"{interval:.1f}"``."""
        value, low, high = (_number(x, spec or ".3f") for x in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]" if self.defined else f"{value} [undefined]"

    @property
    def defined(self) -> bool:
        """Whether there are bounds."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def has_p(self) -> bool:
        """Whether :meth:`p` can answer; where there are no bounds, it answers 1."""
        return not self.defined or self.squares is not None or self.df is not None

    def p(self, null: float = 0.0, alternative: Alternative = "two-sided") -> float:
        """Return the p-value of "the true value is ``null``", in [0, 1]; 1 without bounds.

        By the generalized test over draws and items where there are mean squares, otherwise by
        Student's t from the distance to the bound on the side of ``null``. Two-sided it is below
        1 - level just where the interval leaves out ``null``.

        Args:
            null: value that is held against it, in the unit of the value.
            alternative: what is to be shown: that the true value is another one ("two-sided"),
                lies above ``null`` ("greater") or below ("less").

        Raises:
            UserError: neither mean squares nor degrees of freedom; no such alternative.

        >>> round(Interval(0.05, 0.01, 0.09, 5, 0.95, "t over seeds", df=4).p(), 3)
        0.026
        >>> Interval(0.05, 0.01, 0.09, 400, 0.95, "BCa bootstrap").p()
        Traceback (most recent call last):
        helpers.UserError: An interval by BCa bootstrap has neither mean squares nor degrees of \
freedom, and so no p-value and no other level; take one over draws, or over draws and items.
        """
        if alternative not in ("two-sided", "greater", "less"):
            raise UserError(f"alternative must be two-sided, greater or less, not {alternative!r}.")
        if not self.defined:
            return 1.0
        two_sided = self._generalized(null) if self.squares else self._students(null)
        if alternative == "two-sided":
            return two_sided
        as_asked = (self.value > null) == (alternative == "greater")
        return two_sided / 2 if as_asked else 1 - two_sided / 2

    def at(self, level: float) -> "Interval":
        """Return the interval at another level, in (0, 1).

        Raises:
            UserError: neither mean squares nor degrees of freedom, or a level outside (0, 1).

        >>> print(Interval(0.05, 0.01, 0.09, 5, 0.95, "t over seeds", df=4).at(0.9))
        0.050 [0.019, 0.081]
        """
        checks.level_between(level)
        if not self.defined:
            return replace(self, level=level)
        if self.squares:
            half = self.squares.half_width(level)
            return replace(self, low=self.value - half, high=self.value + half, level=level)
        factor = self._quantile(level) / self._quantile(self.level)
        low, high = (self.value + (end - self.value) * factor for end in (self.low, self.high))
        return replace(self, low=low, high=high, level=level)

    def _generalized(self, null: float) -> float:
        assert self.squares is not None
        return self.squares.p(self.value - null)

    def _students(self, null: float) -> float:
        below, above = self.value - self.low, self.high - self.value
        scale = below if self.value > null else above
        # Skewed bounds may touch the value, or leave it out; then the other side has the width.
        scale = scale if scale > 0 else max(below, above)
        if scale <= 0:
            self._quantile(self.level)
            return 1.0
        t = abs(self.value - null) / scale * self._quantile(self.level)
        p = float(2 * special.stdtr(self._freedom, -t))
        return p if self.low <= null <= self.high else min(p, 1 - self.level)

    def _quantile(self, level: float) -> float:
        return float(special.stdtrit(self._freedom, (1 + level) / 2))

    @property
    def _freedom(self) -> float:
        if self.df is None:
            raise UserError(
                f"An interval by {self.method or 'an unnamed method'} has neither mean squares nor "
                "degrees of freedom, and so no p-value and no other level; take one over draws, "
                "or over draws and items."
            )
        return self.df


def _number(x: float, spec: str) -> str:
    if not np.isfinite(x):
        return "undefined"
    text = format(x, spec)
    return text.lstrip("-") if text.startswith("-") and not text.strip("-0.%") else text
