"""A network's numbers to what is kept of each item."""

from collections.abc import Sequence

import numpy as np

from helpers.tasks.alignment import join
from helpers.tasks.tags import from_bio
from helpers.training.curves import Answers
from helpers.trials.rows import Inputs


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


def classes(logits: Answers) -> dict[str, np.ndarray]:
    """Return class and probability of the class from each item's logits (c,)."""
    return of_probabilities(_softmax(np.stack(logits).astype(np.float64)))


def names(
    logits: Answers, inputs: Inputs, split: str, places: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Return :func:`count_names` of some sentences (None: of all) from the logits of their rows."""
    predicted = tags_of(logits, inputs, split, places)
    return count_names(predicted, gold_tags(inputs, split, places), types_of(inputs))


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
    logits: Answers, inputs: Inputs, split: str, places: Sequence[int] | np.ndarray | None
) -> list[list[str]]:
    """Return the tags of the characters of some sentences from the logits of their rows."""
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
    return join(windows, logits, inputs["names"], lengths[chosen].tolist())


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
        marked, there = set(from_bio(guess)), set(from_bio(truth))
        for what, spans in (
            ("found", marked & there),
            ("missed", there - marked),
            ("wrong", marked - there),
        ):
            for span in spans:
                counts[what][row, column[span.type]] += 1
    return counts


def f1_of(counts: dict[str, np.ndarray]) -> float:
    """Return F1 over all names, 0 where there is none."""
    found, missed, wrong = (int(counts[name].sum()) for name in ("found", "missed", "wrong"))
    return 2 * found / max(1, 2 * found + missed + wrong)
