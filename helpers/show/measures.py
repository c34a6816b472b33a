"""Differences by several measures, side by side: do these agree which of two arms is better?"""

from collections.abc import Sequence

from matplotlib import ticker
from matplotlib.figure import Figure

from helpers import UserError
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import decide
from helpers.show import figures

_LOOKS = {"supported": ("#0072B2", ">"), "contradicted": ("#D55E00", "<")}
_OPEN = ("#555555", "o")


def side_by_side(
    rows: Sequence[tuple[str, Sequence[Interval]]], measures: Sequence[str], smallest: float
) -> Figure:
    """Draw one panel a measure and one line a comparison; blue: better, orange: worse.

    A filled triangle is a difference that decides alone
    (:func:`helpers.evaluation.decision.decide`), an empty circle one that does not.

    Args:
        rows: name of each comparison and its difference by each measure, (k,) with p-values.
        measures: names of the k measures.
        smallest: difference that matters, above 0.

    Raises:
        UserError: no comparison, or one with another number of measures.

    >>> better = Interval(0.05, 0.01, 0.09, 10, 0.95, "t over seeds", df=9)
    >>> figure = side_by_side([("a − b", [better, better])], ["accuracy", "F1"], 0.01)
    >>> [axes.get_title() for axes in figure.axes]
    ['accuracy', 'F1']
    """
    if not rows or any(len(gains) != len(measures) for _, gains in rows):
        raise UserError(
            "measures.side_by_side needs comparisons with a difference by each measure."
        )
    figures.styled()
    figure = Figure(figsize=(2.3 + 1.7 * len(measures), 0.42 * len(rows) + 1.3))
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for at, (ax, measure) in enumerate(zip(panels, measures, strict=True)):
        ax.axvline(0, color="#222222", linewidth=1.2)
        for y, (_, gains) in enumerate(rows):
            gain = gains[at]
            colour, marker = _LOOKS.get(decide(gain, smallest).verdict, _OPEN)
            ax.plot([gain.low, gain.high], [y, y], color=colour, linewidth=2)
            face = "white" if marker == "o" else colour
            ax.plot(gain.value, y, marker, color=colour, markerfacecolor=face, markersize=7)
        ax.set_title(measure, fontsize=12, loc="center")
        ax.xaxis.set_major_locator(ticker.MaxNLocator(3))
        ax.tick_params(labelsize=10)
    panels[0].set_yticks(range(len(rows)), [name for name, _ in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.supxlabel("difference (filled: decides alone)", fontsize=11)
    return figure
