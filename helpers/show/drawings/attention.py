"""Drawings of a transformer: who may look at whom, and what one block does."""

import itertools

import numpy as np

from helpers.show.drawings.boxes import Box
from helpers.show.drawings.canvas import Canvas, Drawing

_WORDS = ["oil", "prices", "rose", "again"]


def masks() -> Drawing:
    """Draw the attention masks of GPT-2 (causal) and BERT (full), side by side.

    >>> masks().alt.split(":")[0]
    'Two attention masks over four tokens'
    """
    canvas = Canvas(60)
    n = len(_WORDS)
    canvas.text(30, 4, "causal (GPT-2)", bold=True)
    canvas.text(80, 4, "full (BERT)", bold=True)
    for x, mask in [(16, np.tri(n)), (66, np.ones((n, n)))]:
        canvas.grid(x, 16, mask, cell=7.5, rows=_WORDS)
        for j, word in enumerate(_WORDS):
            canvas.text(x + 7.5 * (j + 0.5), 13.5, word, size=9)
    canvas.text(30, 8.5, "may look at …", size=10, colour="#555555")
    canvas.text(80, 8.5, "may look at …", size=10, colour="#555555")
    canvas.caption(
        "Each row is a token, a dot a token that it may look at. Left, no token sees what comes "
        "after it, so it can be trained to predict the next one. Right, all see all."
    )
    return canvas.drawing(
        "Two attention masks over four tokens: in the causal one a token looks at itself and at "
        "those before it (a triangle), in the full one at all four (a square)."
    )


def block() -> Drawing:
    """Draw one transformer block with its two branches added to the stream (pre-norm, as GPT-2).

    >>> "added" in block().alt
    True
    """
    canvas = Canvas(50)
    given = canvas.box(1, 20, 13, 10, "x\n(t, d)", kind="data")
    canvas.text(50, 4, "one block of GPT-2; L of them follow one another", size=11)
    parts = [
        (19, 10, "norm"), (32, 16, "attention"), (57, 10, "norm"), (70, 14, "two-layer\nnetwork")
    ]  # fmt: skip
    boxes = [canvas.box(x, 20, w, 10, text, kind="trained", size=10) for x, w, text in parts]
    plus = [canvas.box(50.5, 22.5, 4.5, 5, "+"), canvas.box(86.5, 22.5, 4.5, 5, "+")]
    chain: list[Box | tuple[float, float]] = [
        given,
        boxes[0],
        boxes[1],
        plus[0],
        boxes[2],
        boxes[3],
        plus[1],
        (97.5, 25.0),
    ]
    for a, b in itertools.pairwise(chain):
        canvas.arrow(a, b)
    for start, end in [(16.5, plus[0]), (56.0, plus[1])]:  # around the branch
        canvas.line([(start, 25), (start, 12), (end.centre[0], 12)])
        canvas.arrow((end.centre[0], 12.0), end.top)
    canvas.text(40, 34, "tokens look at\ntokens before", size=10, colour="#555555")
    canvas.text(77, 34, "each token\nfor itself", size=10, colour="#555555")
    canvas.text(
        34, 9.7, "x goes on unchanged, the branch is added to it", size=10, colour="#555555"
    )
    canvas.caption("t tokens, d numbers a token. Orange: has weights that are trained.")
    return canvas.drawing(
        "A transformer block, left to right: a norm and attention, whose result is added to the "
        "unchanged input, then a norm and a two-layer network, added likewise."
    )
