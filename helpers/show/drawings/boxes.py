"""Boxes of a drawing: where they stand, what kinds there are, and where arrows join them."""

from dataclasses import dataclass
from typing import Any

from helpers import UserError

QUIET = "#555555"
# Face, edge and line of a box: told apart without colour too, by the line around it.
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"facecolor": "white", "edgecolor": QUIET},
    "data": {"facecolor": "#EEEEEE", "edgecolor": QUIET},
    "trained": {"facecolor": "#FBE3CF", "edgecolor": "#D55E00", "linewidth": 2.2},
    "frozen": {"facecolor": "#D6E8F5", "edgecolor": "#0072B2", "linestyle": "--"},
    "new": {"facecolor": "#D3EFE5", "edgecolor": "#009E73", "linewidth": 2.8},
    "ignored": {"facecolor": "white", "edgecolor": "#888888", "linestyle": ":", "hatch": "////"},
}
"""What a box is: plain; data; parameters that are trained, frozen or new; ignored."""


@dataclass(frozen=True)
class Box:
    """A box on a canvas: its upper left corner, width and height, in units of the canvas."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def left(self) -> tuple[float, float]:
        """The middle of its left side."""
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> tuple[float, float]:
        """The middle of its right side."""
        return self.x + self.width, self.y + self.height / 2

    @property
    def top(self) -> tuple[float, float]:
        """The middle of its upper side."""
        return self.x + self.width / 2, self.y

    @property
    def bottom(self) -> tuple[float, float]:
        """The middle of its lower side."""
        return self.x + self.width / 2, self.y + self.height


def look_of(name: str) -> dict[str, Any]:
    """Return how boxes of a kind are drawn, as matplotlib's patches take it."""
    if name not in KINDS:
        raise UserError(f"There is no box of kind {name!r}; there are {', '.join(KINDS)}.")
    return {"linewidth": 1.4, **KINDS[name]}


def facing(
    start: Box | tuple[float, float], end: Box | tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the points where an arrow leaves and arrives: the sides that face each other."""
    a = start.centre if isinstance(start, Box) else start
    b = end.centre if isinstance(end, Box) else end
    return _side(start, b), _side(end, a)


def _side(place: Box | tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(place, Box):
        return place
    x, y = towards
    if y < place.y or y > place.y + place.height:  # above or below it
        upright = not (x < place.x - place.width or x > place.x + 2 * place.width)
        if upright:
            return place.top if y < place.y else place.bottom
    return place.left if x < place.centre[0] else place.right
