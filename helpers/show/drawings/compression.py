"""Three ways to a smaller network: fewer bits a weight, fewer weights, a smaller network."""

import numpy as np

from helpers.show.drawings.canvas import Canvas, Drawing

_KEPT = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1]], dtype=bool)


def three_ways() -> Drawing:
    """Return the drawing of quantization, pruning and distillation, one below the other.

    >>> three_ways().alt[:34]
    'Three ways to a smaller network. Q'
    """
    canvas = Canvas(104)
    _quantization(canvas, 4)
    _pruning(canvas, 34)
    _distillation(canvas, 64)
    return canvas.drawing(
        "Three ways to a smaller network. Quantization: the weights 0.31, -0.84 and 0.05 become "
        "the whole numbers 47, -127 and 8 and one step for the row. Pruning: of twelve weights the "
        "five largest are left, and a map says where they stand. Distillation: a text goes "
        "through a frozen teacher of six layers and a student of three that is trained; the "
        "student learns from the teacher's probabilities and from the label."
    )


def _quantization(canvas: Canvas, y: float) -> None:
    canvas.text(2, y, "Quantization: fewer bits a weight", bold=True, align="left")
    floats = canvas.tokens(2, y + 6, ["0.31", "-0.84", "0.05"], width=11, kinds="trained")
    whole = canvas.tokens(56, y + 6, ["47", "-127", "8"], width=9, kinds="new")
    canvas.arrow(floats[-1], whole[0], "w / step")
    canvas.tokens(88, y + 6, ["step"], width=10, kinds="plain")
    canvas.text(20, y + 18, "32 bits each", size=11)
    canvas.text(70, y + 18, "8 bits each, one step a row", size=11)


def _pruning(canvas: Canvas, y: float) -> None:
    canvas.text(2, y, "Pruning: fewer weights", bold=True, align="left")
    full = canvas.grid(6, y + 5, np.ones_like(_KEPT))
    part = canvas.grid(56, y + 5, _KEPT)
    canvas.arrow(full, part, "smallest to 0")
    canvas.text(88, y + 14, "a bit each\nsays where", size=11)


def _distillation(canvas: Canvas, y: float) -> None:
    canvas.text(2, y, "Distillation: a smaller network", bold=True, align="left")
    text = canvas.box(2, y + 12, 13, 9, "text", kind="data")
    teacher = canvas.box(29, y + 5, 27, 9, "teacher, 6 layers", kind="frozen", size=11)
    student = canvas.box(29, y + 20, 27, 9, "student, 3 layers", kind="trained", size=11)
    soft = canvas.box(68, y + 5, 30, 9, "its probabilities", kind="data", size=11)
    loss = canvas.box(68, y + 20, 30, 9, "loss; label, if any", kind="plain", size=11)
    canvas.arrow(text, teacher)
    canvas.arrow(text, student)
    canvas.arrow(teacher, soft)
    canvas.arrow(student, loss)
    canvas.arrow(soft, loss)
    canvas.key(2, y + 36, {"frozen": "stays as it is", "trained": "learns", "new": "new"}, width=30)
