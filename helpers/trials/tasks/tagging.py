"""Trials of named entities: tagged sentences, the names in each, F1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.rows import Inputs, flat, pack_texts
from helpers.trials.tasks.base import Material, Setup, TrialTask, among, by_root

if TYPE_CHECKING:
    from datasets import Dataset

    from helpers.tasks.base import Task
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm
    from helpers.trials.trial import Trial


RATES = (1e-4, 3e-4, 1e-3)
"""Learning rates of whole networks."""


class Tagging(TrialTask):
    """Names in a sentence: how many are ``found``, ``missed`` and made up, a column a type."""

    name = "tagging"
    protocol = 1
    items = ("found", "missed", "wrong")
    setups: ClassVar = {
        "dictionary": Setup(
            among(least=(0.0, 0.2, 0.35, 0.5, 0.65, 0.8)), reads="texts", cheap=True
        ),
        "linear": Setup(
            among(strength=(1e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4)), reads="texts", cheap=True
        ),
        "untrained": Setup(cheap=True),
        "frozen": Setup(by_root(5, 15), (3e-3, 1e-2, 3e-2), cheap=True),
        "fine_tuned": Setup(by_root(5, 15), RATES),
        "from_scratch": Setup(by_root(20, 20, more=320), RATES),
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import networks, references

        return {
            "dictionary": references.dictionary,
            "linear": references.linear,
            "untrained": networks.untrained,
            "frozen": networks.frozen_tagger,
            "fine_tuned": networks.fine_tuned,
            "from_scratch": networks.from_scratch,
        }

    def fixed(self, setup: Setup, stepwise: bool, pooling: str) -> dict[str, Any]:
        """Return what holds for all arms, and that every token has a head."""
        found = super().fixed(setup, stepwise, pooling)
        return found | {"pooling": "token"} if found else found

    def load(self, corpus: str, max_length: int) -> Task:
        """Return tagged articles as a task."""
        from helpers.sources import corpora
        from helpers.tasks.tagging import TokenTagging
        from helpers.tasks.tags import DEFAULT

        texts = corpora.load_texts(corpus, text_column="tagged", label_column=None)
        return TokenTagging(texts, DEFAULT, max_length)

    def arrays(self, given: Material, split: str) -> dict[str, np.ndarray]:
        """Return sentences, their tags and articles, and windows of tokens."""
        return self.sentences(given, self.chosen(given.task, split))

    def chosen(self, task: Any, split: str) -> Dataset:
        """Return the sentences of a split that trials read."""
        found: Dataset = task.items(split)
        return found

    def sentences(self, given: Material, items: Dataset) -> dict[str, np.ndarray]:
        """Return :meth:`arrays` of some sentences."""
        task = given.task
        number = {name: i for i, name in enumerate(task.label_names)}
        arrays: dict[str, np.ndarray] = {}
        arrays["text"], arrays["text_starts"] = pack_texts(items["text"][:])
        arrays["tags"], arrays["tag_starts"] = flat(
            [[number[tag] for tag in each] for each in items["tags"][:]], np.uint8
        )
        articles = np.unique(items["article"][:], return_inverse=True)[1]
        arrays["article"] = articles.astype(np.int32)
        if given.tokenizer is not None:
            rows = task.encode(items, given.tokenizer)
            arrays["ids"], arrays["starts"] = flat(rows["input_ids"][:], np.int32)
            arrays["sentence"] = np.array(rows["sentence"], dtype=np.int32)
            columns = (("labels", "labels"), ("own_starts", "starts"), ("own_ends", "ends"))
            for name, column in columns:
                arrays[name], _ = flat(list(rows[column]), np.int16)
        return arrays

    def beside(self, given: Material) -> dict[str, Any]:
        """Return the names of the tags."""
        task = given.task
        return {"names": task.label_names}

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return F1 of names, in [0, 1]."""
        from helpers.trials.answers import f1_of

        return f1_of(dict(outcome.items))

    def of_logits(
        self, logits: Sequence[np.ndarray], inputs: Inputs, split: str
    ) -> dict[str, np.ndarray]:
        """Return names found, missed and made up."""
        from helpers.trials import answers

        return answers.names(logits, inputs, split)

    def watched(self, logits: Sequence[np.ndarray], inputs: Inputs, places: np.ndarray) -> float:
        """Return F1 of names."""
        from helpers.trials import answers

        return answers.f1_of(answers.names(logits, inputs, "validation", places))
