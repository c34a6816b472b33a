"""A pair of sentences as one row of a causal model: what it reads, and what it is asked for."""

from helpers.show.drawings.canvas import Canvas, Drawing


def prompt_and_target() -> Drawing:
    """Draw the row of a pair, and below it the tokens that the model is asked for."""
    canvas = Canvas(46)
    read = ["end", "Open", "file", "line\nbreak"]
    asked = ["打", "开", "文", "件", "end"]
    width, gap = 9.6, 1.0
    kinds = ["data"] * len(read) + ["trained"] * len(asked)
    row = canvas.tokens(3, 9, [*read, *asked], width, 8, kinds, gap, size=10)
    canvas.text(3, 4, "one row", bold=True, align="left")
    labels = ["no loss"] * (len(read) - 1) + asked + [""]
    quiet = ["ignored"] * (len(read) - 1) + ["new"] * len(asked)
    below = canvas.tokens(3, 25, labels[:-1], width, 8, quiet, gap, size=10)
    for seen, wanted in zip(row[3:-1], below[3:], strict=True):
        canvas.arrow(seen.bottom, wanted.top)
    canvas.bracket(row[0].x, row[3].x + width, 19.5, "the prompt: read")
    canvas.caption(
        "Each place is asked for the token that comes next. Places before the line break are asked "
        "for nothing; the last one has nothing after it."
    )
    return canvas.drawing(
        "A row of tokens: end, Open, file, line break, then four Chinese characters and end. The "
        "line break and each character are asked for the token after them; the places before the "
        "line break carry no loss."
    )
