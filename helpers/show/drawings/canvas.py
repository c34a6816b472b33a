"""What schematic drawings are made of: boxes, arrows, tokens, grids, brackets and a caption.

A canvas is 100 units wide, which is 6 inches, and as high as asked; x runs to the right, y runs
*down* from the top, both in the same units. Text stays text in the SVG: every reader's own fonts
draw it, Chinese too, and nothing is measured, so that one drawing is the same bytes everywhere.
All of it stands on a white panel of its own, as the figures do, and reads on dark pages as well.

>>> canvas = Canvas(30)
>>> words = canvas.box(2, 8, 40, 10, "text", kind="data")
>>> model = canvas.box(58, 8, 40, 10, "model", kind="trained")
>>> canvas.arrow(words, model, "tokens")
>>> canvas.caption("What a model is given.")
>>> spills(canvas.figure)
[]
>>> svg(canvas.figure, "A model is given text.").count("<title>")
1
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.text import Text

from helpers import UserError
from helpers.show.drawings.boxes import QUIET, Box, facing, look_of
from helpers.show.drawings.shown import (  # noqa: F401 - some are for who imports this module
    FIXED,
    Drawing,
    checked_alt,
    show,
    spills,
    svg,
)

INK = "#222222"
_INCHES = 6.0  # read on a phone: text of 12 points stays 10 pixels high at 360 pixels


class Canvas:
    """A white panel, 100 units wide and `height` units high, on which to draw."""

    def __init__(self, height: float) -> None:
        """Make an empty canvas; `height` in units, above 0."""
        if not height > 0:
            raise UserError(f"A canvas must be higher than 0 units, not {height:g}.")
        self.height = height
        size = _INCHES, _INCHES * height / 100
        with mpl.rc_context(FIXED):
            self.figure = Figure(figsize=size, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, 100), ylim=(height, 0))
        self.axes.axis("off")

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        text: str = "",
        kind: str = "plain",
        size: float = 12,
        bold: bool = False,
    ) -> Box:
        """Draw a box with text in its middle; ``\\n`` starts a line. `size` in points."""
        face = FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.8", **look_of(kind)
        )
        face.set_hatch_linewidth(0.5)
        self.axes.add_patch(face)
        drawn = Box(x, y, width, height)
        if text:
            written = self.text(*drawn.centre, text, size=size, bold=bold)
            written.set_label(f"{x:g} {y:g} {width:g} {height:g}")
            if kind == "ignored":  # its hatching would run through the words
                written.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
        return drawn

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 12,
        bold: bool = False,
        colour: str = INK,
        align: str = "center",
        rotation: float = 0,
    ) -> Text:
        """Write text around a point; `align` left, center or right of lines, `rotation` degrees."""
        return self.axes.text(
            x,
            y,
            text.replace("$", r"\$"),  # text, not a formula
            size=size,
            color=colour,
            ha=align,
            va="center_baseline",
            rotation=rotation,
            fontweight="bold" if bold else "normal",
            fontfamily="sans-serif",
            linespacing=1.25,
        )

    def arrow(
        self,
        start: Box | tuple[float, float],
        end: Box | tuple[float, float],
        text: str = "",
        colour: str = QUIET,
        dashed: bool = False,
        bend: float = 0.0,
        size: float = 11,
    ) -> None:
        """Draw an arrow between points, or between the sides of boxes that face each other.

        `text` stands above its middle, or right of it where the arrow is upright. `bend` curves
        the arrow (0: straight; its sign says to which side).
        """
        a, b = facing(start, end)
        line: dict[str, Any] = {
            "linestyle": "--" if dashed else "-",
            "linewidth": 1.6,
            "color": colour,
        }
        shape = f"arc3,rad={bend:g}"
        self.axes.add_patch(
            FancyArrowPatch(
                a,
                b,
                arrowstyle="-|>",
                mutation_scale=12,
                shrinkA=1,
                shrinkB=1,
                connectionstyle=shape,
                **line,
            )
        )
        if text:
            upright = abs(b[1] - a[1]) > abs(b[0] - a[0])
            x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
            if upright:
                self.text(x + 1.5, y, text, size=size, colour=QUIET, align="left")
            else:
                lines = text.count("\n") + 1
                self.text(x, y - 0.6 - 1.9 * lines, text, size=size, colour=QUIET)

    def line(self, points: Sequence[tuple[float, float]]) -> None:
        """Draw a line through points, without a head."""
        self.axes.plot(*zip(*points, strict=True), color=QUIET, linewidth=1.6)

    def tokens(
        self,
        x: float,
        y: float,
        words: Sequence[str],
        width: float = 12,
        height: float = 7,
        kinds: str | Sequence[str] = "data",
        gap: float = 1,
        size: float = 11,
    ) -> list[Box]:
        """Draw a row of tokens, each in a box, and return the boxes; one kind, or one a token."""
        each = [kinds] * len(words) if isinstance(kinds, str) else list(kinds)
        if len(each) != len(words):
            raise UserError(f"{len(words)} tokens need as many kinds, not {len(each)}.")
        return [
            self.box(x + i * (width + gap), y, width, height, word, kind, size)
            for i, (word, kind) in enumerate(zip(words, each, strict=True))
        ]

    def grid(
        self,
        x: float,
        y: float,
        allowed: npt.ArrayLike,
        cell: float = 6,
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        size: float = 10,
    ) -> Box:
        """Draw a matrix of true and false, such as an attention mask: filled with a dot where true.

        `rows` are written left of it, `columns` above it. Returns the box around the cells.
        """
        mask = np.asarray(allowed, dtype=bool)
        if mask.ndim != 2:
            raise UserError(f"A grid must have rows and columns, not {mask.ndim} dimensions.")
        for i, j in np.ndindex(*mask.shape):
            at = x + j * cell, y + i * cell
            colour = "#9CC9E8" if mask[i, j] else "white"
            self.axes.add_patch(
                Rectangle(at, cell, cell, facecolor=colour, edgecolor=QUIET, linewidth=0.9)
            )
            if mask[i, j]:  # seen without colour too
                middle = at[0] + cell / 2, at[1] + cell / 2
                self.axes.plot(*middle, "o", color="#004B75", markersize=cell * 0.7)
        for i, name in enumerate(rows):
            self.text(x - 1, y + (i + 0.5) * cell, name, size=size, align="right")
        for j, name in enumerate(columns):
            self.text(x + (j + 0.5) * cell, y - 2, name, size=size)
        return Box(x, y, mask.shape[1] * cell, mask.shape[0] * cell)

    def bracket(self, start: float, end: float, y: float, text: str, below: bool = True) -> None:
        """Draw a bracket from x `start` to x `end` with text below it, or above."""
        tip = y - 1.5 if below else y + 1.5
        self.axes.plot(
            [start, start, end, end], [tip, y, y, tip], color=QUIET, linewidth=1.4, clip_on=False
        )
        lines = text.count("\n") + 1
        away = (1.4 + 1.8 * lines) * (1 if below else -1)
        self.text((start + end) / 2, y + away, text, size=11, colour=QUIET)

    def key(self, x: float, y: float, kinds: Mapping[str, str], width: float = 24) -> None:
        """Say in a row what boxes of these kinds are: a small box of each, its words beside it."""
        for i, (kind, words) in enumerate(kinds.items()):
            at = x + i * width
            self.box(at, y - 1.5, 4.5, 3, kind=kind)
            self.text(at + 6, y, words, size=11, colour=QUIET, align="left")

    def caption(self, text: str) -> None:
        """Write a caption at the lower edge, in lines that fit; leave it 5 units a line."""
        lines = textwrap.wrap(" ".join(text.split()), 72)
        y = self.height - 0.5 - 2.3 * len(lines)
        self.text(2, y, "\n".join(lines), size=11, colour=QUIET, align="left")

    def drawing(self, alt: str) -> Drawing:
        """Return the figure with the sentence that says what it shows."""
        return Drawing(self.figure, checked_alt(alt))
