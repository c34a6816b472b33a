"""One look a strategy, in all figures of all notebooks; legends and names as a reader sees them."""

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_MARKERS = "osD^vPX*"
_LINES: list[Any] = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3))]
# The same strategy looks the same in every notebook: its place in this list is its look.
_STRATEGIES = ["full", "tfidf", "linear_probe", "from_scratch", "lora", "gradual_unfreezing"]
# Arms of trials; static embeddings and LoRA stand in no figure together.
_ALIASES = {"fine_tuned": "full", "frozen": "linear_probe", "static": "lora"}


def of(name: str, names: list[str]) -> dict[str, Any]:
    """Return colour, marker and line of a strategy, the same in every notebook."""
    names = [_ALIASES.get(name, name) for name in names]
    name = _ALIASES.get(name, name)
    unknown = [n for n in names if n not in _STRATEGIES]
    i = _STRATEGIES.index(name) if name in _STRATEGIES else len(_STRATEGIES) + unknown.index(name)
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    return {"color": colours[i % len(colours)], "marker": _MARKERS[i % len(_MARKERS)],
            "linestyle": _LINES[i % len(_LINES)]}  # fmt: skip


def legend_below(figure: Figure, ax: Axes, order: list[str]) -> None:
    """Put the legend of axes below the figure, in an order; none for a single line."""
    found = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    labels = [label for label in order if label in found]
    handles = [found[label] for label in labels]
    if len(labels) > 1:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, handlelength=3.2)


def reader_name(name: Any) -> str:
    """Return the name of a strategy as a reader sees it."""
    return "TF-IDF" if name == "tfidf" else str(name).replace("_", " ")
