"""Figures of evidence: calibration, scores over costs, and many intervals of unlike units.

Same style and rules as :mod:`helpers.show.figures`, which also shows them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

from helpers import UserError
from helpers.evaluation.calibration import Bin
from helpers.evaluation.choice import pareto_front
from helpers.evaluation.intervals import Interval

_LOOKS = {
    "supported": ("#0072B2", ">"),
    "contradicted": ("#D55E00", "<"),
    "undecided": ("#555555", "o"),
}


def reliability(bins: Sequence[Bin], name: str = "model") -> Figure:
    """Draw the share that is right over confidence, with the number of items at each point.

    A calibrated model lies on the dotted diagonal; below it, it is too sure.

    >>> reliability([Bin(0.5, 1.0, 10, 0.8, 0.7)]).axes[0].get_xlabel()
    'confidence'
    """
    if not bins:
        raise UserError("reliability needs at least one bin with items in it.")
    figure = Figure(figsize=(5.4, 4.6))
    ax = figure.add_subplot()
    ax.plot([0, 1], [0, 1], color="#555555", linestyle=":", label="calibrated")
    ax.plot([each.confidence for each in bins], [each.accuracy for each in bins], "o-", label=name)
    for each in bins:
        ax.annotate(
            f"{each.n}",
            (each.confidence, each.accuracy),
            xytext=(7, -13),
            textcoords="offset points",
            fontsize=10,
        )
    ax.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.08), ylim=(0, 1.05))
    ax.legend(loc="upper left")
    return figure


def _over_cost(ax: Any, listed: Sequence[tuple[str, float, Interval]]) -> None:
    """Draw intervals over costs on a logarithmic axis with plain numbers on it."""
    for i, (name, spent, interval) in enumerate(listed):
        error: Any = None
        if interval.defined:
            error = [[interval.value - interval.low], [interval.high - interval.value]]
        ax.errorbar(
            spent, interval.value, yerr=error, fmt="osD^vPX*"[i % 8], color=f"C{i % 10}",
            markersize=8, label=name.replace("_", " "),
        )  # fmt: skip
    ax.set_xscale("log")
    costs = [spent for _, spent, _ in listed]
    if max(costs) < 30 * min(costs):  # else the powers of ten alone fill the axis
        ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())


def pareto(
    points: Iterable[tuple[str, float, Interval]], cost: str, score: str = "test accuracy (share)"
) -> Figure:
    """Draw each method's score, with its interval, over its cost; join those that none surpasses.

    ``points``: name, cost (above 0) and the interval of the score; up and to the left is better.

    >>> points = [("full", 2.0, Interval(0.8, 0.7, 0.9, 9, 0.95, ""))]
    >>> pareto(points, "memory, MB").axes[0].get_xlabel()
    'memory, MB'
    """
    listed = list(points)
    if not listed:
        raise UserError("pareto needs at least one method.")
    spent, scored = [x for _, x, _ in listed], [gain.value for _, _, gain in listed]
    if min(spent) <= 0:
        raise UserError("pareto needs costs above 0; leave out what costs nothing.")
    figure = Figure(figsize=(6.4, 4.4))
    ax = figure.add_subplot()
    _over_cost(ax, listed)
    on = pareto_front(spent, scored)
    front = [i for i in np.argsort(spent) if on[i]]
    x, y = ([values[i] for i in front] for values in (spent, scored))
    ax.step(x, y, where="post", color="#555555", linestyle=":", zorder=0)
    ax.margins(x=0.15, y=0.1)
    ax.set(xlabel=cost, ylabel=score)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return figure
