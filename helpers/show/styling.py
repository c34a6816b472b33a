"""The one style of all figures, axes in it, and how a figure is displayed: once, with words."""

import base64
import io
import logging
from pathlib import Path

import matplotlib as mpl
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from helpers import UserError
from helpers.show import fonts

STYLE = Path(__file__).with_name("style.mplstyle")

_styled = False


def style() -> None:
    """Apply the project's style to all figures made from here on.

    Chinese characters are those of the environment's own font, so that none is a box.
    """
    global _styled
    pyplot.style.use(STYLE)
    mpl.rcParams["font.family"] = fonts.for_figures()  # of a list, each letter is its own font's
    # The Chinese font has one weight; that bold words have none of it is no news to a reader.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    _styled = True


def show(fig: Figure, alt: str) -> None:
    """Display a figure as PNG, with alternative text for those who do not see it, and close it.

    ``alt`` says in a sentence what the figure shows, its numbers rounded (it is compared when a
    notebook is run again). It becomes the output's plain text and
    ``output.metadata["image/png"]["alt"]``, which nbconvert's ``get_metadata('alt', 'image/png')``
    reads. The PNG is the same bytes for the same figure.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise UserError("figures.show needs alt: one sentence that says what the figure shows.")
    alt = " ".join(alt.split())
    data = base64.b64encode(png(fig)).decode("ascii")
    pyplot.close(fig)
    if not InteractiveShell.initialized():  # a plain script has no place for pictures
        print(alt)
        return
    bundle = {"image/png": data, "text/plain": alt}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def png(fig: Figure) -> bytes:
    """Return the figure as PNG without date or version, so that equal figures are equal bytes."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def styled() -> None:
    """Apply the style unless it is applied already."""
    if not _styled:
        style()


def axes(ax: Axes | None, size: tuple[float, float] | None = None) -> tuple[Figure, Axes]:
    """Return the figure of axes that were given, or a new figure in the project's style."""
    if ax is not None:
        figure = ax.figure
        while isinstance(figure, SubFigure):
            figure = figure.figure
        return figure, ax
    styled()
    # Not through pyplot: the inline backend would display such a figure a second time.
    figure = Figure(figsize=size)
    return figure, figure.add_subplot()
