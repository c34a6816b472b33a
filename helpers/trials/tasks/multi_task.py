"""Trials of several tasks at once: fields of discussion groups, the group of each text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.trials.rows import Inputs
from helpers.trials.tasks.base import SPLITS, Setup, by_root
from helpers.trials.tasks.classification import PENALTIES, Classification, by_penalty

if TYPE_CHECKING:
    from helpers.tasks.base import Task
    from helpers.trials.outcome import Outcome
    from helpers.trials.tasks.base import Arm
    from helpers.trials.trial import Trial

_NETWORK = Setup(by_root(15), (5e-5, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3))
"""Six rates and one length, so that whichever are chosen no arm costs more than another."""


class MultiTask(Classification):
    """The group of a text among those of its field, ``predicted``, as a number among all groups.

    A corpus "20newsgroups:fields" is all texts of the name before the colon whose field has two
    groups or more; they are kept as those of classification are, and chosen where they are used.
    """

    name = "multi_task"
    protocol = 1
    items = ("predicted",)
    batch_tokens = 512  # a field alone has a few dozen texts
    setups: ClassVar = {
        "majority": Setup(reads="texts", cheap=True),
        "frozen": Setup(by_penalty, PENALTIES, cheap=True),
        "single_task": _NETWORK,
        "multi_task": _NETWORK,
    }

    @property
    def inputs(self) -> str:
        """What trials read is what those of classification read."""
        return Classification.name

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does."""
        from helpers.trials import multi_task

        return {
            "majority": multi_task.majority,
            "frozen": multi_task.frozen,
            "single_task": multi_task.single_task,
            "multi_task": multi_task.multi_task,
        }

    def fixed(self, setup: Setup, stepwise: bool, pooling: str) -> dict[str, Any]:
        """Return what holds for all arms; every head reads the mean."""
        return super().fixed(setup, stepwise, "mean")

    def travels(self, trial: Trial) -> bool:
        """Tell that no trial does: joining losses stands among what needs ``datasets``."""
        return False

    def load(self, corpus: str, max_length: int) -> Task:
        """Return all texts as a task, those of no field among them."""
        return super().load(corpus.partition(":")[0], max_length)

    def sizes(self, corpus: str, task: Any) -> dict[str, int]:
        """Return how many texts of fields each split has."""
        from helpers.trials.fields import select

        data = task.corpus
        return {
            split: len(select(data.splits[split]["label"], data.label_names)) for split in SPLITS
        }

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return the mean over fields of the accuracy in each, in [0, 1]."""
        from helpers.evaluation.worst import by_domain, mean_of_domains
        from helpers.trials.fields import truth_of

        truth, fields = truth_of(trial, read())
        right = outcome.items["predicted"] == truth
        return float(mean_of_domains(by_domain(right, fields).mean(0)))
