"""Trials of replies that are looked up: contexts with their candidates, mean reciprocal rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.rows import Inputs, flat, pack_texts, seen_by
from helpers.trials.tasks.base import Material, Setup, TrialTask, among, crossed

if TYPE_CHECKING:
    from helpers.tasks.base import Task
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm, Grid
    from helpers.trials.trial import Trial

BATCH_PAIRS = 32
"""Pairs of a step of a bi-encoder: each context has so many candidates in training."""

RATES_OF_RANKERS = {"fine_tuned": (2e-5, 1e-4, 5e-4), "from_scratch": (1e-4, 5e-4, 2e-3)}
"""Of bi-encoders: what was pretrained for this very task should move little; far apart, so that the
best is not at an end."""


PASSES = {"fine_tuned": (1, 2), "from_scratch": (8, 24)}
"""Of bi-encoders over their pairs: what starts from random weights has to learn the words first."""


def _passes(*times: int) -> Grid:
    """Return a grid of learning rates and steps, those of so many passes over the pairs."""

    def grid(labels: int, rates: Sequence[float]) -> list[dict[str, Any]]:
        once = max(1, labels // BATCH_PAIRS)
        return crossed(learning_rate=rates, steps=[passes * once for passes in times])

    return grid


class Retrieval(TrialTask):
    """A context: first and last place of the right reply among its candidates, ``ranks``.

    Two columns, different where scores are tied.
    """

    name = "retrieval"
    protocol = 1
    items = ("ranks",)
    texts_an_item = 2
    setups: ClassVar = {
        "random": Setup(reads="texts", cheap=True),
        "bm25": Setup(among(k1=(0.6, 1.2, 2.0), b=(0.25, 0.75)), reads="tokens", cheap=True),
        "frozen": Setup(cheap=True),
        **{arm: Setup(_passes(*PASSES[arm]), rates) for arm, rates in RATES_OF_RANKERS.items()},
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import rankers

        return {
            "random": rankers.random_order,
            "bm25": rankers.bm25,
            "frozen": rankers.frozen,
            "fine_tuned": rankers.fine_tuned,
            "from_scratch": rankers.from_scratch,
        }

    def batch(self) -> dict[str, Any]:
        """Return how many pairs a step sees."""
        return {"batch_pairs": BATCH_PAIRS}

    def load(self, corpus: str, max_length: int) -> Task:
        """Return pairs of context and reply as a task."""
        from helpers.sources.dialogues import load_dialogues
        from helpers.tasks.retrieval import ReplyRetrieval

        return ReplyRetrieval(load_dialogues(corpus), max_length)

    def arrays(self, given: Material, split: str) -> dict[str, np.ndarray]:
        """Return each pair as one row of tokens, context and reply one behind the other."""
        from helpers.tasks.bi_encoder import CONTEXT, REPLY

        task = given.task
        items = task.items(split)
        arrays: dict[str, np.ndarray] = {}
        sides = {"context": items["source"][:], "reply": items["target"][:]}
        if split != "train":
            arrays["candidates"] = task.candidates(split).astype(np.int32)
        if given.tokenizer is not None:
            rows = {name: task.encode(texts, given.tokenizer) for name, texts in sides.items()}
            pairs = list(zip(*rows.values(), strict=True))
            arrays["ids"], arrays["starts"] = flat(
                [asked + reply for asked, reply in pairs], np.int32
            )
            marks = [[CONTEXT] * len(asked) + [REPLY] * len(reply) for asked, reply in pairs]
            arrays["labels"], _ = flat(marks, np.int8)
            sides = {
                name: seen_by(texts, given.tokenizer, task.max_length)
                for name, texts in sides.items()
            }
        for name, texts in sides.items():
            arrays[name], arrays[f"{name}_starts"] = pack_texts(texts)
        return arrays

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return the mean reciprocal rank, in (0, 1]."""
        from helpers.evaluation.retrieval import reciprocal_ranks

        return float(reciprocal_ranks(outcome.items["ranks"]).mean())
