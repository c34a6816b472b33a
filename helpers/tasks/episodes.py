"""Few-shot episodes: small classification tasks made from the classes of a labelled corpus.

An episode has N classes (*ways*), K labelled items of each (*shots*, the support) and some items of
each to be classified (the query). Classes are parted first, so that those of the test were never
trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Episode:
    """One small task; items are row numbers, labels are 0 to ways - 1.

    Attributes:
        classes: (ways,) the corpus's numbers of the classes, in the order of the labels.
        support: (ways * shots,) rows.
        support_labels: of them.
        query: (ways * queries,) rows, none of the support.
        query_labels: of them.
    """

    classes: Ints
    support: Ints
    support_labels: Ints
    query: Ints
    query_labels: Ints


@dataclass(frozen=True)
class ClassSplit:
    """The numbers of the classes of each part, ascending; no class is in two parts."""

    train: list[int]
    validation: list[int]
    test: list[int]


def split_classes(
    classes: int | Sequence[str],
    train: int,
    validation: int,
    test: int,
    seed: int,
    groups: Sequence[str] | None = None,
) -> ClassSplit:
    """Part classes, so that episodes of the test are of classes that nothing was trained on.

    Args:
        classes: how many there are, or their names.
        train: classes to train on, at least; all that the other parts leave.
        validation: classes to choose by, at least: no more than that without ``groups``.
        test: classes to test on, in the same way.
        seed: of the choice.
        groups: of each class, which stay together: siblings in two parts would make the test
            easier than a new field is. None: each class for itself.

    Raises:
        UserError: a negative number, groups that are not one for each class, or too few classes.

    >>> split_classes(["a.x", "a.y", "b.x", "b.y"], 2, 0, 1, seed=0, groups=["a", "a", "b", "b"])
    ClassSplit(train=[2, 3], validation=[], test=[0, 1])
    """
    names = range(classes) if isinstance(classes, int) else classes
    if min(train, validation, test) < 0:
        raise UserError(f"No part can have fewer than 0 classes: {train}, {validation} and {test}.")
    if groups is not None and len(groups) != len(names):
        raise UserError(
            f"groups must have one for each class: {len(names)}, not {len(groups)} of them."
        )
    of = np.asarray(list(names if groups is None else groups))
    left = list(np.random.default_rng(seed).permutation(np.unique(of)))
    parts: list[list[int]] = []
    for size in (test, validation):
        taken: list[int] = []
        while left and len(taken) < size:
            taken += np.flatnonzero(of == left.pop(0)).tolist()
        parts.append(sorted(taken))
    rest = np.flatnonzero(np.isin(of, left)).tolist()
    if len(parts[0]) < test or len(parts[1]) < validation or len(rest) < train:
        whole = "" if groups is None else f" in {len(np.unique(of))} groups"
        raise UserError(
            f"{len(names)} classes{whole} cannot be parted into at least {train} to train on, "
            f"{validation} to choose by and {test} to test on; {len(rest)}, {len(parts[1])} and "
            f"{len(parts[0])} is as far as they go."
        )
    return ClassSplit(rest, parts[1], parts[0])


def episodes(
    labels: Sequence[int] | Ints,
    classes: Sequence[int],
    *,
    ways: int,
    shots: int,
    queries: int,
    n: int,
    seed: int,
) -> list[Episode]:
    """Draw ``n`` episodes.

    Args:
        labels: of all rows.
        classes: that episodes are made of; one that is named twice counts once.
        ways: classes of an episode, at least 2.
        shots: labelled items of each class.
        queries: items of each class to be classified.
        n: how many episodes.
        seed: of all draws.

    Raises:
        UserError: fewer classes than ways, or a class with fewer items than an episode asks for.

    >>> episode = episodes([0, 0, 0, 1, 1, 1], [0, 1], ways=2, shots=1, queries=2, n=1, seed=0)[0]
    >>> len(episode.support), len(episode.query), set(episode.support) & set(episode.query)
    (2, 4, set())
    """
    _check_sizes(ways, shots, queries, n)
    truth = np.asarray(labels)
    rows = {label: np.flatnonzero(truth == label) for label in classes}
    if ways > len(rows):
        raise UserError(f"An episode of {ways} ways needs as many classes; there are {len(rows)}.")
    for label, there in rows.items():
        if len(there) < shots + queries:
            raise UserError(
                f"Class {label} has {len(there)} items; an episode asks for {shots + queries} "
                f"({shots} shots and {queries} queries)."
            )
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        chosen = rng.choice(np.asarray(list(rows)), ways, replace=False)
        drawn = np.stack(
            [rng.choice(rows[label], shots + queries, replace=False) for label in chosen]
        )
        made.append(_episode(chosen, drawn, shots))
    return made


def _check_sizes(ways: int, shots: int, queries: int, n: int) -> None:
    if ways < 2 or min(shots, queries, n) < 1:
        raise UserError(
            "An episode needs at least 2 ways, 1 shot and 1 query, and there must be at least one "
            f"episode; not {ways}, {shots}, {queries} and {n}."
        )


def separate_episodes(
    labels: Sequence[int] | Ints,
    classes: Sequence[int],
    *,
    ways: int,
    shots: int,
    queries: int,
    n: int,
    seed: int,
) -> list[Episode]:
    """Draw ``n`` episodes of which no two share an item: what they say is not said twice.

    Of the classes that have items enough left, those with more of them come more often. Args as
    for :func:`episodes`.

    Raises:
        UserError: the classes have too few items for so many episodes.

    >>> made = separate_episodes([0] * 6 + [1] * 6, [0, 1], ways=2, shots=1, queries=2, n=2, seed=0)
    >>> len(set(np.concatenate([[*each.support, *each.query] for each in made]).tolist()))
    12
    """
    _check_sizes(ways, shots, queries, n)
    rng = np.random.default_rng(seed)
    truth, each = np.asarray(labels), shots + queries
    left = {label: rng.permutation(np.flatnonzero(truth == label)) for label in sorted({*classes})}
    made: list[Episode] = []
    for _ in range(n):
        there = np.array([label for label, rows in left.items() if len(rows) >= each])
        if len(there) < ways:
            raise UserError(
                f"{len(left)} classes have items for {len(made)} episodes of {ways} ways, {shots} "
                f"shots and {queries} queries without an item twice, not for {n}."
            )
        sizes = np.array([len(left[label]) for label in there], dtype=float)
        chosen = rng.choice(there, ways, replace=False, p=sizes / sizes.sum())
        drawn = np.stack([left[label][:each] for label in chosen])
        for label in chosen:
            left[label] = left[label][each:]
        made.append(_episode(chosen, drawn, shots))
    return made


def _episode(chosen: Ints, drawn: Ints, shots: int) -> Episode:
    """Return the episode of some classes and their items, (ways, shots + queries)."""
    own, queries = np.arange(len(chosen)), drawn.shape[1] - shots
    support, query = drawn[:, :shots].ravel(), drawn[:, shots:].ravel()
    return Episode(chosen, support, own.repeat(shots), query, own.repeat(queries))
