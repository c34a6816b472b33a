"""Small parts in a frozen network: LoRA beside a matrix, an adapter behind a layer."""

from helpers.show.drawings.canvas import Canvas, Drawing


def small_parts() -> Drawing:
    """Draw how LoRA and an adapter are put into a network, and which of their matrices start at 0.

    >>> small_parts().alt[:45]
    'Left, LoRA: the input goes through the frozen'
    """
    canvas = Canvas(74)
    _low_rank(canvas)
    _adapter(canvas)
    canvas.key(20, 63, {"frozen": "frozen", "new": "new, learns"}, width=30)
    canvas.caption(
        "What is 0 at first adds nothing: before training both say what the frozen network says."
    )
    return canvas.drawing(
        "Left, LoRA: the input goes through the frozen matrix W and, beside it, through the small "
        "matrices A and B, whose result is added; B starts at zero. Right, an adapter: behind a "
        "frozen layer two small matrices, down and up, with a way around them; up starts at zero."
    )


def _low_rank(canvas: Canvas) -> None:
    canvas.text(24, 3, "LoRA", bold=True)
    given = canvas.box(13, 51, 22, 7, "x", kind="data")
    matrix = canvas.box(2, 22, 19, 22, "W", kind="frozen", size=14)
    down = canvas.box(27, 37, 19, 7, "A: d to r", kind="new")
    up = canvas.box(27, 21, 19, 11, "B: r to d\n0 at first", kind="new")
    canvas.box(8, 8, 32, 7, "Wx + (α/r) BAx")
    canvas.arrow(given.top, matrix.bottom)
    canvas.arrow(given.top, down.bottom)
    canvas.arrow(down.top, up.bottom)
    canvas.arrow(matrix.top, (15, 15))
    canvas.arrow(up.top, (33, 15))


def _adapter(canvas: Canvas) -> None:
    canvas.text(76, 3, "adapter", bold=True)
    layer = canvas.box(58, 51, 36, 7, "layer of the encoder", kind="frozen")
    down = canvas.box(55, 40, 26, 7, "down: d to m", kind="new")
    bend = canvas.box(60, 31, 16, 6, "gelu")
    up = canvas.box(55, 18, 26, 10, "up: m to d\n0 at first", kind="new")
    added = canvas.box(58, 8, 36, 7, "h + up(gelu(down h))")
    canvas.arrow((68, layer.y), down.bottom, "h")
    canvas.arrow(down.top, bend.bottom)
    canvas.arrow(bend.top, up.bottom)
    canvas.arrow(up.top, (68, added.y + added.height))
    canvas.arrow((88, layer.y), (88, added.y + added.height))
    canvas.text(90, 33, "around", size=11, rotation=90)
