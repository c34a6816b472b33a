"""Figures of trainings and of what they learn from: curves over steps, sizes of classes."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers import UserError
from helpers.show import figures, looks


def training_curves(
    curves: Mapping[str, Mapping[str, npt.ArrayLike]],
    score: str = "accuracy (share)",
    chance: float | None = None,
) -> Figure:
    """Draw loss and score over the steps of one or more trainings, side by side.

    Args:
        curves: by name, each with ``step``, ``training_loss``, ``validation_loss`` (nats) and
            ``validation_score``, as an outcome of a trial has them.
        score: names the axis of the score, with its unit.
        chance: score of a model that has learned nothing, as a grey line.
    """
    if not curves:
        raise UserError("trainings.training_curves needs at least one curve.")
    figures.styled()
    figure = Figure(figsize=(7.6, 3.9))
    losses, scores = figure.subplots(1, 2)
    for name, curve in curves.items():
        look = looks.of(name, list(curves)) | {"markersize": 6}
        losses.plot(curve["step"], curve["training_loss"], **(look | {"linestyle": ":"}))
        losses.plot(curve["step"], curve["validation_loss"], **(look | {"linestyle": "-"}))
        scores.plot(curve["step"], curve["validation_score"], label=looks.reader_name(name),
                    **(look | {"linestyle": "-"}))  # fmt: skip
    if chance is not None:
        scores.axhline(chance, color="#777777", linewidth=1.4, label="nothing learned")
    losses.set(xlabel="steps", ylabel="loss (nats)")
    losses.set_title("dotted: training, solid: validation", fontsize=12)
    scores.set(xlabel="steps", ylabel=score)
    scores.set_title("validation", fontsize=12)
    for ax in (losses, scores):
        ax.set_ylim(bottom=0)
    order = [*map(looks.reader_name, curves), "nothing learned"]
    looks.legend_below(figure, scores, order)
    return figure


def over_steps(
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    quantity: str,
    levels: Mapping[str, float] | None = None,
) -> Figure:
    """Draw one quantity over the steps of trainings, a line each.

    Args:
        curves: by name, steps (t,) and the quantity at each (t,).
        quantity: names the upright axis, with its unit and which way is better.
        levels: by name, grey lines to hold them against.

    >>> over_steps({"tuned": ([0, 10], [1.8, 1.6])}, "bits per byte").axes[0].get_xlabel()
    'steps'
    """
    if not curves:
        raise UserError("trainings.over_steps needs at least one curve.")
    figures.styled()
    figure = Figure(figsize=(6.4, 4.2))
    ax = figure.add_subplot()
    for name, (steps, values) in curves.items():
        ax.plot(steps, values, label=looks.reader_name(name), **looks.of(name, list(curves)))
    for (name, level), line in zip((levels or {}).items(), (":", "--", "-."), strict=False):
        ax.axhline(
            level, color="#777777", linewidth=1.4, linestyle=line, label=looks.reader_name(name)
        )
    ax.set(xlabel="steps", ylabel=quantity)
    looks.legend_below(
        figure, ax, [*map(looks.reader_name, curves), *map(looks.reader_name, levels or {})]
    )
    return figure


def class_sizes(sizes: npt.ArrayLike, rare: int, ax: Axes | None = None) -> Figure:
    """Draw how many texts each class has, the largest first, on a logarithmic scale.

    Classes of at most ``rare`` texts are orange.
    """
    ordered = np.sort(np.asarray(sizes))[::-1]
    figure, ax = figures.axes(ax, (6.8, 4.2))
    ax.bar(range(len(ordered)), ordered, color=np.where(ordered <= rare, "#D55E00", "#0072B2"))
    ax.set_yscale("log")
    ax.set(xlabel="classes, largest first (orange: rare)", ylabel="training texts (log scale)")
    return figure
