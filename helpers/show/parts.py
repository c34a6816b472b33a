"""Which parts of a network learn, drawn: a row a strategy, a column a place of the network."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from helpers import UserError
from helpers.show import figures

_FROZEN, _SOME, _ALL = "#EEEEEE", "#F6C89F", "#D55E00"
_LOOKS: dict[str, dict[str, Any]] = {
    "frozen": {"facecolor": _FROZEN, "edgecolor": "#888888"},
    "a part learns": {"facecolor": _SOME, "edgecolor": "#D55E00", "hatch": "////"},
    "all of it learns": {"facecolor": _ALL, "edgecolor": "#D55E00"},
}


def state(share: float) -> str:
    """Return what a place does of whose parameters this share learns, in [0, 1].

    >>> [state(share) for share in (0.0, 0.001, 1.0)]
    ['frozen', 'a part learns', 'all of it learns']
    """
    if share == 0:
        return "frozen"
    return "all of it learns" if share == 1 else "a part learns"


def who_learns(shares: Mapping[str, Sequence[float]], places: Sequence[str]) -> Figure:
    """Draw the share of the parameters that learns, by strategy and place.

    Told by colour, hatching and number: 1 of all is a full box, a part is hatched and has its
    percentage, what is frozen is empty.

    Args:
        shares: of each strategy one for each place, in [0, 1].
        places: of the network, from the bottom up.

    Raises:
        UserError: no strategy, or not one share for each place.

    >>> figure = who_learns({"full": [1, 1], "probe": [0, 1]}, ["embeddings", "head"])
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['full', 'probe']
    """
    if not shares:
        raise UserError("who_learns needs at least one strategy.")
    for name, row in shares.items():
        if len(row) != len(places):
            raise UserError(f"'{name}' has {len(row)} shares, but there are {len(places)} places.")
    figures.styled()
    figure = Figure(figsize=(7.6, 1.1 + 0.42 * len(shares)))
    ax = figure.add_subplot()
    for y, row in enumerate(shares.values()):
        for x, share in enumerate(row):
            ax.add_patch(Rectangle((x + 0.06, y + 0.1), 0.88, 0.8, **_LOOKS[state(share)]))
            if state(share) == "a part learns":
                paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
                ax.text(x + 0.5, y + 0.5, f"{share:.1%}", ha="center", va="center", fontsize=10,
                        bbox=paper)  # fmt: skip
    ax.set(xlim=(0, len(places)), ylim=(len(shares), 0))
    ax.set_xticks([x + 0.5 for x in range(len(places))], places)
    ax.set_yticks([y + 0.5 for y in range(len(shares))], [*shares])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.grid(visible=False)
    boxes = [Patch(label=name, **look) for name, look in _LOOKS.items()]
    figure.legend(handles=boxes, loc="upper center", ncols=3, bbox_to_anchor=(0.5, 0.0))
    return figure


def in_words(shares: Mapping[str, Sequence[float]], places: Sequence[str]) -> str:
    """Return the same as alternative text.

    >>> in_words({"full": [1, 1], "lora": [0.0, 0.01]}, ["embeddings", "head"])
    'full: embeddings, head; lora: a part of head'
    """
    lines = []
    for name, row in shares.items():
        learned = [
            place if state(share) == "all of it learns" else f"a part of {place}"
            for place, share in zip(places, row, strict=True)
            if share
        ]
        lines.append(f"{name}: {', '.join(learned) or 'nothing'}")
    return "; ".join(lines)
