"""Trials of language models: documents of a target and of its source, bits per byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.rows import Inputs, flat
from helpers.trials.tasks.base import Grid, Material, Setup, TrialTask, among, crossed

if TYPE_CHECKING:
    from helpers.tasks.base import Task
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm
    from helpers.trials.trial import Trial

TWO_PHASE = {"preliminary": 0.5, "refined": 1 / 3}
"""Share of the cost of the first of two phases, and the second's rate as a share of the first's."""

WEIGHTS = (0.25, 1.0, 4.0, 16.0)
"""λ of a joint objective, those that are tried; its ends are arms of their own."""


def _steps(steps: int, **first: Any) -> Grid:
    """Return a grid of learning rates at fixed steps, so that all arms cost alike."""
    return lambda labels, rates: crossed(**first, learning_rate=rates, steps=(steps,))


_RATES = (3e-4, 1e-3, 3e-3)


class LanguageModels(TrialTask):
    """A document: its summed loss in ``nats``, its ``bytes`` as UTF-8, whether it ``is_target``."""

    name = "language_modeling"
    protocol = 1
    items = ("nats", "bytes", "is_target")
    batch_tokens = 512
    causal = True
    setups: ClassVar = {
        "unigram": Setup(
            among(smoothing=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0)), reads="tokens", cheap=True
        ),
        "untuned": Setup(cheap=True),
        "fine_tuned": Setup(_steps(40), _RATES),
        "source_continued": Setup(_steps(40), (1e-4, 3e-4, 1e-3)),
        "joint": Setup(_steps(40, weight=WEIGHTS), _RATES),
        "two_phase": Setup(_steps(40), _RATES, adds=TWO_PHASE),  # the first phase's rates
        "from_scratch": Setup(_steps(80), _RATES),
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import language

        return {
            "unigram": language.unigram,
            "untuned": language.untuned,
            "fine_tuned": language.fine_tuned,
            "from_scratch": language.from_scratch,
            "source_continued": language.source_continued,
            "two_phase": language.two_phase,
            "joint": language.joint,
        }

    def load(self, corpus: str, max_length: int) -> Task:
        """Return the documents of a label, and all others, as a task."""
        from helpers.tasks.new_domain import NewDomain

        return NewDomain.named(corpus, max_length)

    def arrays(self, given: Material, split: str) -> dict[str, np.ndarray]:
        """Return documents as rows, and whether each is of the target."""
        items = given.task.items(split)
        marks = np.array(items["is_target"][:], dtype=np.uint8)
        return _rows(given.task.encode(items, given.tokenizer)) | {"is_target": marks}

    def beside(self, given: Material) -> dict[str, Any]:
        """Return the source's documents to go on learning from, and how many tokens there are."""
        if given.tokenizer is None:
            return {}
        task = given.task
        source = _rows(task.encode(task.source("train"), given.tokenizer))
        found: dict[str, Any] = {f"source.{name}": array for name, array in source.items()}
        return found | {"vocabulary": len(given.tokenizer)}

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return minus bits per byte of the target."""
        from helpers.evaluation import bits

        chosen = outcome.items["is_target"] == 1
        return bits.negative_of(outcome.items["nats"][chosen], outcome.items["bytes"][chosen])


def _rows(rows: Any) -> dict[str, np.ndarray]:
    """Return rows of documents: ids, where each begins, a label a token, bytes of the text."""
    ids, starts = flat(rows["input_ids"][:], np.int32)
    labels, _ = flat(rows["labels"][:], np.int32)
    sizes = np.array(rows["bytes"], dtype=np.int32)
    return {"ids": ids, "starts": starts, "labels": labels, "bytes": sizes}
