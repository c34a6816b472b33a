"""What every comparison asks of its input, and the sentence it gets where it is not so."""

from typing import Any

import numpy as np
import numpy.typing as npt

from helpers import UserError

Floats = npt.NDArray[np.float64]


def finite(values: npt.ArrayLike) -> Floats:
    """Return a statistic's values as floats, or refuse those that are undefined."""
    array = np.atleast_1d(np.asarray(values, dtype=float))
    bad = int(np.sum(~np.isfinite(array)))
    if bad:
        raise UserError(
            f"The statistic is undefined in {bad} of {len(array)} samples of the items; "
            "use one that is defined when a class is missing."
        )
    return array


def items(name: str, values: npt.ArrayLike, least: int = 2) -> Floats:
    """Return per-item values as (items, k)."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise UserError(f"{name} must be numbers, one an item.") from None
    if array.ndim not in (1, 2):
        raise UserError(f"{name} must have shape (items,) or (items, k), not {array.shape}.")
    if len(array) < least:
        raise UserError(f"{name} must hold at least {least} items, not {len(array)}.")
    if not np.isfinite(array).all():
        raise UserError(f"{name} must be finite numbers; some are missing or infinite.")
    return array.reshape(len(array), -1)


def pair(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return two models' values on the same items, each (items, k)."""
    first, second = items("a", a), items("b", b)
    same_length(first, second)
    if first.shape != second.shape:
        raise UserError(f"a and b must have the same shape, not {first.shape} and {second.shape}.")
    return first, second


def same_length(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> None:
    """Refuse what cannot be paired."""
    if len(a) != len(b):
        raise UserError(
            f"A paired comparison needs the same items for both, not {len(a)} and {len(b)}."
        )


def zero_one(name: str, values: npt.ArrayLike) -> Floats:
    """Return one 0 or 1 an item, as floats."""
    array = items(name, values, least=1)
    if array.shape[1] != 1 or not np.isin(array, (0, 1)).all():
        raise UserError(f"{name} must be one 0 or 1 (wrong or right) an item.")
    return array[:, 0]


def level_between(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0 < level < 1:
        raise UserError(f"level must be between 0 and 1 (0.95 is usual), not {level}.")


def enough_resamples(resamples: int) -> None:
    """Refuse a number of resamples too small for a tail."""
    if int(resamples) != resamples or resamples < 100:
        raise UserError(f"resamples must be a whole number of at least 100, not {resamples}.")
