"""A network's numbers to what is kept of each item, and to the score of a training curve."""

from collections.abc import Callable, Sequence

import numpy as np

from helpers.tasks.alignment import join
from helpers.tasks.tags import from_bio
from helpers.training.loop import IGNORED, Row
from helpers.trials.rows import Inputs

Said = Sequence[np.ndarray]
"""What a network said of each row: logits (c,) of a text, (t, c) of its tokens."""


def of_probabilities(probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return class and probability of the class from (n, c) probabilities.

    >>> of_probabilities(np.array([[0.25, 0.75]]))["predicted"]
    array([1], dtype=uint8)
    """
    predicted = probabilities.argmax(1)
    kept = np.uint8 if probabilities.shape[1] <= 256 else np.uint16
    return {
        "predicted": predicted.astype(kept),
        "probability": probabilities[np.arange(len(predicted)), predicted].astype(np.float16),
    }


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(-1, keepdims=True)
    return result


def _classes(said: Said, inputs: Inputs, split: str) -> dict[str, np.ndarray]:
    return of_probabilities(_softmax(np.stack(said).astype(np.float64)))


def _names(said: Said, inputs: Inputs, split: str) -> dict[str, np.ndarray]:
    predicted = tags_of(said, inputs, split, None)
    return count_names(predicted, gold_tags(inputs, split), types_of(inputs))


def types_of(inputs: Inputs) -> list[str]:
    """Return the types of names, in their order."""
    return [name[2:] for name in inputs["names"] if name.startswith("B-")]


def gold_tags(
    inputs: Inputs, split: str, places: Sequence[int] | np.ndarray | None = None
) -> list[list[str]]:
    """Return the right tags of some sentences of a split (None: of all)."""
    tags, starts, names = inputs[f"{split}.tags"], inputs[f"{split}.tag_starts"], inputs["names"]
    order = range(len(starts) - 1) if places is None else places
    return [[names[tag] for tag in tags[starts[at] : starts[at + 1]]] for at in order]


def tags_of(
    said: Said, inputs: Inputs, split: str, places: Sequence[int] | np.ndarray | None
) -> list[list[str]]:
    """Return the tags of the characters of some sentences from what was said of their rows."""
    starts, sentence = inputs[f"{split}.starts"], inputs[f"{split}.sentence"]
    lengths = np.diff(inputs[f"{split}.tag_starts"])
    chosen = np.arange(len(lengths)) if places is None else np.asarray(places)
    number = {int(at): i for i, at in enumerate(chosen)}
    rows = [row for row in range(len(sentence)) if int(sentence[row]) in number]
    rows.sort(key=lambda row: (number[int(sentence[row])], row))
    windows = [
        {
            "sentence": number[int(sentence[row])],
            "starts": inputs[f"{split}.own_starts"][starts[row] : starts[row + 1]],
            "ends": inputs[f"{split}.own_ends"][starts[row] : starts[row + 1]],
        }
        for row in rows
    ]
    return join(windows, said, inputs["names"], lengths[chosen].tolist())


def count_names(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]], types: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return names found, missed and made up of each sentence, a column a type, (n, k).

    >>> counts = count_names([["B-PER", "O"]], [["B-PER", "B-LOC"]], ["PER", "LOC"])
    >>> counts["found"].tolist(), counts["missed"].tolist(), counts["wrong"].tolist()
    ([[1, 0]], [[0, 1]], [[0, 0]])
    """
    counts = {
        name: np.zeros((len(gold), len(types)), np.uint8) for name in ("found", "missed", "wrong")
    }
    column = {name: i for i, name in enumerate(types)}
    for row, (guess, truth) in enumerate(zip(predicted, gold, strict=True)):
        said, there = set(from_bio(guess)), set(from_bio(truth))
        for what, spans in (
            ("found", said & there),
            ("missed", there - said),
            ("wrong", said - there),
        ):
            for span in spans:
                counts[what][row, column[span.type]] += 1
    return counts


def f1_of(counts: dict[str, np.ndarray]) -> float:
    """Return F1 over all names, 0 where there is none."""
    found, missed, wrong = (int(counts[name].sum()) for name in ("found", "missed", "wrong"))
    return 2 * found / max(1, 2 * found + missed + wrong)


def mean_loss(said: Said, rows: Sequence[Row]) -> float:
    """Return the mean cross-entropy of texts, or of labelled tokens, in nats."""
    logits = np.concatenate([np.atleast_2d(each) for each in said]).astype(np.float64)
    labels = np.concatenate([np.atleast_1d(label) for _, label in rows])
    logits, labels = logits[labels != IGNORED], labels[labels != IGNORED]
    shifted = logits - logits.max(1, keepdims=True)
    chosen = shifted[np.arange(len(labels)), labels]
    return float((np.log(np.exp(shifted).sum(1)) - chosen).mean())


def _accuracy(said: Said, inputs: Inputs, places: np.ndarray) -> float:
    truth = inputs["validation.labels"][places]
    return float((np.stack(said).argmax(1) == truth).mean())


def _f1(said: Said, inputs: Inputs, places: np.ndarray) -> float:
    predicted = tags_of(said, inputs, "validation", places)
    return f1_of(count_names(predicted, gold_tags(inputs, "validation", places), types_of(inputs)))


SCORES: dict[str, Callable[[Said, Inputs, np.ndarray], float]] = {
    "classification": _accuracy,
    "tagging": _f1,
}
"""Score of validation items along a training, in [0, 1]: accuracy, or F1 of names."""

ITEMS_OF: dict[str, Callable[[Said, Inputs, str], dict[str, np.ndarray]]] = {
    "classification": _classes,
    "tagging": _names,
}
"""What is kept of each item of a split."""
