"""Rows chosen at random: stratified cuts into splits, and nested draws of labelled items."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from helpers import UserError

if TYPE_CHECKING:  # a machine that only runs trials has no datasets
    import datasets

DRAWS = 10
"""So many draws of labels share no item, where the corpus allows; the next ten mix it anew."""

TUNING = -1
"""The draw on which settings are found: its items come last in every other draw."""


def stratified(
    labels: Sequence[str], rows: NDArray, fractions: Sequence[float], seed: int
) -> list[NDArray]:
    """Cut rows into parts of the given fractions and the rest, each with the classes' shares.

    Rows are shuffled within their class and the classes are then dealt out evenly, so a part of
    fraction f gets f·n_c rows of class c, give or take one. A class always keeps a row in the
    rest, and every part gets at least one row where there are enough.

    Returns:
        ``len(fractions) + 1`` sorted arrays of row numbers.

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

    Raises:
        UserError: n below 1 or above the number of items, or no labels.

    >>> import datasets
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

    Raises:
        UserError: n below 1 or above the number of items.

    >>> import datasets
    >>> data = datasets.Dataset.from_dict({"text": list("abcdef")})
    >>> few, more = (draw_unlabelled(data, n, 7, whose="It", what="texts")["text"] for n in (2, 4))
    >>> few[:] == more[:2]
    True
    """
    if not 1 <= n <= len(dataset):
        raise UserError(f"{whose} has {len(dataset)} {what}; {n} cannot be drawn.")
    return dataset.select(np.random.default_rng(seed).permutation(len(dataset))[:n])


def draw_order(labels: Sequence[int] | NDArray, draw: int) -> NDArray:
    """Return the order in which a draw takes n labelled items: its first k are its k labels.

    An eleventh of the items, in the classes' shares, is kept for the search of settings (draw
    :data:`TUNING`) and comes last in all others. The rest is dealt to ten draws, each in the
    classes' shares, so that ten draws of up to about a tenth of the rest share no item; a draw that
    needs more goes on with the items of the next. Draws 10 to 19 deal anew. The first items of a
    draw hold one of each class, where a class has too few for all draws shared ones.

    Args:
        labels: class of every training item, (n,); all alike where items have no class.
        draw: 0 and up, or :data:`TUNING`.

    Returns:
        (n,) places of the items.

    Raises:
        UserError: no items, or a draw below :data:`TUNING`.

    >>> first, second = (draw_order([0] * 110, draw)[:10] for draw in (0, 1))
    >>> len(set(first) | set(second))
    20
    """
    classes = np.asarray(labels)
    if draw < TUNING or not len(classes):
        raise UserError(
            f"A draw is numbered from 0 and needs items; not draw {draw} of {len(classes)} items."
        )
    names = [str(label) for label in classes]
    tuning, rest = stratified(names, np.arange(len(classes)), [1 / (DRAWS + 1)], seed=0)
    deal, block = divmod(draw, DRAWS)
    if draw == TUNING:
        parts = [tuning, rest]
    elif len(rest) < DRAWS:
        parts = [rest, tuning]
    else:
        blocks = stratified(names, rest, [1 / DRAWS] * (DRAWS - 1), seed=deal + 1)
        parts = [*blocks[block:], *blocks[:block], tuning]
    generator = np.random.default_rng([draw + 1, 1])
    order = np.concatenate([generator.permutation(part) for part in parts])
    first = np.sort(np.unique(classes[order], return_index=True)[1])
    return np.concatenate([order[first], np.delete(order, first)])


def mean_overlap(draws: Iterable[NDArray]) -> float:
    """Return the share of items that two draws have in common, the mean over pairs, in [0, 1].

    Args:
        draws: places of the items of each draw, equally many, none of them twice; of a single draw
            the share is 0.

    >>> mean_overlap([np.array([0, 1]), np.array([1, 2]), np.array([1, 0])])
    0.6666666666666666
    """
    seen = [set(places.tolist()) for places in draws]
    shares = [len(one & other) / len(one) for one, other in itertools.combinations(seen, 2)]
    return float(np.mean(shares)) if shares else 0.0
