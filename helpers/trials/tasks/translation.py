"""Trials of translation: pairs of texts, the text that is written, chrF."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.rows import Inputs, flat, pack_texts
from helpers.trials.tasks.base import Material, Setup, TrialTask, among, crossed

if TYPE_CHECKING:
    from helpers.tasks.base import Task
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm
    from helpers.trials.trial import Trial


def _equal_cost(labels: int, rates: Sequence[float]) -> list[dict[str, Any]]:
    """Return settings of a network that writes, pretrained or not."""
    return crossed(learning_rate=rates, steps=(200, 400))


_WRITER = Setup(_equal_cost, (1e-3, 3e-3, 1e-2))


class Translating(TrialTask):
    """The text ``written`` (UTF-8, zeros behind it), and what sacrebleu counts in it.

    ``chrf`` and ``bleu`` are those counts, so that the scores of any choice of items can be had.
    """

    name = "translation"
    protocol = 1
    items = ("written", "chrf", "bleu")
    batch_tokens = 512  # about 15 pairs
    causal = True
    setups: ClassVar = {
        "copy": Setup(reads="texts", cheap=True),
        "glossary": Setup(among(least=(0.0, 0.2, 0.3, 0.4, 0.5, 0.6)), reads="texts", cheap=True),
        "memory": Setup(among(longest=(2, 3, 4, 5, 6, 8)), reads="texts", cheap=True),
        "fine_tuned": _WRITER,
        "from_scratch": _WRITER,
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import translating

        return {
            "copy": translating.copy,
            "glossary": translating.glossary,
            "memory": translating.memory,
            "fine_tuned": translating.fine_tuned,
            "from_scratch": translating.from_scratch,
        }

    def fixed(self, setup: Setup, stepwise: bool, pooling: str) -> dict[str, Any]:
        """Return what holds for all arms, and how long a text may get, in tokens."""
        found = super().fixed(setup, stepwise, pooling)
        return found | {"max_new_tokens": 96} if found else found

    def travels(self, trial: Trial) -> bool:
        """Return False: sacrebleu counts from texts."""
        return False

    def load(self, corpus: str, max_length: int) -> Task:
        """Return short pairs as a task."""
        from helpers.trials import translating

        return translating.load(corpus, max_length)

    def arrays(self, given: Material, split: str) -> dict[str, np.ndarray]:
        """Return both sides of each pair, and their row of tokens."""
        items = given.task.items(split)
        arrays: dict[str, np.ndarray] = {}
        arrays["text"], arrays["text_starts"] = pack_texts(items["source"][:])
        arrays["target"], arrays["target_starts"] = pack_texts(items["target"][:])
        if given.tokenizer is not None:
            rows = given.task.encode(items, given.tokenizer)
            arrays["ids"], arrays["starts"] = flat(rows["input_ids"][:], np.int32)
            arrays["labels"], _ = flat(rows["labels"][:], np.int32)
        return arrays

    def beside(self, given: Material) -> dict[str, Any]:
        """Return the ids that end a text and that fill a row; none where nobody writes."""
        if given.tokenizer is None:
            return {"names": []}
        from helpers.tasks.bytepairs import boundaries

        last = boundaries(given.tokenizer)[1]
        filler = given.tokenizer.pad_token_id
        return {"names": [last, last if filler is None else filler]}

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return chrF / 100, in [0, 1]."""
        from helpers.trials.translating import chrf

        return chrf(outcome) / 100
