"""Wrong labels on purpose, to measure what data quality is worth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers import UserError

if TYPE_CHECKING:
    pass


def flip_labels(labels: Sequence[int], share: float, n_classes: int, seed: int) -> np.ndarray:
    """Return the labels with round(share·n) of them wrong, each of the others equally likely.

    Symmetric noise (Natarajan et al. 2013, *Learning with noisy labels*, NeurIPS). With one seed
    the labels that are wrong at a small share are wrong at a larger one too.

    Raises:
        UserError: a share outside [0, 1], or fewer than two classes.

    >>> flip_labels([0, 0, 0, 0], 0.5, 2, seed=0)
    array([1, 0, 1, 0])
    """
    if not 0 <= share <= 1:
        raise UserError(f"The share of wrong labels must lie in [0, 1], not {share}.")
    if n_classes < 2:
        raise UserError(f"A label can be wrong only among at least two classes, not {n_classes}.")
    noisy = np.array(labels)
    rng = np.random.default_rng(seed)
    wrong = rng.permutation(len(noisy))[: round(share * len(noisy))]
    steps = rng.integers(1, n_classes, len(noisy))  # never 0: to another class
    noisy[wrong] = (noisy[wrong] + steps[wrong]) % n_classes
    return noisy
