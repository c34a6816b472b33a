"""Trials of few labels: small tasks one after the other, the share of right answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from helpers.trials.rows import Inputs
from helpers.trials.tasks.base import Setup, among, crossed
from helpers.trials.tasks.vectors import OnVectors

if TYPE_CHECKING:
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm
    from helpers.trials.trial import Trial

EPISODES = {"validation": 60, "test": 100}
"""Scored episodes of each split."""


def _practice(labels: int, rates: Sequence[float]) -> list[dict[str, Any]]:
    return crossed(rate=rates, tasks=(300, 1000))


PRACTISED = {
    "prototypical": Setup(_practice, (1e-5, 1e-4, 1e-3), cheap=True),
    **dict.fromkeys(("reptile", "fomaml", "anil"), Setup(_practice, (0.1, 0.3, 1.0), cheap=True)),
}


class Episodes(OnVectors):
    """An episode's texts: how many were ``asked``, and how many answers are ``right``."""

    name = "episodes"
    protocol = 1
    items = ("right", "asked")
    question: ClassVar = {"ways": 4, "shots": 3, "queries": 5}
    setups: ClassVar = {
        "constant": Setup(cheap=True),
        "nearest_mean": Setup(cheap=True),
        "fresh_head": Setup(among(regularization=(1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)), cheap=True),
        **PRACTISED,
    }

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import few_shot

        return {
            "constant": few_shot.constant,
            "nearest_mean": few_shot.nearest_mean,
            "fresh_head": few_shot.fresh_head,
            "prototypical": few_shot.prototypical,
            "reptile": few_shot.reptile,
            "fomaml": few_shot.fomaml,
            "anil": few_shot.anil,
        }

    def sizes(self, corpus: str, task: Any) -> dict[str, int]:
        """Return how many texts there are to practise on, and the scored episodes."""
        return {"train": len(task.corpus.splits["train"]["label"])} | EPISODES

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return the share of right answers in an episode, the mean, in [0, 1]."""
        return float(np.mean(outcome.items["right"] / outcome.items["asked"].astype(float)))
