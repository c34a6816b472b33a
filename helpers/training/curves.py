"""The curve of a training: loss on training and validation items along the way, and the score."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from helpers.training.loop import IGNORED, Row, read

Answers = Sequence[np.ndarray]
"""What a network said of each row: logits (c,) of a text, (t, c) of its tokens."""

POINTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where a training is looked at, as shares of its steps."""


def points(steps: int) -> list[int]:
    """Return the numbers of steps after which a training is looked at.

    >>> points(30)
    [0, 8, 15, 22, 30]
    """
    return sorted({round(share * steps) for share in POINTS})


def mean_loss(answers: Answers, rows: Sequence[Row]) -> float:
    """Return the mean cross-entropy of texts, or of labelled tokens, in nats, at least 0.

    >>> round(mean_loss([np.zeros(4)], [(np.array([5]), np.array(1))]), 3)  # a guess among four
    1.386
    """
    logits = np.concatenate([np.atleast_2d(each) for each in answers]).astype(np.float64)
    labels = np.concatenate([np.atleast_1d(label) for _, label in rows])
    logits, labels = logits[labels != IGNORED], labels[labels != IGNORED]
    shifted = logits - logits.max(1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels]
    return float((np.log(np.exp(shifted).sum(1)) - chosen).mean())


def accuracy(answers: Answers, rows: Sequence[Row]) -> float:
    """Return the share of texts whose class has the largest logit, in [0, 1]."""
    labels = np.array([int(label) for _, label in rows])
    return float((np.stack(answers).argmax(1) == labels).mean())


def watcher(
    training: Sequence[Row],
    validation: Sequence[Row],
    score: Callable[[Answers], float] | None = None,
    **how: Any,
) -> Callable[[nn.Module], dict[str, float]]:
    """Return what :func:`helpers.training.loop.train` may call as ``look``.

    It gives ``training_loss`` and ``validation_loss`` (nats) and ``validation_score``; nothing is
    learned from looking.

    Args:
        training: rows that are learned from, or some of them.
        validation: rows that are not.
        score: of what is said of the validation rows; None: :func:`accuracy`.
        how: ``precision`` and ``device``, as :func:`helpers.training.loop.read`.
    """

    def look(model: nn.Module) -> dict[str, float]:
        answers = read(model, validation, **how)
        return {
            "training_loss": mean_loss(read(model, training, **how), training),
            "validation_loss": mean_loss(answers, validation),
            "validation_score": score(answers) if score else accuracy(answers, validation),
        }

    return look


def curve_of(looks: Mapping[int, Mapping[str, float]]) -> dict[str, np.ndarray]:
    """Return what was seen along the way as arrays: ``step`` and each measure.

    >>> curve_of({0: {"validation_loss": 2.0}, 8: {"validation_loss": 1.0}})["step"]
    array([0, 8], dtype=int32)
    """
    measures = next(iter(looks.values()), {})
    return {"step": np.array(list(looks), dtype=np.int32)} | {
        name: np.array([seen[name] for seen in looks.values()], dtype=np.float32)
        for name in measures
    }
