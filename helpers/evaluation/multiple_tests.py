"""Many tests at once.

Twenty claims at a level of 5 % give one false finding by chance alone. :func:`holm` keeps the
chance of *any* false finding below the level: it turns p-values into adjusted ones, to be held
against it.
"""

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from helpers import UserError

Floats = npt.NDArray[np.float64]
Name = TypeVar("Name", bound=Hashable)


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Return Holm's adjusted p-values, in the order given, in [0, 1].

    The smallest of m is multiplied by m, the next by m - 1, and so on; none may fall below the one
    before it. Valid whatever the tests have to do with each other. Source: Holm 1979, *A simple
    sequentially rejective multiple test procedure* (Scandinavian Journal of Statistics).

    >>> holm([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    p = p_values_of(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def p_values_of(p_values: Sequence[float] | Floats) -> Floats:
    """Return p-values as an array, (m,); refuse an empty list and what lies outside [0, 1]."""
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or not len(p):
        raise UserError(f"p_values must be a list of at least one p-value, not of shape {p.shape}.")
    if not ((p >= 0) & (p <= 1)).all():
        raise UserError("p_values must lie in [0, 1]; some do not, or are missing.")
    return p
