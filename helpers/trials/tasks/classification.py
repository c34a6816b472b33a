"""Trials of text classification: labelled texts, the class of each, accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.rows import Inputs, flat, pack_texts, seen_by
from helpers.trials.tasks.base import Material, Setup, TrialTask, by_root, crossed

if TYPE_CHECKING:
    from helpers.tasks.base import Task
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm
    from helpers.trials.trial import Trial

HEADS = (0.1, 10.0)
"""Inverse penalties of the first of two phases. The second learns little from a head that is sure
of every labelled text already: with 64 labels of R8 (tuning draw, `minilm`) the loss on them is
0.048 nats with the first penalty and 0.001 with the second."""

STUDENT = {"layers": 3, "unlabelled": 1024, "hard": 0.5, "temperature": 2.0}
"""What a student is and sees: so many layers, so many texts without labels beside the labelled."""

PENALTIES = (0.3, 3.0, 30.0, 300.0, 3e3, 3e4)
"""Inverse ones, of a linear classifier."""

WEAK = (1.0, 20.0, 400.0, 8e3, 2e5, 4e6)
"""The same for the numbers of vectors of length 1, which are small."""

DIMENSIONS = 256
"""Numbers of a static embedding."""

LOW, MIDDLE, HIGH = (1e-4, 3e-4, 1e-3), (3e-4, 1e-3, 3e-3), (3e-3, 1e-2, 3e-2)
"""Learning rates that are tried: higher ones where few parameters learn."""


def by_penalty(labels: int, penalties: Sequence[float]) -> list[dict[str, Any]]:
    """Return settings of a linear classifier, which differ in the penalty."""
    return crossed(regularization=penalties)


def two_phases(labels: int, rates: Sequence[float]) -> list[dict[str, Any]]:
    """Return settings of two phases, as long as one phase at most is: the comparison is fair."""
    steps = round(15 * math.sqrt(labels))
    return crossed(learning_rate=rates, steps=(steps,), regularization=HEADS)


BY_STRATEGY = {
    "two_phase": Setup(two_phases, LOW),
    "top_layer": Setup(by_root(5, 15), LOW),
    "lora": Setup(by_root(5, 15), MIDDLE),
    "adapter": Setup(by_root(5, 15), MIDDLE),
    "bitfit": Setup(by_root(5, 15), HIGH),
    "discriminative_rates": Setup(by_root(5, 15), MIDDLE),
    "mixout": Setup(by_root(5, 15), MIDDLE),
}
"""Arms that fine-tune in another way than all parameters at once with one learning rate: one of
each family, those that decide a claim or cost least first."""


def _smaller(cheap: bool = True, **adds: Any) -> Setup:
    """Return an arm that makes the fine-tuned network of its draw smaller."""
    return Setup(cheap=cheap, adds=adds, starts_from=("fine_tuned",))


COMPRESSED = {
    "uncompressed": _smaller(),
    "int8": _smaller(bits=8),
    "pruned_50": _smaller(sparsity=0.5),
    "pruned_80": _smaller(sparsity=0.8),
    "three_layers": _smaller(layers=STUDENT["layers"]),
    # a student starts from a network that is fine-tuned already and gets half of its steps
    "distilled": Setup(by_root(2.5, 7.5), LOW, adds=STUDENT, starts_from=("fine_tuned",)),
    "small": Setup(
        adds=STUDENT | {"bits": 8, "trimmed": 1}, starts_from=("fine_tuned", "distilled")
    ),
}
"""Arms that start from the fine-tuned network of their draw, and what each does with it."""


class Classification(TrialTask):
    """The class of a text; ``predicted`` and its ``probability`` (half precision) are kept."""

    name = "classification"
    protocol = 1
    items: Sequence[str] = ("predicted", "probability")
    setups: ClassVar = {
        "majority": Setup(reads="texts", cheap=True),
        "tfidf": Setup(by_penalty, PENALTIES, reads="tokens", cheap=True),
        "tfidf_whole": Setup(by_penalty, PENALTIES, reads="texts", cheap=True),
        "static": Setup(by_penalty, WEAK, cheap=True, adds={"dimensions": DIMENSIONS}),
        "frozen": Setup(by_penalty, PENALTIES, cheap=True),
        "fine_tuned": Setup(by_root(5, 15), LOW),
        # about four times as many as a pretrained network: its training loss is then at 0
        "from_scratch": Setup(by_root(20, 20, more=320), LOW),
        **BY_STRATEGY,
        **COMPRESSED,
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import compressed, frozen, networks, references, strategies

        return {
            "majority": references.majority,
            "tfidf": references.tfidf,
            "tfidf_whole": references.tfidf,
            "static": frozen.static,
            "frozen": frozen.frozen,
            "fine_tuned": networks.fine_tuned,
            "from_scratch": networks.from_scratch,
            **{name: strategies.arm(name) for name in BY_STRATEGY},
            "uncompressed": compressed.uncompressed,
            "int8": compressed.int8,
            "pruned_50": compressed.pruned,
            "pruned_80": compressed.pruned,
            "three_layers": compressed.fewer_layers,
            "distilled": compressed.distilled,
            "small": compressed.small,
        }

    def fixed(self, setup: Setup, stepwise: bool, pooling: str) -> dict[str, Any]:
        """Return what holds for all arms, and what the study's heads read."""
        found = super().fixed(setup, stepwise, pooling)
        return found | {"pooling": pooling} if found else found

    def travels(self, trial: Trial) -> bool:
        """Tell whether torch is enough (or peft); two phases fit a probe of scikit-learn."""
        return super().travels(trial) and trial.arm != "two_phase"

    def load(self, corpus: str, max_length: int) -> Task:
        """Return labelled texts as a task."""
        from helpers.sources import corpora
        from helpers.tasks.classification import TextClassification

        return TextClassification(corpora.load_texts(corpus), max_length)

    def arrays(self, given: Material, split: str) -> dict[str, np.ndarray]:
        """Return classes, texts as the model sees them, and their tokens."""
        task, tokenizer = given.task, given.tokenizer
        items = task.items(split)
        texts = items["text"][:]
        arrays = {"labels": np.array(items["label"][:], dtype=np.int32)}
        if tokenizer is not None:
            rows = task.encode(items, tokenizer)["input_ids"]
            arrays["ids"], arrays["starts"] = flat(list(rows), np.int32)
            texts = seen_by(texts, tokenizer, task.max_length)
        arrays["text"], arrays["text_starts"] = pack_texts(texts)
        return arrays

    def beside(self, given: Material) -> dict[str, Any]:
        """Return the names of the classes."""
        return {"names": given.task.corpus.label_names}

    def strata(self, inputs: Inputs) -> np.ndarray:
        """Return the classes."""
        classes: np.ndarray = inputs["train.labels"]
        return classes

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return accuracy, in [0, 1]."""
        truth = read()[f"{trial.split}.labels"]
        return float((outcome.items["predicted"] == truth).mean())

    def of_logits(
        self, logits: Sequence[np.ndarray], inputs: Inputs, split: str
    ) -> dict[str, np.ndarray]:
        """Return class and probability."""
        from helpers.trials import answers

        return answers.classes(logits)

    def watched(self, logits: Sequence[np.ndarray], inputs: Inputs, places: np.ndarray) -> float:
        """Return accuracy."""
        truth = inputs["validation.labels"][places]
        return float((np.stack(logits).argmax(1) == truth).mean())
