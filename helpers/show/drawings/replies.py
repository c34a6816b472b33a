"""How replies are looked up, drawn: one encoder for both sides, and a batch's own wrong replies."""

from collections.abc import Sequence

import numpy as np

from helpers import UserError
from helpers.show.drawings.boxes import QUIET
from helpers.show.drawings.canvas import Canvas, Drawing

PAIRS = (
    ("Have you been there?", "Yes, last summer."),
    ("I lost my keys.", "Oh no! Where?"),
    ("Good night!", "Sleep well."),
)


def in_batch_negatives(pairs: Sequence[tuple[str, str]] = PAIRS) -> Drawing:
    """Draw contexts and replies of a batch, the encoder of both, and who is whose candidate.

    Args:
        pairs: two to four contexts with their replies, of at most 20 characters each.

    Raises:
        UserError: fewer or more pairs.

    >>> in_batch_negatives().alt[:39]
    'One encoder makes vectors of 3 contexts'
    """
    n = len(pairs)
    if not 2 <= n <= 4:
        raise UserError(f"The drawing holds 2 to 4 pairs, not {n}.")
    cell, top = 9, 9
    middle = top + n * cell / 2
    canvas = Canvas(top + n * cell + 23)
    canvas.text(16, 4, "contexts", bold=True)
    canvas.text(86, 4, "replies", bold=True)
    encoder = [
        canvas.box(32.5, middle - 8, 4, 16, kind="trained"),
        canvas.box(65.5, middle - 8, 4, 16, kind="trained"),
    ]
    names = [f"q{i + 1}" for i in range(n)], [f"r{i + 1}" for i in range(n)]
    for i, (context, reply) in enumerate(pairs):
        y = top + i * cell
        asked = canvas.box(1, y + 0.8, 28, cell - 1.6, context, kind="data", size=10)
        answered = canvas.box(73, y + 0.8, 26, cell - 1.6, reply, kind="data", size=10)
        canvas.arrow(asked.right, (encoder[0].x, middle + (i - (n - 1) / 2) * 4))
        canvas.arrow(answered.left, (encoder[1].x + 4, middle + (i - (n - 1) / 2) * 4))
    small = 20 / n
    left, high = 53 - n * small / 2, middle - n * small / 2
    canvas.grid(left, high, np.eye(n, dtype=bool), cell=small, rows=names[0], columns=names[1])
    under = top + n * cell + 3
    canvas.text(51, under, "the same encoder on both sides", size=11, colour=QUIET)
    canvas.caption(
        "Each cell is the cosine of a context and a reply. The dots are the right pairs; the other "
        "replies of a row are the wrong candidates, and cost nothing more."
    )
    return canvas.drawing(
        f"One encoder makes vectors of {n} contexts and of their {n} replies; in a table of all "
        f"{n * n} cosines the right pairs stand on the diagonal, and the other {n - 1} replies of "
        "a row are its wrong candidates."
    )
