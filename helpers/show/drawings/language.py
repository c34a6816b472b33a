"""Drawings of language models: what each position is asked for, and what a step of each arm reads.

>>> from helpers.show.drawings.canvas import spills
>>> [spills(drawing().figure) for drawing in (shifted_labels, steps_of_arms)]
[[], []]
"""

from helpers.show.drawings.canvas import Canvas, Drawing


def shifted_labels() -> Drawing:
    """Draw two texts in one batch: tokens, padding, and the token that each position predicts."""
    canvas = Canvas(62)
    texts = (["▮", "Oil", "rose", ".", "▮", "pad"], ["▮", "The", "talks", "failed", ".", "▮"])
    for number, words in enumerate(texts):
        y = 8 + 25 * number
        kinds = ["ignored" if word == "pad" else "data" for word in words]
        canvas.text(2, y + 3.5, "sees", align="left")
        seen = canvas.tokens(20, y, words, kinds=kinds)
        asked = [*words[1:], "–"]
        ends = [word in ("pad", "–") for word in asked]
        canvas.text(2, y + 16.5, "predicts", align="left")
        kinds = ["ignored" if end else "new" for end in ends]
        shown = ["–" if end else word for end, word in zip(ends, asked, strict=True)]
        wanted = canvas.tokens(20, y + 13, shown, kinds=kinds)
        for above, below, end in zip(seen, wanted, ends, strict=True):
            if not end:
                canvas.arrow(above, below)
    canvas.caption("▮ stands before and after every text. What is hatched counts in no loss.")
    return canvas.drawing(
        "Two texts in a batch. Under each token stands the next one, which the model must predict; "
        "padding behind the shorter text is hatched and counts in no loss."
    )


def steps_of_arms() -> Drawing:
    """Draw for each arm from which documents the tokens of a step come, and which weights move."""
    canvas = Canvas(66)
    canvas.text(52, 3, "tokens of a step", bold=True)
    canvas.text(86, 3, "weights moved", bold=True)
    rows = [
        ("source continued (λ = 0)", ["source"], "all"),
        ("joint (0 < λ < ∞)", ["source", "target"], "all"),
        ("fine-tuned (λ = ∞)", ["target"], "all"),
        ("two phases: preliminary", ["target"], "last layer"),
        ("two phases: refined", ["target"], "all"),
        ("from scratch", ["target"], "all, from random"),
    ]
    for number, (name, kinds, moved) in enumerate(rows):
        y = 6.5 + 8.5 * number
        canvas.text(1, y + 3, name, align="left", size=11)
        width = 32 / len(kinds)
        for i, kind in enumerate(kinds):
            look = "data" if kind == "source" else "new"
            canvas.box(36 + i * width, y, width, 6, kind, look, size=11)
        look = "frozen" if moved == "last layer" else "trained"
        canvas.box(73, y, 26, 6, moved, look, size=11)
    canvas.caption(
        "Equal steps are equal cost. A preliminary step is cheaper, so that phase gets more "
        "steps for its half."
    )
    return canvas.drawing(
        "For each way of training, which documents the tokens of a step come from and which "
        "weights move: going on with the source reads source documents, joint training half of "
        "each, all others the target; in the first of two phases the last layer alone moves."
    )
