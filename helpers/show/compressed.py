"""Figures of networks that were made smaller: how far one may go before the score falls."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from helpers import UserError
from helpers.show import figures


def score_by_amount(
    series: Mapping[str, Sequence[tuple[float, float]]],
    whole: float,
    chance: float,
    score: str = "accuracy (share)",
) -> Figure:
    """Draw score over the amount of compression, a panel for each way of it.

    Args:
        series: name of each panel's axis, and its pairs of amount and score.
        whole: score of the network as it was, a dotted line.
        chance: score of a network that has learned nothing, a grey line.
        score: names the axis of the score, with its unit.

    Raises:
        UserError: nothing to draw.

    >>> drawn = score_by_amount({"bits": [(8, 0.9), (2, 0.5)]}, whole=0.9, chance=0.5)
    >>> [ax.get_xlabel() for ax in drawn.axes]
    ['bits']
    """
    if not series or not all(series.values()):
        raise UserError("compressed.score_by_amount needs points to draw, in every panel.")
    figures.styled()
    figure = Figure(figsize=(3.8 * len(series), 3.7))
    panels = figure.subplots(1, len(series), sharey=True, squeeze=False)[0]
    for ax, (name, points) in zip(panels, series.items(), strict=True):
        amounts, scores = zip(*points, strict=True)
        ax.axhline(whole, color="#222222", linestyle=":", label="as it was")
        ax.axhline(chance, color="#777777", linewidth=1.4, label="nothing learned")
        ax.plot(amounts, scores, "o-", color="#0072B2", markersize=6, label="made smaller")
        ax.set(xlabel=name, ylim=(0, 1))
    panels[0].set_ylabel(score)
    panels[0].legend(loc="lower left")
    return figure
