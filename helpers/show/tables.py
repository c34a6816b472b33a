"""Tables of the notebooks and the report: rounded, escaped, readable on a phone.

Texts come from corpora and users, so they are shown as *text*: markup is escaped, dollars are not
typeset as formulas, and characters that act rather than show (terminal escapes, reversed writing
direction) are written out as their code points.

CSS hooks of the HTML: ``div.table-scroll`` around ``table.measured``; ``td.number``, ``td.text``.
"""

import html
import math
import re
import unicodedata
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from helpers import UserError, visible
from helpers.evaluation.significance import Interval

Digits = int | dict[str, int]

MISSING = "–"


def show(frame: Any, caption: str, digits: Digits = 3) -> None:
    """Display a data frame in a notebook: as HTML, and as rounded text (which is what is compared).

    ``frame``: a data frame, or what makes one. Its index is shown unless it is just 0, 1, 2, ….
    ``digits`` after the point of floats and intervals, for all or by column name; nan and None are
    shown as "–", :class:`Interval` with its bounds.

    >>> show(pd.DataFrame({"strategy": ["full", "probe"], "F1": [0.91234, float("nan")]}), "R8")
    R8
    strategy     F1
    full      0.912
    probe         –
    """
    text = to_text(frame, caption, digits)
    if not InteractiveShell.initialized():
        print(text)
        return
    display({"text/html": to_html(frame, caption, digits), "text/plain": text}, raw=True)


def to_html(frame: Any, caption: str, digits: Digits = 3) -> str:
    """Return the table as HTML, with caption, header cells and scopes, without any script.

    The alignment stands in the elements too, so that it holds where the report's CSS is not.

    >>> "&lt;b&gt;" in to_html(pd.DataFrame({"text": ["<b>"]}), "Markup is text")
    True
    """
    header, rows, numeric, stubs = _cells(frame, caption, digits)
    side = ["right" if number else "left" for number in numeric]
    label = html.escape(safe(caption))
    out = [
        f'<div class="table-scroll" role="region" aria-label="{label}" tabindex="0" '
        'style="overflow-x:auto">',
        '<table class="measured tex2jax_ignore mathjax_ignore">',
        f'<caption style="text-align:left">{label}</caption>',
        "<thead><tr>",
        *(
            f'<th scope="col" style="text-align:{where}">{html.escape(name)}</th>'
            for name, where in zip(header, side, strict=True)
        ),
        "</tr></thead>",
        "<tbody>",
    ]
    for row in rows:
        cells = []
        for j, (cell, number) in enumerate(zip(row, numeric, strict=True)):
            kind = 'class="number"' if number else 'class="text" dir="auto"'
            tag, scope = ("th", ' scope="row"') if j < stubs else ("td", "")
            style = f'style="text-align:{side[j]}"'
            cells.append(f"<{tag}{scope} {kind} {style}>{html.escape(cell)}</{tag}>")
        out.append(f"<tr>{''.join(cells)}</tr>")
    if not rows:
        out.append(f'<tr><td colspan="{len(header)}">(no rows)</td></tr>')
    return "\n".join([*out, "</tbody>", "</table>", "</div>"])


def to_text(frame: Any, caption: str, digits: Digits = 3) -> str:
    """Return the table as text: a line a row, never wrapped, cut or padded at the end.

    >>> print(to_text(pd.DataFrame({"n": [16, 1024]}, index=["少", "many"]), "Labels"))
    Labels
             n
    少      16
    many  1024
    """
    header, rows, numeric, _ = _cells(frame, caption, digits)
    widths = [max(map(_width, column)) for column in zip(header, *rows, strict=True)]
    lines = [safe(caption)]
    for row in [header, *rows]:
        cells = [
            " " * (width - _width(cell)) + cell if number else cell + " " * (width - _width(cell))
            for cell, width, number in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines if rows else [*lines, "(no rows)"])


def safe(value: Any) -> str:
    r"""Return text on one line, with every character that acts written out as its code point.

    >>> print(safe("red \x1b[31m, reversed \u202egnp.exe, two\nlines"))
    red <U+001B>[31m, reversed <U+202E>gnp.exe, two lines
    """
    return visible(" ".join(str(value).replace("\r\n", "\n").replace("\t", "\n").split("\n")))


def literal(value: Any) -> str:
    r"""Return text that Markdown shows as it is: nothing in it is markup, a formula or a tag.

    >>> print(literal("<b>5 $x$ *stars*</b>"))
    \<b\>5 \$x\$ \*stars\*\</b\>
    """
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|$&~^=])", r"\\\1", safe(value))


def _cells(
    frame: Any, caption: str, digits: Digits
) -> tuple[list[str], list[list[str]], list[bool], int]:
    """Return header, rows of cells, which columns are numbers, and how many name their row."""
    if not isinstance(caption, str) or not caption.strip():
        raise UserError("A table needs a caption that says what it shows.")
    if isinstance(frame, pd.Series):
        frame = frame.to_frame()
    frame = pd.DataFrame(frame)
    columns = [_name(name) for name in frame.columns]
    values = [frame.iloc[:, j].tolist() for j in range(frame.shape[1])]
    stubs = 0
    if not isinstance(frame.index, pd.RangeIndex):
        stubs = frame.index.nlevels
        columns = ["" if name is None else _name(name) for name in frame.index.names] + columns
        values = [frame.index.get_level_values(i).tolist() for i in range(stubs)] + values
    if not columns:
        raise UserError(f"The table {caption!r} has no columns.")
    cells: list[list[str]] = []
    numeric: list[bool] = []
    for name, column in zip(columns, values, strict=True):
        places = digits.get(name, 3) if isinstance(digits, dict) else digits
        if not isinstance(places, Integral) or places < 0:
            raise UserError(f"digits must be whole numbers of at least 0, not {places!r}.")
        cells.append([_cell(value, int(places)) for value in column])
        present = [value for value in column if not _missing(value)]
        numeric.append(bool(present) and all(_is_number(value) for value in present))
    rows = [list(row) for row in zip(*cells, strict=True)]
    return [safe(name) for name in columns], rows, numeric, stubs


def _name(name: Any) -> str:
    return (
        " / ".join(str(part) for part in name if str(part))
        if isinstance(name, tuple)
        else str(name)
    )


def _cell(value: Any, digits: int) -> str:
    if _missing(value):
        return MISSING
    if isinstance(value, Interval):
        return format(value, f".{digits}f")
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        number = float(value)
        if math.isinf(number):
            return "∞" if number > 0 else "-∞"
        text = f"{number:.{digits}f}"
        if float(text) != 0.0:
            return text
        # Neither -0.000, nor 0.000 for what is not nothing (a step size of 2e-5); rounding errors
        # are nothing.
        return f"{number:.1e}" if abs(number) > 1e-9 else text.lstrip("-")
    return safe(value)


def _missing(value: Any) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, Real) and math.isnan(float(value)))
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Interval) or (
        isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    )


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
