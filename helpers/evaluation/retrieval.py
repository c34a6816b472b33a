r"""How well a ranking finds the one right candidate: ranks, recall@k and MRR.

n queries, m candidates. A rank is the place of the right candidate, 1 the best. Candidates of equal
score share their places: which of them comes first is a matter of chance, and a measure is the
expectation over that. So a ranker that says nothing has recall@k = k / m, whatever the order in
which candidates are listed. Sources: Manning, Raghavan and Schütze, Introduction to Information
Retrieval (2008), ch. 8; Voorhees 1999 (MRR); McSherry and Najork 2008, *Computing information
retrieval performance measures efficiently in the presence of tied scores* (ECIR).
"""

import numpy as np
import numpy.typing as npt
from scipy.special import digamma

from helpers import UserError

Floats = npt.NDArray[np.float64]


def ranks(scores: npt.ArrayLike, right: npt.ArrayLike) -> Floats:
    """Return the first and the last place of each query's right candidate, (n, 2), in [1, m].

    They are equal where no other candidate has its score; otherwise each place from the first to
    the last is as likely. Their mean is the expected rank.

    Args:
        scores: (n, m), higher is better.
        right: (n,), the column of the right candidate of each query.

    Raises:
        UserError: shapes that do not match, a column that is not there, a score that is nan.

    >>> ranks([[0.1, 0.9], [0.5, 0.5]], [1, 1]).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    table, column = np.asarray(scores, dtype=float), np.asarray(right)
    if table.ndim != 2 or column.shape != (len(table),):
        raise UserError(
            f"Ranks need scores (n, m) and n right columns, not {table.shape} and {column.shape}."
        )
    if len(column) and not (column.min() >= 0 and column.max() < table.shape[1]):
        raise UserError(f"A right candidate lies outside of the {table.shape[1]} candidates.")
    if np.isnan(table).any():
        raise UserError(f"{int(np.isnan(table).sum())} scores are not numbers.")
    own = table[np.arange(len(table)), column][:, None]
    better, tied = (table > own).sum(1), (table == own).sum(1)
    return np.stack([better + 1, better + tied], axis=1).astype(float)


def recall_at(found: npt.ArrayLike, k: int) -> Floats:
    """Return how surely each query's right candidate is among the first k, (n,), in [0, 1].

    1 or 0, but for a tie across the k-th place, where it is the share of the tied places that are
    within: recall@1 of two that tie for the first place is 0.5. The mean is recall@k.

    Args:
        found: (n, 2) from :func:`ranks`, or (n,) single ranks.
        k: at least 1.

    Raises:
        UserError: k below 1, or ranks of another shape.

    >>> recall_at([[1, 1], [3, 3], [1, 2]], k=1).tolist()
    [1.0, 0.0, 0.5]
    """
    if k < 1:
        raise UserError(f"k must be at least 1, not {k}.")
    first, last = _places(found)
    return np.clip((k - first + 1) / (last - first + 1), 0, 1)


def reciprocal_ranks(found: npt.ArrayLike) -> Floats:
    """Return the expectation of 1 / rank of each query, (n,), in (0, 1]; the mean is MRR.

    Over the places of a tie, so 0.75 for two that tie for the first.

    Args:
        found: (n, 2) from :func:`ranks`, or (n,) single ranks.

    Raises:
        UserError: ranks of another shape.

    >>> reciprocal_ranks([1, 4]).mean().item(), reciprocal_ranks([[1, 2]]).round(6).item()
    (0.625, 0.75)
    """
    first, last = _places(found)
    with np.errstate(invalid="ignore"):
        # The sum of 1/i from first to last is a difference of digamma functions.
        tied = (digamma(last + 1) - digamma(first)) / (last - first + 1)
    return np.asarray(np.where(last > first, tied, 1 / first))


def _places(found: npt.ArrayLike) -> tuple[Floats, Floats]:
    places = np.asarray(found, dtype=float)
    if places.ndim == 1:
        return places, places
    if places.ndim != 2 or places.shape[1] != 2:
        raise UserError(f"Ranks must be (n, 2), first and last place, or (n,), not {places.shape}.")
    return places[:, 0], places[:, 1]
