"""Tasks on frozen vectors: a corpus is read once by an encoder, and all trials share the vectors.

Their inputs hold, beside the labels, "<split>.features" (n, d): :mod:`helpers.trials.domains` and
:mod:`helpers.trials.few_shot` read nothing else. A corpus "20newsgroups:rec-talk" is a part, by
name, of the texts before the colon.
"""

from typing import Any

import numpy as np

from helpers.trials.trial import Trial

TASKS = ("domains", "episodes")
"""Tasks whose trials read vectors."""

SPLITS = ("train", "validation", "test")


def facts(corpus: str, task: str, loaded: Any) -> dict[str, Any]:
    """Return the sizes of a task: labelled items to draw from, scored items of each split.

    Args:
        corpus: as :class:`helpers.trials.trial.Trial` has it.
        task: one of :data:`TASKS`.
        loaded: the corpus.
    """
    labels = {split: np.array(loaded.splits[split]["label"]) for split in SPLITS}
    if task == "episodes":
        from helpers.trials.few_shot import EPISODES

        return {"train": len(labels["train"])} | EPISODES
    from helpers.trials.domains import select

    names = list(loaded.label_names)
    sizes = {split: len(select(labels[split], names, corpus, "target")[0]) for split in SPLITS}
    validation = select(labels["validation"], names, corpus, "source")[0]
    return sizes | {"source_validation": len(validation)}


def score(trial: Trial, items: Any, inputs: Any) -> float:
    """Return the share of right answers on the scored items, in [0, 1]."""
    if trial.task == "episodes":
        return float(np.mean(items["right"] / items["asked"].astype(float)))
    from helpers.trials.domains import truth_of

    return float((items["predicted"] == truth_of(trial, inputs)).mean())


def vectors(rows: list[Any], model: str, place: dict[str, Any]) -> np.ndarray:
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
