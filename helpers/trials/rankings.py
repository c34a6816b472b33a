"""Comparisons of rankers: which measure of a right reply's place, and what counts as one item."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from helpers import UserError, nearest
from helpers.evaluation.comparison import Comparison
from helpers.evaluation.retrieval import recall_at, reciprocal_ranks
from helpers.trials.reading import Read, draws_of

MEASURES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "recall@1": partial(recall_at, k=1),
    "recall@5": partial(recall_at, k=5),
    "MRR": reciprocal_ranks,
}
"""What each context is worth by the place of its reply, in [0, 1]; see `helpers.evaluation`."""


def rank_scores(
    read: Read, measure: str = "recall@1", groups: Sequence[str] | None = None
) -> Comparison:
    """Return the arms by where they put the right reply.

    Args:
        read: of a retrieval study.
        measure: a key of :data:`MEASURES`; all are worked out from the same stored ranks.
        groups: conversation of each context: contexts of one conversation are not independent, so
            their mean is the item; None: each context is an item.

    Raises:
        UserError: no such measure; groups of other contexts.
    """
    if measure not in MEASURES:
        raise UserError(
            f"There is no measure '{measure}' of a ranking.{nearest(measure, MEASURES)}"
        )
    scores = {
        key: np.stack([_means(MEASURES[measure](o.items["ranks"]), groups) for o in each.values()])
        for key, each in read.outcomes.items()
    }
    return Comparison(scores, measure=measure, draws=draws_of(read))


def _means(values: np.ndarray, groups: Sequence[str] | None) -> np.ndarray:
    """Return the mean of each group, in the order of their names.

    >>> _means(np.array([1.0, 0.0, 1.0]), ["a", "b", "b"]).tolist()
    [1.0, 0.5]
    """
    if groups is None:
        return values
    if len(groups) != len(values):
        raise UserError(f"There are {len(values):,} ranks and {len(groups):,} groups of them.")
    number = np.unique(np.asarray(groups), return_inverse=True)[1]
    means: np.ndarray = np.bincount(number, values) / np.bincount(number)
    return means
