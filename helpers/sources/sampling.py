"""Rows chosen at random: stratified cuts into splits, and nested draws of labelled items."""

from collections.abc import Sequence

import datasets
import numpy as np
from numpy.typing import NDArray

from helpers import UserError


def stratified(
    labels: Sequence[str], rows: NDArray, fractions: Sequence[float], seed: int
) -> list[NDArray]:
    """Cut rows into parts of the given fractions and the rest, each with the classes' shares.

    Rows are shuffled within their class and the classes are then dealt out evenly, so a part of
    fraction f gets f·n_c rows of class c, give or take one. A class always keeps a row in the
    rest, and every part gets at least one row where there are enough.

    :returns: ``len(fractions) + 1`` sorted arrays of row numbers.

    >>> stratified(list("aaaaabbbbb"), np.arange(10), [0.2], seed=0)[0].size
    2
    """
    generator = np.random.default_rng(seed)
    names = np.array([labels[row] for row in rows])
    position = np.empty(len(rows))
    for name in sorted(set(names)):
        members = np.flatnonzero(names == name)
        dealt = generator.permutation(len(members)) + generator.random()
        position[members] = dealt / len(members)
    order = np.argsort(position, kind="stable")
    sizes = [max(1, round(fraction * len(rows))) for fraction in fractions]
    part = np.full(len(rows), len(fractions))
    for number, first in enumerate(np.cumsum([0, *sizes[:-1]])):
        part[order[first : first + sizes[number]]] = number
    for name in sorted(set(names)):
        members = np.flatnonzero(names == name)
        if not (part[members] == len(fractions)).any():
            part[members[-1]] = len(fractions)
    return [np.sort(rows[part == number]) for number in range(len(fractions) + 1)]


def draw(dataset: datasets.Dataset, n: int, seed: int) -> datasets.Dataset:
    """Return n labelled items: one of each class first, then the rest at random.

    All draws of one seed are the beginnings of one order, so the draw of 16 is contained in the
    draw of 64: what grows between them is only the number of labels. Beyond the first item of
    each class, items come in random order, hence in the classes' shares on average. With fewer
    items than classes, n different classes are drawn.

    :raises UserError: n below 1 or above the number of items, or no labels.

    >>> data = datasets.Dataset.from_dict({"text": list("abcdef"), "label": [0, 0, 0, 0, 0, 1]})
    >>> sorted(set(draw(data, 2, seed=7)["label"]))
    [0, 1]
    """
    if "label" not in dataset.column_names:
        raise UserError("A draw needs labelled items, but these texts have no labels.")
    if not 1 <= n <= len(dataset):
        raise UserError(
            f"{n} labelled items were asked for, but the split has {len(dataset)}: ask for 1 to "
            f"{len(dataset)}."
        )
    order = np.random.default_rng(seed).permutation(len(dataset))
    labels = np.asarray(dataset["label"][:])[order]
    first = np.sort(np.unique(labels, return_index=True)[1])
    order = np.concatenate([order[first], np.delete(order, first)])
    return dataset.select(order[:n].tolist())


def by_date(n: int) -> list[str]:
    """Return the splits of n items in the order of their dates: past for train, latest for test.

    >>> by_date(10)[-3:]
    ['train', 'validation', 'test']
    """
    tenth = n // 10
    return ["train"] * (n - 2 * tenth) + ["validation"] * tenth + ["test"] * tenth


def draw_unlabelled(
    dataset: datasets.Dataset, n: int, seed: int, *, whose: str, what: str
) -> datasets.Dataset:
    """Return n items at random; the draws of one seed are the beginnings of one order.

    ``whose`` and ``what`` name the items in the refusal: whose they are, what one of them is.

    :raises UserError: n below 1 or above the number of items.

    >>> data = datasets.Dataset.from_dict({"text": list("abcdef")})
    >>> few, more = (draw_unlabelled(data, n, 7, whose="It", what="texts")["text"] for n in (2, 4))
    >>> few[:] == more[:2]
    True
    """
    if not 1 <= n <= len(dataset):
        raise UserError(f"{whose} has {len(dataset)} {what}; {n} cannot be drawn.")
    return dataset.select(np.random.default_rng(seed).permutation(len(dataset))[:n])
