"""Drawings of how texts become rows of tokens: padding, and what is predicted at each place."""

from helpers.show.drawings.canvas import Canvas, Drawing


def padding_and_shift() -> Drawing:
    """Draw two rows of a batch, padded, with the token that each place is asked for.

    >>> "padding" in padding_and_shift().alt
    True
    """
    canvas = Canvas(76)
    rows = [["oil", "prices", "rose", "again", "end"], ["gold", "fell", "end", "pad", "pad"]]
    for i, words in enumerate(rows):
        y = 8 + 31 * i
        kinds = ["ignored" if word == "pad" else "data" for word in words]
        canvas.text(2, y + 3.5, "given", align="left")
        given = canvas.tokens(18, y, words, width=14.5, kinds=kinds)
        canvas.text(2, y + 17.5, "asked for", align="left")
        wanted = [*words[1:], "–"]
        kinds = ["ignored" if word in ("pad", "–") else "new" for word in wanted]
        shown = ["–" if word == "pad" else word for word in wanted]
        asked = canvas.tokens(18, y + 14, shown, width=14.5, kinds=kinds)
        for above, below in zip(given, asked, strict=True):
            canvas.arrow(above, below)
    canvas.caption(
        "Each place is asked for the token after it: the labels are the tokens themselves, shifted "
        "by one, which the library does. Hatched places add nothing to the loss."
    )
    return canvas.drawing(
        "Two rows of tokens, one filled up with padding. Below each token stands the one that "
        "follows it, which is asked for; places without one and padding are left out of the loss."
    )
