"""One comparison for each of the four measures of classification, from the same stored answers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.evaluation import metrics
from helpers.evaluation.comparison import Comparison
from helpers.trials.reading import Read, accuracies, circumstances, draws_of

MACRO: dict[str, Callable[[Any], Any]] = {
    "precision": metrics.macro_precision_of_means,
    "recall": metrics.macro_recall_of_means,
    "f1": metrics.macro_f1_of_means,
}
"""Averages over classes that count each class alike, as functions of means over items."""


def by_measure(read: Read, truth: np.ndarray, n_classes: int) -> dict[str, Comparison]:
    """Return the arms compared by accuracy, macro precision, macro recall and macro F1.

    A class that is never predicted has precision and F1 0; one without scored items is left out.
    With many rare classes the interval of a macro average is a rough one
    (:func:`helpers.evaluation.metrics.macro_f1_of_means`).

    Args:
        read: of a study of classification.
        truth: (n,) classes of the scored items, from 0.
        n_classes: how many there are.

    Returns:
        Comparisons by the names "accuracy", "precision", "recall" and "f1".
    """
    counts = {
        key: np.stack(
            [
                metrics.contributions(truth, outcome.items["predicted"], n_classes)
                for outcome in each.values()
            ]
        )
        for key, each in read.outcomes.items()
    }
    draws = draws_of(read)
    macro = {name: Comparison(counts, of, name, draws) for name, of in MACRO.items()}
    return {"accuracy": accuracies(read, truth), **macro}


def record_measures(run: Any, measures: dict[str, Comparison], read: Read, classes: Any) -> None:
    """Write into a run's record what the claims ask of a study by several measures at once.

    Args:
        run: an open run.
        measures: as :func:`by_measure` returns them.
        read: what they were made of; nothing is written where it is no study.
        classes: as for :func:`helpers.trials.reading.record`.
    """
    if read.study:
        more = circumstances(read, classes)
        run.compares(read.study, measures, complete=read.complete, **more)
