"""Bits per byte of documents, and how many one language model saves against another.

A *table* holds a model's bits and the bytes of each document, (documents, 2): the bits that an
ideal coder would need which uses the model's probabilities, and the size as UTF-8. Documents are
the items: their tokens are not independent of each other. The score of all documents is the sum of
bits over the sum of bytes, so that a long document counts as much as it is long.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation.intervals import (
    Interval,
    bootstrap_interval,
    paired_bootstrap,
    two_level_interval,
)

Floats = npt.NDArray[np.float64]


def per_byte(table: npt.ArrayLike) -> float:
    """Return bits per byte of all documents together, in [0, inf); 8 is no model at all.

    >>> per_byte([[80.0, 20.0], [20.0, 5.0]])
    4.0
    """
    found = _table(table)
    return float(found[:, 0].sum() / found[:, 1].sum())


def interval(table: npt.ArrayLike, resamples: int = 2000) -> Interval:
    """Return bits per byte with its 95 % interval over documents (BCa bootstrap).

    >>> rng = np.random.default_rng(0)
    >>> size = rng.integers(100, 900, 50)
    >>> print(interval(np.stack([size * rng.normal(2, 0.2, 50), size], axis=1)))
    2.050 [1.994, 2.106]
    """
    return bootstrap_interval(_table(table), _ratio, resamples=resamples)


def saved(better: Sequence[npt.ArrayLike], worse: Sequence[npt.ArrayLike]) -> Interval:
    """Return the bits per byte that one way of training saves against another.

    Args:
        better: a table for each seed, (s, documents, 2); above 0 it is better indeed.
        worse: the same seeds on the same documents.

    Returns:
        The difference of bits per byte, with an interval over seeds and documents at once; of one
        seed, over documents alone.

    Raises:
        UserError: shapes that differ, or no seed.

    >>> a, b = [[[80.0, 20.0], [22.0, 5.0]]], [[[90.0, 20.0], [23.0, 5.0]]]
    >>> round(saved(a, b).value, 2)
    0.44
    """
    a, b = (np.asarray(losses, dtype=float) for losses in (better, worse))
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 2 or not len(a):
        raise UserError(
            f"better and worse must both be (seeds, documents, 2), not {a.shape} and {b.shape}."
        )
    if len(a) == 1:
        return paired_bootstrap(a[0], b[0], _less, resamples=2000)
    return two_level_interval(a, b, _less)


def negative(means: Floats) -> Floats:
    """Return minus bits per byte from means over documents, (..., 2) -> (...).

    What a :class:`helpers.evaluation.comparison.Comparison` needs, where higher is better (as
    scikit-learn's ``neg_log_loss``): a difference of two is the bits per byte that are saved.

    >>> negative(np.array([[80.0, 20.0]]))
    array([-4.])
    """
    result: Floats = -means[..., 0] / means[..., 1]
    return result


def negative_of(nats: npt.ArrayLike, size: npt.ArrayLike) -> float:
    """Return minus bits per byte of documents with these nats (n,) and bytes (n,).

    >>> round(negative_of([np.log(2) * 16], [8]), 6)
    -2.0
    """
    return -float(np.sum(nats) / np.log(2) / np.sum(size))


def turned(found: Interval) -> Interval:
    """Return an interval of :func:`negative` as bits per byte, lower is better, for a reader.

    >>> print(turned(Interval(-1.6, -1.7, -1.5, 48, 0.95, "")))
    1.600 [1.500, 1.700]
    """
    return replace(found, value=-found.value, low=-found.high, high=-found.low)


def _ratio(means: Floats) -> Floats:
    return means[:, 0] / means[:, 1]


def _less(a: Floats, b: Floats) -> Floats:
    return _ratio(b) - _ratio(a)


def _table(table: npt.ArrayLike) -> Floats:
    found = np.asarray(table, dtype=float)
    if found.ndim != 2 or found.shape[1] != 2 or not len(found):
        raise UserError(f"A table must be (documents, 2), bits and bytes, not {found.shape}.")
    if not (found[:, 1] > 0).all():
        raise UserError("Every document must have at least one byte.")
    return found
