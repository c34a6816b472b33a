"""What the rows of a labelled file are used for: to compare, to judge, to hand over."""

from helpers.show.drawings.canvas import Canvas, Drawing

_LEFT, _WIDTH, _SHARE = 30, 68, 0.7
"""Where the bars begin, how long they are, and the part of them that chooses."""


def three_uses() -> Drawing:
    """Return the drawing of the three uses of labelled rows, one below the other.

    >>> three_uses().alt[:37]
    'Three uses of the same labelled rows.'
    """
    canvas = Canvas(70)
    choosing = _SHARE * _WIDTH
    canvas.bracket(_LEFT, _LEFT + choosing - 1, 8, "may choose", below=False)
    canvas.bracket(_LEFT + choosing, _LEFT + _WIDTH, 8, "choose nothing", below=False)
    _compare(canvas, 12, choosing)
    _judge(canvas, 31, choosing)
    canvas.text(2, 50, "3 Hand over", bold=True, align="left")
    canvas.box(_LEFT, 45, _WIDTH, 9, "the same recipe learns from every row", "trained", size=11)
    canvas.key(2, 64, {"trained": "learns", "data": "is answered"}, width=30)
    return canvas.drawing(
        "Three uses of the same labelled rows. Compare: the rows that may choose are cut into five "
        "parts, and each part is answered by candidates that learned from the other four. Judge: "
        "the candidate that was taken learns from all of these rows and answers the rows that "
        "choose nothing. Hand over: the same recipe learns from every row."
    )


def _compare(canvas: Canvas, y: float, choosing: float) -> None:
    canvas.text(2, y + 5, "1 Compare", bold=True, align="left")
    width = (choosing - 1) / 5 - 1
    kinds = ["trained", "trained", "trained", "data", "trained"]
    canvas.tokens(_LEFT, y, ["", "", "", "", ""], width=width, height=9, kinds=kinds)
    canvas.text(_LEFT + choosing / 2, y + 12, "five times, each part once", size=11)


def _judge(canvas: Canvas, y: float, choosing: float) -> None:
    canvas.text(2, y + 5, "2 Judge", bold=True, align="left")
    learned = canvas.box(_LEFT, y, choosing - 1, 9, "the one taken learns", "trained", size=11)
    canvas.box(learned.x + choosing, y, _WIDTH - choosing, 9, "is answered", "data", size=11)
