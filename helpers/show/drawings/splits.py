"""Drawings of how labelled texts are divided, and what each part may be used for."""

from helpers.show.drawings.canvas import Canvas, Drawing


def three_parts() -> Drawing:
    """Draw training, validation and test split, with what each is for.

    >>> "once" in three_parts().alt
    True
    """
    canvas = Canvas(52)
    parts = [
        (2, 46, "training 训练集", "weights are\nlearned on it", "trained"),
        (51, 19, "validation\n验证集", "settings are\nchosen on it", "data"),
        (73, 25, "test 测试集", "scored once,\nat the end", "plain"),
    ]
    for x, width, name, use, kind in parts:
        part = canvas.box(x, 4, width, 12, name, kind=kind, bold=True, size=11)
        purpose = canvas.box(part.centre[0] - 10.5, 25, 21, 10, use, size=10)
        canvas.arrow(part.bottom, purpose.top)
    canvas.caption(
        "Near twins between the parts are removed: a text that was trained on would be recognized, "
        "not understood."
    )
    return canvas.drawing(
        "Labelled texts in three parts: on the training split weights are learned, on the "
        "validation split settings are chosen, and the test split is scored once, at the end."
    )
