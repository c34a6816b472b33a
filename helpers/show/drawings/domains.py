"""Drawings of more than one domain: what adaptation may see, a shared body, an episode."""

from helpers.show.drawings.canvas import Canvas, Drawing


def two_domains() -> Drawing:
    """Draw what is seen of a source and a target, and what of it each loss is made of.

    >>> two_domains().alt
    'Labels of the source make L_s. Of the target few labels, or its texts alone, make L_t.'
    """
    canvas = Canvas(70)
    canvas.text(17, 4, "source 源域", bold=True)
    canvas.text(83, 4, "target 目标域", bold=True)
    ours = canvas.box(3, 9, 28, 11, "texts with labels", kind="data")
    few = canvas.box(69, 9, 28, 11, "few texts\nwith labels", kind="data")
    silent = canvas.box(69, 25, 28, 11, "many texts\nwithout labels", kind="ignored")
    body = canvas.box(36, 14, 28, 14, "encoder\nand head", kind="trained", bold=True)
    for given in (ours, few, silent):
        canvas.arrow(given, body)
    first = canvas.box(8, 42, 32, 10, "L_s: labels of\nthe source", kind="plain")
    second = canvas.box(60, 42, 32, 10, "L_t: labels of the target,\nor no labels", size=11)
    canvas.arrow(body.bottom, first.top)
    canvas.arrow(body.bottom, second.top)
    canvas.text(50, 47, "+ λ ·", bold=True)
    canvas.caption(
        "The target's unlabelled texts (hatched) have no classes to learn from: they can only say "
        "where the target lies."
    )
    return canvas.drawing(
        "Labels of the source make L_s. Of the target few labels, or its texts alone, make L_t."
    )


def shared_body() -> Drawing:
    """Draw multi-task learning: one body, a head for each task.

    >>> shared_body().alt
    'Texts of three tasks go through one body; each task has a head of its own.'
    """
    canvas = Canvas(58)
    body = canvas.box(
        14, 27, 72, 10, "one body 共享参数: all tasks move it", kind="trained", bold=True
    )
    for x, name in ((4, "task 1"), (37, "task 2"), (70, "task 3")):
        texts = canvas.box(x, 42, 26, 7, f"texts of {name}", kind="data", size=11)
        head = canvas.box(x, 13, 26, 7, f"head of {name}", kind="new", size=11)
        canvas.arrow(texts.top, (texts.centre[0], body.y + body.height))
        canvas.arrow((head.centre[0], body.y), head.bottom)
        canvas.text(head.centre[0], 6, f"L_{name[-1]}")
    canvas.caption("The body is moved by the sum of all losses; a head by the loss of its task.")
    return canvas.drawing(
        "Texts of three tasks go through one body; each task has a head of its own."
    )


def practice_and_test() -> Drawing:
    """Draw meta-learning: small tasks to practise on, and small tasks of other classes.

    >>> practice_and_test().alt
    'Practice on small tasks of some classes gives a start for small tasks of other classes.'
    """
    canvas = Canvas(56)
    canvas.text(24, 4, "practice: rec, comp, …", bold=True)
    canvas.text(79, 4, "test: sci, …", bold=True)
    for i, y in enumerate((9, 20, 31)):
        canvas.box(3, y, 22, 8, f"task {i + 1}\nfew labels", kind="data", size=10)
        canvas.box(26, y, 20, 8, "other texts\nof it", kind="data", size=10)
    start = canvas.box(53, 17, 14, 14, "a start", kind="trained", bold=True)
    canvas.arrow((46, 24), start.left)
    few = canvas.box(74, 9, 23, 9, "unseen task\nfew labels", kind="new", size=10)
    rest = canvas.box(74, 30, 23, 9, "its other texts:\nscored", kind="plain", size=10)
    canvas.arrow(start, few)
    canvas.arrow(few, rest)
    canvas.caption(
        "No class of the test, and no class of its field, was practised on. One small task is an "
        "episode."
    )
    return canvas.drawing(
        "Practice on small tasks of some classes gives a start for small tasks of other classes."
    )
