"""How a drawing is displayed and written: SVG with alternative text, the same bytes everywhere."""

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers import UserError
from helpers.show import figures

MEASURED = "DejaVu Sans"  # comes with matplotlib, so that lines are placed alike everywhere

_FONTS = f"'{MEASURED}', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei'"

FIXED: Any = {"figure.constrained_layout.use": False}  # the style's engine would move things

_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "transfer", "font.sans-serif": [MEASURED]}

_STYLE |= FIXED


class Drawing(NamedTuple):
    """A drawing, and in words what it shows: ``show(*drawing)`` displays it."""

    figure: Figure
    alt: str


def show(figure: Figure, alt: str) -> None:
    """Display a drawing as SVG, with alternative text for those who do not see it.

    ``alt`` becomes the output's plain text, the title inside the SVG, and
    ``output.metadata["image/svg+xml"]["alt"]``, which nbconvert's
    ``get_metadata('alt', 'image/svg+xml')`` reads. A PNG lies beside the SVG, because JupyterLab
    shows no SVG of a notebook that it does not trust yet.
    """
    alt = checked_alt(alt)
    if not InteractiveShell.initialized():  # a plain script has no place for pictures
        print(alt)
        return
    figures.styled()
    with mpl.rc_context(FIXED), any_glyph():
        png = base64.b64encode(figures.png(figure)).decode("ascii")
    bundle = {"image/svg+xml": svg(figure, alt), "image/png": png, "text/plain": alt}
    about = {"image/svg+xml": {"alt": alt}, "image/png": {"alt": alt}}
    display(bundle, raw=True, metadata=about)


def svg(figure: Figure, alt: str) -> str:
    """Return the drawing as SVG without date or version: equal drawings are equal text."""
    about = {"Title": checked_alt(alt), "Date": None, "Creator": None}
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE), any_glyph():
        figure.savefig(buffer, format="svg", metadata=about)
    return buffer.getvalue().replace(f"'{MEASURED}'", _FONTS)


def spills(figure: Figure) -> list[str]:
    """Return the texts of a drawing that are wider or higher than their box or the canvas.

    Measured in DejaVu Sans, which is wider than what most readers have.
    """
    with mpl.rc_context(_STYLE), any_glyph():
        FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    found = []
    for text in axes.texts:
        place = text.get_window_extent().transformed(axes.transData.inverted())
        left, right = sorted((place.x0, place.x1))
        top, bottom = sorted((place.y0, place.y1))
        box = str(text.get_label())
        x, y, width, height = map(float, box.split()) if box else (0, 0, 100, max(axes.get_ylim()))
        if left < x or right > x + width or top < y or bottom > y + height:
            found.append(text.get_text())
    return found


@contextmanager
def any_glyph() -> Iterator[None]:
    """Say nothing of Chinese characters that a font lacks: the reader's fonts have them."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing from font", category=UserWarning
        )
        yield


def checked_alt(alt: Any) -> str:
    """Return the alternative text on one line; without one a UserError."""
    if not isinstance(alt, str) or not alt.strip():
        raise UserError("A drawing needs alt: one sentence that says what it shows.")
    return " ".join(alt.split())
