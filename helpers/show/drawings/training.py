"""Drawings of what is trained on what: source, target, pretraining and fine-tuning."""

from helpers.show.drawings.canvas import Canvas, Drawing


def three_ways() -> Drawing:
    """Draw the three trainings that notebook 02 compares, all tested on new target items.

    >>> three_ways().alt
    'Animals are used by source only and by joint training, plants by ... on new plants.'
    """
    canvas = Canvas(62)
    animals = canvas.box(2, 8, 24, 11, "animals\n源任务 source", kind="data")
    plants = canvas.box(2, 33, 24, 11, "plants\n目标任务 target", kind="data")
    ways = [
        canvas.box(38, y, 29, 11, text, kind="trained")
        for y, text in [
            (2, "source only\nλ = 0"),
            (20.5, "joint\nL_s + λ L_t"),
            (39, "target only\nλ = ∞"),
        ]
    ]
    test = canvas.box(79, 20.5, 19, 11, "test on\nnew plants", kind="plain")
    for given, way in [(animals, 0), (animals, 1), (plants, 1), (plants, 2)]:
        canvas.arrow(given.right, ways[way].left)
    for each in ways:
        canvas.arrow(each.right, test.left)
    canvas.caption(
        "Orange: weights that are trained. What transfer gives is a difference at the right."
    )
    return canvas.drawing(
        "Animals are used by source only and by joint training, plants by joint training and by "
        "target only; all three are tested on new plants."
    )


def two_towers() -> Drawing:
    """Draw pretraining and fine-tuning: the same body twice, its weights copied, a new head.

    >>> "copied" in two_towers().alt
    True
    """
    canvas = Canvas(74)
    canvas.text(24, 4, "pretraining 预训练", bold=True)
    canvas.text(76, 4, "fine-tuning 微调", bold=True)
    first = canvas.box(8, 33, 32, 14, "body\nmany layers", kind="trained", bold=True)
    second = canvas.box(60, 33, 32, 14, "body\nthe same layers", kind="trained", bold=True)
    for body, text, head, kind, task in [
        (first, "much text,\nno labels", "word head", "trained", "the next word,\nor a hidden one"),
        (second, "few texts\nwith labels", "new head", "new", "the class of a text"),
    ]:
        given = canvas.box(body.x, 54, 32, 10, text, kind="data")
        top = canvas.box(body.x + 4, 21, 24, 7, head, kind=kind)
        canvas.arrow(given, body)
        canvas.arrow(body, top)
        wanted = canvas.text(body.centre[0], 13, task, size=11)
        wanted.set_color("#222222")
        canvas.arrow(top, (body.centre[0], 16.5))
    canvas.arrow(first, second, "weights\ncopied")
    canvas.caption("Orange, thick line: trained. Green, thickest line: new, from random weights.")
    return canvas.drawing(
        "Two towers. Left, pretraining: much text without labels goes through a body of many "
        "layers and a word head that predicts words. Its weights are copied to the right tower, "
        "fine-tuning: few labelled texts, the same body, and a new head that predicts a class."
    )
