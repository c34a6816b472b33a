"""Drawings of where a head sits: what is put onto a pretrained body for a task."""

from helpers.show.drawings.canvas import Canvas, Drawing


def classification() -> Drawing:
    """Draw an encoder with a classification head: token vectors, their mean, one linear layer.

    >>> "mean" in classification().alt
    True
    """
    canvas = Canvas(66)
    words = ["oil", "prices", "rose"]
    tokens = canvas.tokens(4, 48, words, width=16, gap=3)
    body = canvas.box(2, 33, 58, 9, "pretrained encoder", kind="trained", bold=True)
    vectors = canvas.tokens(4, 19, ["h₁", "h₂", "h₃"], width=16, gap=3, kinds="plain")
    for token, vector in zip(tokens, vectors, strict=True):
        canvas.arrow(token.top, (token.centre[0], body.y + body.height))
        canvas.arrow((vector.centre[0], body.y), vector.bottom)
    mean = canvas.box(23, 5, 16, 7, "mean")
    for vector in vectors:
        canvas.arrow(vector.top, mean.bottom)
    head = canvas.box(50, 4, 18, 9, "head", kind="new", bold=True)
    canvas.arrow(mean, head)
    classes = canvas.box(80, 2, 18, 13, "one logit\na class")
    canvas.arrow(head, classes)
    canvas.text(64, 22.5, "one vector a token, (t, d)", size=10, colour="#555555", align="left")
    canvas.caption("The head is new and small; everything below it was pretrained.")
    return canvas.drawing(
        "Tokens go through a pretrained encoder, which gives a vector for each; their mean goes "
        "into a new linear head, which gives one logit a class."
    )
