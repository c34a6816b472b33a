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


def part_classes(
    names: Sequence[str], test: int, seed: int, groups: Sequence[str] | None = None
) -> tuple[list[int], list[int]]:
    """Return the numbers of the classes to train on, and of at least ``test`` to test on.

    Args:
        names: of the classes.
        test: how many are tested on, at least.
        seed: of the choice.
        groups: of each class, which stay together: siblings on both sides would make the test
            easier than a new field is. None: each for itself.

    Raises:
        UserError: fewer than two classes would be left on a side.

    >>> part_classes(["a.x", "a.y", "b.x", "b.y"], 2, 0, groups=["a", "a", "b", "b"])
    ([2, 3], [0, 1])
    """
    of = list(groups) if groups is not None else list(names)
    order = np.random.default_rng(seed).permutation(sorted(set(of)))
    taken: list[int] = []
    for group in order:
        if len(taken) >= test:
            break
        taken += [i for i, name in enumerate(of) if name == group]
    rest = [i for i in range(len(names)) if i not in taken]
    if min(len(taken), len(rest)) < 2:
        raise UserError(
            f"{len(names)} classes cannot be parted into {len(taken)} to test on and {len(rest)} "
            "to train on; both sides need at least two."
        )
    return rest, sorted(taken)


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
        classes: that episodes are made of.
        ways: classes of an episode, at least 2.
        shots: labelled items of each class.
        queries: items of each class to be classified.
        n: how many episodes.
        seed: of all draws.

    Raises:
        UserError: fewer classes than ways, or a class with fewer items than an episode asks for.

    >>> one = episodes([0, 0, 0, 1, 1, 1], [0, 1], ways=2, shots=1, queries=2, n=1, seed=0)[0]
    >>> len(one.support), len(one.query), set(one.support) & set(one.query)
    (2, 4, set())
    """
    if ways < 2 or min(shots, queries, n) < 1:
        raise UserError(
            "An episode needs at least 2 ways, 1 shot and 1 query, and there must be at least one "
            f"episode; not {ways}, {shots}, {queries} and {n}."
        )
    if ways > len(classes):
        raise UserError(
            f"An episode of {ways} ways needs as many classes; there are {len(classes)}."
        )
    truth = np.asarray(labels)
    rows = {label: np.flatnonzero(truth == label) for label in classes}
    for label, there in rows.items():
        if len(there) < shots + queries:
            raise UserError(
                f"Class {label} has {len(there)} items; an episode asks for {shots + queries} "
                f"({shots} shots and {queries} queries)."
            )
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        chosen = rng.choice(np.asarray(classes), ways, replace=False)
        drawn = np.stack(
            [rng.choice(rows[label], shots + queries, replace=False) for label in chosen]
        )
        own = np.arange(ways)
        made.append(
            Episode(
                chosen,
                drawn[:, :shots].ravel(),
                own.repeat(shots),
                drawn[:, shots:].ravel(),
                own.repeat(queries),
            )
        )
    return made
