"""What a kind of trial is: its arms and what they read, its inputs, its items, its score.

One module a task beside this one, and a line in :data:`helpers.trials.tasks.TASKS`. Such a module
is light to import, so that a list of trials needs no torch; what needs more is imported where it is
done.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from helpers.trials.rows import Inputs, n_items

if TYPE_CHECKING:
    import torch

    from helpers.tasks.base import Task
    from helpers.trials.outcome import Outcome
    from helpers.trials.trial import Trial

Folders = Mapping[str, Mapping[str, str | None]]
"""Folder and GGUF file of each model by name."""

Arm = Callable[["Trial", Inputs, Folders, "torch.device"], "Outcome"]
"""What is done with the labels of a trial."""

Grid = Callable[[int, Sequence[float]], list[dict[str, Any]]]
"""From label count and rates to the settings that are tried: six, or fewer of like lengths."""

SPLITS = ("train", "validation", "test")
"""Of a corpus."""

TOKENS_A_SECOND = 1500.0
"""Of one process of an ordinary processor that trains a small BERT; only for estimates."""


def crossed(**numbers: Sequence[Any]) -> list[dict[str, Any]]:
    """Return every combination of some numbers, those named last varying fastest.

    >>> crossed(rate=(0.1, 0.2), steps=(4, 8))[:3]
    [{'rate': 0.1, 'steps': 4}, {'rate': 0.1, 'steps': 8}, {'rate': 0.2, 'steps': 4}]
    """
    return [dict(zip(numbers, each, strict=True)) for each in itertools.product(*numbers.values())]


def among(**numbers: Sequence[Any]) -> Grid:
    """Return the grid of :func:`crossed` numbers, whatever labels and rates are."""
    return lambda labels, rates: crossed(**numbers)


def by_root(*shares: float, more: float = 0.0) -> Grid:
    """Return a grid of learning rates and steps, which grow with the root of the labels.

    A length is left out where the next is not even a quarter longer.

    Args:
        shares: steps as multiples of the root, rising.
        more: steps that are added to the last.

    >>> [each["steps"] for each in by_root(5, 15)(64, (1e-4, 3e-4))]
    [40, 120, 40, 120]
    >>> by_root(20, 20, more=320)(4927, [1e-4])
    [{'learning_rate': 0.0001, 'steps': 1724}]
    """

    def grid(labels: int, rates: Sequence[float]) -> list[dict[str, Any]]:
        steps = [share * math.sqrt(labels) for share in shares]
        steps[-1] += more
        apart = [a for a, b in itertools.pairwise(steps) if b >= 1.25 * a] + steps[-1:]
        return crossed(learning_rate=rates, steps=[round(each) for each in apart])

    return grid


@dataclass(frozen=True)
class Setup:
    """How an arm is set up, which is known without doing it.

    Attributes:
        grid: the settings that are tried; None where there is nothing to choose.
        rates: learning rates, or penalties, of the grid, where a study names no others.
        reads: "texts", whole ones; "tokens", as much of each text as the model sees; or "network",
            what the model's network makes of them.
        cheap: whether a trial takes seconds (of compressed ones, once the network is there).
        adds: what else its setting holds.
        starts_from: the arms whose networks of the same draw it starts from.
    """

    grid: Grid | None = None
    rates: Sequence[float] = ()
    reads: Literal["texts", "tokens", "network"] = "network"
    cheap: bool = False
    adds: Mapping[str, Any] = field(default_factory=dict)
    starts_from: Sequence[str] = ()


@dataclass(frozen=True)
class Material:
    """What inputs are made of.

    Attributes:
        task: a corpus as a task, :class:`helpers.tasks.base.Task`.
        tokenizer: the model's; None without a model.
        model: its name, "" without one.
        place: where its weights lie.
    """

    task: Any
    tokenizer: Any = None
    model: str = ""
    place: Mapping[str, Any] = field(default_factory=dict)


class TrialTask:
    """A kind of trial; each task is a class of its own that says what is different.

    Attributes:
        name: as :class:`helpers.trials.trial.Trial` has it.
        protocol: raised by hand where the meaning of training or scoring changes (a test asks).
        items: names of the arrays of an outcome, which have one row an item.
        setups: how each arm is set up, by name.
        batch_tokens: tokens of a step.
        texts_an_item: how many texts of ``max_length`` tokens an item is.
        causal: whether the networks are causal language models.
        inputs: tasks of the same name here have the same inputs.
    """

    name: str
    protocol: int
    items: Sequence[str]
    setups: ClassVar[Mapping[str, Setup]]
    batch_tokens = 1024
    texts_an_item = 1
    causal = False

    @property
    def inputs(self) -> str:
        """Name of what trials read."""
        return self.name

    def setup(self, arm: str) -> Setup:
        """Return how an arm is set up; one that is unknown has a setting that nobody found."""
        return self.setups.get(arm, Setup(grid=among()))

    def grid(self, arm: str, labels: int, rates: Sequence[float] = ()) -> list[dict[str, Any]]:
        """Return the settings that are tried for an arm with so many labels.

        Args:
            arm: which.
            labels: how many.
            rates: in place of the arm's own.
        """
        setup = self.setup(arm)
        return setup.grid(labels, rates or setup.rates) if setup.grid else []

    def fixed(self, setup: Setup, stepwise: bool, pooling: str) -> dict[str, Any]:
        """Return the parts of a setting that hold for all arms of the task.

        No dropout, bfloat16 products (parameters stay in 32 bits), and of what is trained
        ``stepwise`` batches of equally many tokens. ``pooling``: what the study's heads read.
        """
        if setup.reads != "network":
            return {}
        return {"dropout": 0.0, "precision": "bfloat16"} | (self.batch() if stepwise else {})

    def batch(self) -> dict[str, Any]:
        """Return what a step sees."""
        return {"batch_tokens": self.batch_tokens}

    def chosen_on(self, arm: str) -> str:
        """Return the split on which the setting of an arm is chosen."""
        return "validation"

    def travels(self, trial: Trial) -> bool:
        """Tell whether a trial needs nothing but torch: a network that is trained step by step.

        One that starts from another trial's network stays where that network is kept.
        """
        return "steps" in trial.options and "parent_steps" not in trial.options

    def is_student(self, arm: str) -> bool:
        """Tell whether an arm's network is, or is made of, one that another has taught."""
        return "distilled" in (arm, *self.setup(arm).starts_from)

    def seconds(self, trial: Trial) -> float:
        """Return about how long a trial takes on :data:`TOKENS_A_SECOND`, without its origins."""
        options = trial.options
        compressed = "parent_steps" in options
        if "steps" not in options and not compressed:
            return 3.0
        elsewhere = self.is_student(trial.arm) or "steps" not in options  # with what it starts from
        training = 0.0 if compressed and elsewhere else training_seconds(trial)
        length = options["max_length"] * self.texts_an_item
        return training + trial.items * length / (8 * TOKENS_A_SECOND) + 5.0

    def arms(self) -> Mapping[str, Arm]:
        """Return what each arm does; see :func:`helpers.trials.arms.run`."""
        raise NotImplementedError

    def load(self, corpus: str, max_length: int) -> Task:
        """Return a corpus as a task."""
        raise NotImplementedError

    def sizes(self, corpus: str, task: Any) -> dict[str, int]:
        """Return items to draw labels from ("train") and scored ones of each other split."""
        return {split: task.items(split).num_rows for split in SPLITS}

    def arrays(self, given: Material, split: str) -> dict[str, np.ndarray]:
        """Return what trials read of a split, see :mod:`helpers.trials.rows`."""
        raise NotImplementedError

    def beside(self, given: Material) -> dict[str, Any]:
        """Return what trials read that is of no split."""
        return {}

    def strata(self, inputs: Inputs) -> np.ndarray:
        """Return a class of every training item, (n,), of which a draw has each; here all alike."""
        return np.zeros(n_items(inputs, "train"), int)

    def score(self, trial: Trial, outcome: Outcome, read: Callable[[], Inputs]) -> float:
        """Return the score of an outcome on its items, higher is better.

        Args:
            trial: whose.
            outcome: what was said of the items.
            read: gives the inputs, which not every task needs.
        """
        raise NotImplementedError

    def of_logits(
        self, logits: Sequence[np.ndarray], inputs: Inputs, split: str
    ) -> dict[str, np.ndarray]:
        """Return what is kept of each item from a network's logits."""
        raise NotImplementedError

    def watched(self, logits: Sequence[np.ndarray], inputs: Inputs, places: np.ndarray) -> float:
        """Return the score of some validation items along a training, in [0, 1]."""
        raise NotImplementedError


def training_seconds(trial: Trial) -> float:
    """Return about how long the training of a trial takes on :data:`TOKENS_A_SECOND`."""
    options = trial.options
    tokens = options.get("batch_tokens")
    if not tokens:
        tokens = options["batch_pairs"] * 2 * options["max_length"]
    return float(options["steps"] * tokens / TOKENS_A_SECOND)
