"""Tasks on frozen vectors: a corpus is read once by an encoder, and all trials share the vectors.

Their inputs hold, beside the labels, "<split>.features" (n, d): :mod:`helpers.trials.domains` and
:mod:`helpers.trials.few_shot` read nothing else. A corpus "20newsgroups:rec-talk" is a part, by
name, of the texts before the colon.
"""

from typing import Any

import numpy as np

from helpers.sources.newsgroups import NEWSGROUP_PAIRS
from helpers.sources.sampling import DRAWS
from helpers.trials import domains, few_shot
from helpers.trials.trial import Trial

TASKS = ("domains", "episodes")
"""Tasks whose trials read vectors."""

SPLITS = ("train", "validation", "test")


DOMAIN_ARMS = (
    "majority", "source_only", "target_only", "pooled", "joint", "coral", "importance",
    "self_training",
)  # fmt: skip
EPISODE_ARMS = ("constant", "nearest_mean", "fresh_head", *few_shot.LEARNERS)

ONLY_HERE = tuple(arm for arm in (*DOMAIN_ARMS[1:], *EPISODE_ARMS) if arm != "joint")
"""Arms that no other task has; all take seconds."""

PENALTIES = dict.fromkeys(DOMAIN_ARMS[1:], (1.0, 0.1, 0.03, 0.01, 0.003, 0.001)) | {
    "joint": (0.1, 0.01)
}
"""Inverse penalties of linear models on frozen vectors: the joint one has its λ to choose too. Of
equally good ones the first is taken, the weakest. With stronger penalties than these the weights
are so small that the intercept, which has none, says the larger class of the draw."""

PRACTICE = dict.fromkeys(few_shot.LEARNERS, (0.1, 0.3, 1.0)) | {
    "fresh_head": (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0),
    "prototypical": (1e-5, 1e-4, 1e-3),
}
"""Learning rates of what practises on episodes, inverse penalties of plain fine-tuning."""

FIXED: dict[str, dict[str, Any]] = {
    "domains": {"source_labels": domains.SOURCE_LABELS},
    "episodes": {"ways": 4, "shots": 3, "queries": 5},
}
"""Parts of the setting that are the question's and not a choice, by task."""


QUESTIONS: dict[str, dict[str, Any]] = {
    f"domains_{pair}": {
        "task": "domains",
        "corpus": f"20newsgroups:{pair}",
        "arms": DOMAIN_ARMS,
        "labels": (32, 160),
        "draws": 2 * DRAWS,
        "rates": PENALTIES,
        "notebook": "14",
    }
    for pair in NEWSGROUP_PAIRS
} | {
    "few_shot": {
        "task": "episodes",
        "corpus": "20newsgroups:few-shot",
        "arms": EPISODE_ARMS,
        "labels": (12,),
        "rates": PRACTICE,
        "notebook": "14",
    }
}
"""The studies on vectors, as :class:`helpers.trials.studies.Question` takes them."""


def chosen_on(task: str, arm: str) -> str:
    """Return the split on which the setting of an arm is chosen.

    >>> chosen_on("domains", "coral"), chosen_on("domains", "joint")
    ('source_validation', 'validation')
    """
    blind = task == "domains" and arm in domains.BLIND
    return "source_validation" if blind else "validation"


def facts(corpus: str, task: str, loaded: Any) -> dict[str, Any]:
    """Return the sizes of a task: labelled items to draw from, scored items of each split.

    Args:
        corpus: as :class:`helpers.trials.trial.Trial` has it.
        task: one of :data:`TASKS`.
        loaded: the corpus.
    """
    labels = {split: np.array(loaded.splits[split]["label"]) for split in SPLITS}
    if task == "episodes":
        return {"train": len(labels["train"])} | few_shot.EPISODES
    names = list(loaded.label_names)
    sizes = {
        split: len(domains.select(labels[split], names, corpus, "target")[0]) for split in SPLITS
    }
    validation = domains.select(labels["validation"], names, corpus, "source")[0]
    return sizes | {"source_validation": len(validation)}


def score(trial: Trial, items: Any, inputs: Any) -> float:
    """Return the share of right answers on the scored items, in [0, 1]."""
    if trial.task == "episodes":
        return float(np.mean(items["right"] / items["asked"].astype(float)))
    return float((items["predicted"] == domains.truth_of(trial, inputs)).mean())


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
