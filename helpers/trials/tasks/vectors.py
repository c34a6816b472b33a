"""Tasks on frozen vectors: a corpus is read once by an encoder, and all trials share the vectors.

Their inputs hold, beside the labels, "<split>.features" (n, d): :mod:`helpers.trials.domains` and
:mod:`helpers.trials.few_shot` read nothing else. A corpus "20newsgroups:rec-talk" is a part, by
name, of the texts before the colon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.tasks.base import Material, Setup, TrialTask

if TYPE_CHECKING:
    from helpers.tasks.base import Task
    from helpers.trials.trial import Trial


class OnVectors(TrialTask):
    """What tasks on frozen vectors have in common.

    Attributes:
        question: parts of the setting that are the question's and not a choice.
    """

    question: ClassVar[Mapping[str, Any]]

    @property
    def inputs(self) -> str:
        """All tasks on vectors read the same."""
        return "vectors"

    def fixed(self, setup: Setup, stepwise: bool, pooling: str) -> dict[str, Any]:
        """Return what the question says."""
        return dict(self.question)

    def seconds(self, trial: Trial) -> float:
        """Return about how long a trial takes: a hundredth of a second an episode of practice."""
        return float(trial.options.get("tasks", 100) / 100)

    def load(self, corpus: str, max_length: int) -> Task:
        """Return all texts, whatever part is meant, as a task."""
        from helpers.sources import corpora
        from helpers.tasks.classification import TextClassification

        return TextClassification(corpora.load_texts(corpus.partition(":")[0]), max_length)

    def arrays(self, given: Material, split: str) -> dict[str, np.ndarray]:
        """Return classes and vectors."""
        items = given.task.items(split)
        ids = given.task.encode(items, given.tokenizer)["input_ids"]
        features = vectors(list(ids), given.model, given.place)
        return {"labels": np.array(items["label"][:], dtype=np.int32), "features": features}

    def beside(self, given: Material) -> dict[str, Any]:
        """Return the names of the classes."""
        return {"names": given.task.corpus.label_names}


def vectors(rows: list[Any], model: str, place: Mapping[str, Any]) -> np.ndarray:
    """Return the standardized mean vector of every row of token ids, (n, d), 32-bit floats."""
    from transformers import AutoModel

    from helpers.sources import loading
    from helpers.sources.variants import variant
    from helpers.tasks.heads import MeanPooledClassifier
    from helpers.training.loop import read

    chosen = variant(model)
    backbone = loading.from_folder(
        place["folder"] or "", AutoModel, name=chosen.name, gguf=place["gguf"], **chosen.config
    )
    items = [(np.asarray(ids), np.array(0)) for ids in rows]
    return np.stack(read(MeanPooledClassifier(backbone, 1), items, features=True))
