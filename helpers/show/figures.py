"""Figures of the notebooks: one style, legible on a phone, never relying on colour alone.

Every function returns a :class:`matplotlib.figure.Figure` that Jupyter does not display by itself;
:func:`show` displays it once, as PNG with alternative text. With ``ax`` a function draws into axes
of yours instead.

>>> from helpers.evaluation.significance import Interval
>>> figure = forest([("full fine-tuning - from scratch", Interval(0.1, 0.05, 0.15, 200, 0.95, ""))])
>>> figure.axes[0].get_xlabel()
'difference'
"""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers import UserError
from helpers.evaluation.decision import decide
from helpers.evaluation.significance import Interval, verdict
from helpers.show import looks
from helpers.show.styling import (  # noqa: F401 - some are for who imports this module
    axes,
    png,
    show,
    style,
    styled,
)

_VERDICTS = {"helps": ("#0072B2", ">"), "hurts": ("#D55E00", "<"), "undecided": ("#555555", "o")}
_VERDICTS["no difference"] = ("#555555", "D")


def learning_curves(
    frame: pd.DataFrame, score: str = "accuracy (share)", ax: Axes | None = None
) -> Figure:
    """Draw score over labelled items, one line a strategy, with intervals where given.

    ``frame`` columns: labels, strategy, score, and perhaps low and high (nan: no interval). A row
    without labels (nan) is a score that uses none, or all: a horizontal line. Strategies keep their
    order of appearance; ``score`` names the vertical axis with its unit.
    """
    _need(frame, ["labels", "strategy", "score"])
    figure, ax = axes(ax)
    names = list(dict.fromkeys(frame["strategy"]))
    counts = np.sort(frame["labels"].dropna().unique()).astype(float)
    if len(counts) and counts[0] <= 0:
        raise UserError(f"labels must be at least 1 on a logarithmic axis, not {counts[0]:g}.")
    for i, name in enumerate(names):
        rows = frame[frame["strategy"] == name].sort_values("labels")
        look = looks.of(name, names)
        curve = rows.dropna(subset=["labels"])
        for level in rows.loc[rows["labels"].isna(), "score"]:
            # A baseline: no markers, since nothing was measured along the axis.
            ax.axhline(
                level,
                color=look["color"],
                linestyle=look["linestyle"],
                label=looks.reader_name(name),
            )
        if curve.empty:
            continue
        # Neighbouring strategies a little apart, so that their intervals do not hide each other.
        x = curve["labels"].to_numpy(float) * 1.04 ** (i - (len(names) - 1) / 2)
        error = None
        if {"low", "high"} <= set(curve.columns):
            y = curve["score"].to_numpy(float)
            error = np.abs(np.stack([y - curve["low"], curve["high"] - y]).astype(float))
        ax.errorbar(x, curve["score"], yerr=error, label=looks.reader_name(name), **look)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(ticker.FixedLocator(list(counts)))
    ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.xaxis.set_minor_locator(ticker.NullLocator())
    if len(counts):
        ax.set_xlim(counts[0] / 1.35, counts[-1] * 1.35)
    ax.set(xlabel="labelled training items (log scale)", ylabel=score)
    looks.legend_below(figure, ax, [looks.reader_name(name) for name in names])
    return figure


def by_parameter(frame: pd.DataFrame, parameter: str, value: str, line: str, ax: Axes) -> None:
    """Draw a value over a parameter of a sweep: a dot a row, a line through the means.

    ``frame`` columns: these three; ``line`` names the lines. Numbers that span more than a factor
    of 30 stand on a logarithmic axis, anything but numbers side by side.
    """
    _need(frame, [parameter, value, line])
    places = sorted(
        frame[parameter].unique(), key=lambda setting: (isinstance(setting, str), setting)
    )
    numeric = not any(isinstance(setting, str | bool) for setting in places)
    where = {setting: float(setting) if numeric else float(i) for i, setting in enumerate(places)}
    names = list(dict.fromkeys(frame[line]))
    for name in names:
        rows, look = frame[frame[line] == name], looks.of(name, names)
        means = rows.groupby(parameter)[value].mean()
        dots = look | {"linestyle": "", "alpha": 0.35, "markersize": 3}
        ax.plot(rows[parameter].map(where), rows[value], **dots)
        ax.plot(
            [where[setting] for setting in means.index],
            means,
            label=looks.reader_name(name),
            **look,
        )
    if numeric and places[0] > 0 and places[-1] > 30 * places[0]:
        ax.set_xscale("log")
    elif not numeric:
        ax.set_xticks(
            range(len(places)), [str(setting)[:24] for setting in places], rotation=20, ha="right"
        )
    ax.set_xlabel(parameter.replace("_", " "))


def confusion_matrix(matrix: npt.ArrayLike, names: Sequence[str], ax: Axes | None = None) -> Figure:
    """Draw counts by class (row) and predicted class (column); shade: share of the row.

    Every cell says its count as long as there are at most 12 classes; the diagonal is right.
    """
    counts = np.asarray(matrix)
    k = len(names)
    if counts.shape != (k, k):
        raise UserError(f"A confusion matrix of {k} names must be {k} × {k}, not {counts.shape}.")
    few = k <= 12
    side = 2.0 + 0.5 * k if few else 7.2
    figure, ax = axes(ax, (max(6.0, side + 0.4), max(4.6, side)))
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    short = [name if len(name) <= 16 else name[:15] + "…" for name in map(str, names)]
    if few:
        ax.set_xticks(range(k), short, rotation=40, ha="right", rotation_mode="anchor")
    else:
        ax.set_xticks(range(k), short, rotation=90, fontsize=7)
    ax.set_yticks(range(k), short, fontsize=None if few else 7)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set(xlabel="predicted class", ylabel="class")
    if few:
        ax.set_title("items; the darker, the larger their share of the row", fontsize=12)
        for i, j in np.ndindex(k, k):
            colour = "white" if shares[i, j] > 0.55 else "#222222"
            ax.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", color=colour, fontsize=11)
    else:
        figure.colorbar(image, ax=ax, label="share of the row", shrink=0.85)
    return figure


def forest(
    rows: Iterable[tuple[str, Interval]],
    smallest_of_interest: float = 0.0,
    quantity: str = "difference",
    ax: Axes | None = None,
) -> Figure:
    """Draw differences with their intervals, one a line, and what may be said of each.

    Verdicts by :func:`helpers.evaluation.significance.verdict`, told by word, marker and colour.
    Where ``smallest_of_interest`` is above 0, it is the shaded band, and an interval with a p-value
    is judged by :func:`helpers.evaluation.decision.decide`. ``quantity`` names the axis.
    """
    rows = list(rows)
    if not rows:
        raise UserError("figures.forest needs at least one row (name, interval).")
    long = max(len(name) for name, _ in rows) > 28  # then its name gets a line of its own
    most = max(len(_lines(name)) for name, _ in rows)
    height = (0.95 if long else 0.75) + 0.25 * (most - 1)
    figure, ax = axes(ax, (6.0, 1.0 + height * len(rows)))
    ax.axvline(0, color="#222222", linewidth=1.2)
    if smallest_of_interest > 0:
        ax.axvspan(-smallest_of_interest, smallest_of_interest, color="#EEEEEE", zorder=0)
    for y, (name, interval) in enumerate(rows):
        word = _said(interval, smallest_of_interest)
        colour, marker = _VERDICTS[word]
        if interval.defined:
            ax.plot([interval.low, interval.high], [y, y], color=colour, linewidth=2.4)
        face = colour if word in ("helps", "hurts") else "white"
        ax.plot(interval.value, y, marker, color=colour, markerfacecolor=face, markersize=10)
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "bbox": paper}
        place |= {"textcoords": "offset points", "va": "center", "fontsize": 12}
        weight = "bold" if word in ("helps", "hurts") else "normal"
        lines = _lines(name)
        up = (34 if long else 17) + 8 * (len(lines) - 1)
        ax.annotate("\n".join(lines), (0.0, y), xytext=(0, up), ha="left", **place)
        ax.annotate(f"{interval} {word}", (1.0, y), xytext=(0, 17), ha="right", color=colour,
                    fontweight=weight, **place)  # fmt: skip
    ax.set_yticks([])
    ax.set_ylim(len(rows) - 0.6, -0.9)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(ticker.MaxNLocator(5))
    ax.set_xlabel(quantity)
    return figure


def _lines(name: str) -> list[str]:
    """Return a name in lines that fit into the width of a forest plot."""
    return textwrap.wrap(name, 62) or [""]


def _said(interval: Interval, smallest: float) -> str:
    if smallest > 0 and interval.defined and interval.has_p:
        found = decide(interval, smallest).verdict
        return {"supported": "helps", "contradicted": "hurts"}.get(found, found)
    return verdict(interval, smallest)


def heatmap(
    values: npt.ArrayLike,
    rows: Sequence[float],
    columns: Sequence[float],
    row_label: str,
    column_label: str,
    value_label: str,
    ax: Axes | None = None,
    reach: float | None = None,
) -> Figure:
    """Draw a map of gains: where a value is above 0 (helps) and where it is below (hurts).

    ``values`` (rows, columns), nan where not measured. Besides the colours, a line surrounds the
    region below 0, which is hatched; small maps (at most 12 rows and 8 columns) say each value
    instead. Row 0 is at the bottom. The colours run from -``reach`` to ``reach``, by default the
    largest value of this map: give maps that are compared the same.
    """
    array = np.asarray(values, dtype=float)
    if array.shape != (len(rows), len(columns)):
        raise UserError(
            f"The map must be {len(rows)} rows × {len(columns)} columns, not {array.shape}."
        )
    if not np.isfinite(array).any():
        raise UserError("The map holds no value.")
    figure, ax = axes(ax, (6.4, 4.8))
    reach = reach or max(float(np.nanmax(np.abs(array))), 1e-12)
    norm = TwoSlopeNorm(0.0, -reach, reach)
    image = ax.imshow(array, cmap="PuOr", norm=norm, origin="lower", aspect="auto")
    ax.set_facecolor("#DDDDDD")  # where nothing was measured
    below = array < 0
    _outline(ax, below)
    k, m = array.shape
    for i, j in np.ndindex(k, m):
        if k <= 12 and m <= 8:
            known = np.isfinite(array[i, j])
            text = f"{round(float(array[i, j]), 2) + 0.0:+.2f}" if known else "–"
            colour = "white" if known and abs(array[i, j]) > 0.65 * reach else "#222222"
            ax.text(j, i, text, ha="center", va="center", fontsize=11, color=colour)
        elif below[i, j]:
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch="///",
                                   linewidth=0, edgecolor="#555555"))  # fmt: skip
    _ticks(ax.set_xticks, columns, 6)
    _ticks(ax.set_yticks, rows, 7)
    ax.grid(False)
    ax.set(xlabel=column_label, ylabel=row_label)
    figure.colorbar(image, ax=ax, label=value_label)
    return figure


def _outline(ax: Axes, inside: npt.NDArray[np.bool_]) -> None:
    """Draw the border between cells inside and outside."""
    i, j = np.nonzero(inside[:, 1:] != inside[:, :-1])
    upright = [((x + 0.5, y - 0.5), (x + 0.5, y + 0.5)) for y, x in zip(i, j, strict=True)]
    i, j = np.nonzero(inside[1:] != inside[:-1])
    flat = [((x - 0.5, y + 0.5), (x + 0.5, y + 0.5)) for y, x in zip(i, j, strict=True)]
    ax.add_collection(LineCollection(upright + flat, colors="#222222", linewidths=2))


def _ticks(set_ticks: Any, values: Sequence[float], most: int) -> None:
    places = np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int))
    set_ticks(places, [f"{values[i]:g}" for i in places])


def _need(frame: pd.DataFrame, columns: list[str]) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        has = ", ".join(map(str, frame.columns))
        raise UserError(f"The frame needs the column {missing[0]!r}; it has {has}.")
    if frame.empty:
        raise UserError("The frame has no rows to draw.")
