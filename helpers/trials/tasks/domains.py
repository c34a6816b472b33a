"""Trials of two domains: labels of a source, few of a target, accuracy on the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.rows import Inputs
from helpers.trials.tasks.base import SPLITS, Setup, among, crossed
from helpers.trials.tasks.vectors import OnVectors

if TYPE_CHECKING:
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm
    from helpers.trials.trial import Trial

SOURCE_LABELS = 160
"""Labelled texts of the source: about as many as ten draws can have without sharing any."""

BLIND = ("source_only", "coral", "importance", "self_training")
"""Arms that see no label of the target."""

_LINEAR = Setup(among(regularization=(1.0, 0.1, 0.03, 0.01, 0.003, 0.001)), cheap=True)
"""One linear model on frozen vectors, with its inverse penalty to choose. Of equally good ones the
first is taken, the weakest. With stronger penalties than these the weights are so small that the
intercept, which has none, says the larger class of the draw."""


class Domains(OnVectors):
    """The class of a text of another domain, ``predicted``."""

    name = "domains"
    protocol = 1
    items = ("predicted",)
    question: ClassVar = {"source_labels": SOURCE_LABELS}
    setups: ClassVar = {
        "majority": Setup(cheap=True),
        "source_only": _LINEAR,
        "target_only": _LINEAR,
        "pooled": _LINEAR,
        "joint": Setup(  # has its λ to choose too
            lambda labels, rates: crossed(weight=(1.0, 5.0, 25.0), regularization=(0.1, 0.01))
        ),
        "coral": _LINEAR,
        "importance": _LINEAR,
        "self_training": _LINEAR,
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import domains

        return {
            "majority": domains.majority,
            "source_only": domains.source_only,
            "target_only": domains.target_only,
            "pooled": domains.joint,
            "joint": domains.joint,
            "coral": domains.coral,
            "importance": domains.importance,
            "self_training": domains.self_training,
        }

    def chosen_on(self, arm: str) -> str:
        """Return validation texts of the source for arms that see no label of the target.

        >>> Domains().chosen_on("coral"), Domains().chosen_on("joint")
        ('source_validation', 'validation')
        """
        return "source_validation" if arm in BLIND else "validation"

    def sizes(self, corpus: str, task: Any) -> dict[str, int]:
        """Return the texts of the target in each split, and of the source in validation."""
        from helpers.trials.domains import select

        names = list(task.corpus.label_names)
        labels = {split: np.array(task.corpus.splits[split]["label"][:]) for split in SPLITS}
        sides = {split: ("target", split) for split in SPLITS}
        sides["source_validation"] = ("source", "validation")
        return {
            name: len(select(labels[split], names, corpus, side)[0])
            for name, (side, split) in sides.items()
        }

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return accuracy, in [0, 1]."""
        from helpers.trials.domains import truth_of

        return float((outcome.items["predicted"] == truth_of(trial, read())).mean())
