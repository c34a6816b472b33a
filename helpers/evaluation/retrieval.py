r"""How well a ranking finds the one right candidate: ranks, recall@k and MRR.

n queries, m candidates. A rank is the place of the right candidate, 1 the best. Source: Manning,
Raghavan and Schütze, Introduction to Information Retrieval (2008), ch. 8; Voorhees 1999 (MRR).
"""

import numpy as np
import numpy.typing as npt

from helpers import UserError

Floats = npt.NDArray[np.float64]


def ranks(scores: npt.ArrayLike, right: npt.ArrayLike) -> Floats:
    """Return the rank of each query's right candidate, (n,), in [1, m].

    Candidates of equal score share the mean of their places, so that a ranker that says nothing is
    at (m + 1) / 2 and gains nothing from the order in which candidates are listed.

    Args:
        scores: (n, m), higher is better.
        right: (n,), the column of the right candidate of each query.

    Raises:
        UserError: shapes that do not match, a column that is not there, a score that is nan.

    >>> ranks([[0.1, 0.9], [0.5, 0.5]], [1, 1]).tolist()
    [1.0, 1.5]
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
    return (table > own).sum(1) + ((table == own).sum(1) + 1) / 2


def recall_at(found: npt.ArrayLike, k: int) -> Floats:
    """Return 1 for each query whose right candidate is among the first k, otherwise 0; (n,).

    The mean is recall@k, in [0, 1]. A rank shared by a tie counts by its mean.

    >>> recall_at([1.0, 3.0, 1.5], k=1).tolist()
    [1.0, 0.0, 0.0]
    """
    if k < 1:
        raise UserError(f"k must be at least 1, not {k}.")
    return (np.asarray(found) <= k).astype(float)


def reciprocal_ranks(found: npt.ArrayLike) -> Floats:
    """Return 1 / rank of each query, (n,), in (0, 1]; the mean is MRR.

    >>> reciprocal_ranks([1, 4]).mean().item()
    0.625
    """
    return 1 / np.asarray(found, dtype=float)
