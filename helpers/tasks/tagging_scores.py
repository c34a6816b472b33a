"""Scores of whole entities, and the counts from which a bootstrap makes an interval.

An entity is right where its type, its first and its last character are. Predictions are repaired
first (:func:`helpers.tasks.tags.repair`), so that an I without its B counts as the entity that it
would be shown as. Tags are BIO tags, one list a sentence; n sentences.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from helpers import UserError
from helpers.tasks.tags import from_bio, repair

Tags = Sequence[Sequence[str]]
Floats = npt.NDArray[np.float64]

_MEASURES = {"precision": "precision", "recall": "recall", "f1": "f1-score"}


def entity_scores(gold: Tags, predicted: Tags, types: Sequence[str]) -> dict[str, float]:
    """Return precision, recall and F1 over all entities, and of each type (``f1_PER``).

    Each in [0, 1], by seqeval (strict mode, IOB2); overall they are micro averages. Precision
    without any prediction and recall without any entity count 0. Of a type that neither occurs nor
    is predicted there is no score: nan.

    Raises:
        UserError: sentences or characters that do not match in number.

    >>> gold, predicted = [["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "O", "O"]]
    >>> {key: round(value, 3) for key, value in entity_scores(gold, predicted, ["LOC"]).items()}
    {'precision': 1.0, 'recall': 0.5, 'f1': 0.667, 'precision_LOC': 0.0, 'recall_LOC': 0.0,
    'f1_LOC': 0.0}
    """
    _check(gold, predicted)
    truth, valid = [list(each) for each in gold], [repair(each) for each in predicted]
    report: dict[str, Any] = {}
    if any(tag != "O" for each in [*truth, *valid] for tag in each):
        report = classification_report(
            truth, valid, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )
    nothing = dict.fromkeys(_MEASURES.values(), float("nan"))
    return {
        measure + ending: float(report.get(row, nothing)[theirs])
        for row, ending in [("micro avg", ""), *((name, f"_{name}") for name in types)]
        for measure, theirs in _MEASURES.items()
    }


def entity_counts(
    gold: Tags, predicted: Tags, *, groups: Sequence[Hashable] | None = None
) -> Floats:
    """Return what each sentence adds to F1, (n, 3): entities found right, predicted, there.

    Args:
        gold: the right tags.
        predicted: the model's.
        groups: one key a sentence; sentences of the same key become one row, in the order of their
            first. With the sentences' articles, a bootstrap draws whole articles: names recur
            within one, so its sentences are no independent draws.

    Raises:
        UserError: sentences or characters that do not match in number.

    >>> entity_counts([["B-PER", "I-PER"], ["B-LOC"]], [["B-PER", "O"], ["B-LOC"]])
    array([[0., 1., 1.],
           [1., 1., 1.]])
    """
    _check(gold, predicted)
    counts = np.zeros((len(gold), 3))
    for row, true, found in zip(counts, map(from_bio, gold), map(from_bio, predicted), strict=True):
        row[:] = len(set(true) & set(found)), len(found), len(true)
    if groups is None:
        return counts
    if len(groups) != len(counts):
        raise UserError(f"There are {len(groups)} groups for {len(counts)} sentences.")
    place: dict[Hashable, int] = {}
    rows = [place.setdefault(group, len(place)) for group in groups]
    summed = np.zeros((len(place), 3))
    np.add.at(summed, rows, counts)
    return summed


def f1_of_counts(means: npt.ArrayLike) -> Floats:
    """Return F1 from sums or means of :func:`entity_counts`, shape (..., 3) to (...).

    2 · right / (predicted + there), in [0, 1]; nan where nothing is predicted and nothing there.
    It is a ``statistic`` for :func:`helpers.evaluation.significance.bootstrap_interval`.

    >>> float(f1_of_counts([[0, 1, 1], [1, 1, 1]]).round(3).sum()), float(f1_of_counts([1, 2, 2]))
    (1.0, 0.5)
    """
    right, predicted, there = np.moveaxis(np.asarray(means, dtype=float), -1, 0)
    total = predicted + there
    return np.divide(2 * right, total, out=np.full(total.shape, np.nan), where=total > 0)


def _check(gold: Tags, predicted: Tags) -> None:
    if len(gold) != len(predicted):
        raise UserError(
            f"There are tags of {len(gold)} sentences, but predictions of {len(predicted)}."
        )
    for number, (true, found) in enumerate(zip(gold, predicted, strict=True), start=1):
        if len(true) != len(found):
            raise UserError(
                f"Sentence {number} has {len(true)} tags, but {len(found)} predicted ones."
            )
