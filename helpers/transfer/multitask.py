r"""Multi-task learning: several classification tasks on one encoder, each with a head of its own.

A batch holds rows of several tasks; each task's loss L_i is the mean over its rows. They are joined
by *weighting*:

- "equal": Σ L_i;
- "uncertainty": Σ exp(-s_i) L_i + s_i / 2 with learned s_i (Kendall, Gal & Cipolla 2018, arXiv
  1705.07115, eq. 10, for classification);
- "pcgrad": Σ L_i, but where the gradients of two tasks in the encoder conflict, each loses the part
  that points against the other (:func:`helpers.transfer.gradients.project_conflicting`).

The best s_i for a loss L_i is log 2 L_i. All three cost the same operations a step: for PCGrad each
task's rows go through the encoder by themselves, forward and back once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import BatchEncoding, PreTrainedModel

from helpers import UserError, nearest
from helpers.tasks.heads import MeanPooledClassifier
from helpers.transfer import finetuning
from helpers.transfer.gradients import flat_gradient, project_conflicting, with_gradient
from helpers.transfer.strategies import FULL

WEIGHTINGS = ("equal", "uncertainty", "pcgrad")


class MultiTaskClassifier(nn.Module):
    """One encoder with a head for each task.

    Attributes:
        names: of the tasks, in order.
        trunk: the encoder that all tasks share.
    """

    def __init__(self, backbone: PreTrainedModel, n_classes: Mapping[str, int], seed: int) -> None:
        """Put new heads on ``backbone``; ``n_classes`` has the number of classes of each task.

        Raises:
            UserError: no task.
        """
        super().__init__()
        if not n_classes:
            raise UserError("Multi-task learning needs at least one task.")
        self.names = list(n_classes)
        # Optimizers go by names: the encoder's parameters have those of ``trunk``, not of a task,
        # and a task is no plain number between two dots, which would be taken for a layer's.
        self.trunk = backbone
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.views = nn.ModuleDict(
                {
                    f"task{i}": MeanPooledClassifier(backbone, classes)
                    for i, classes in enumerate(n_classes.values())
                }
            )

    def task(self, name: str) -> MeanPooledClassifier:
        """Return the classifier of one task; its encoder is the one that all tasks share.

        Raises:
            UserError: an unknown task.
        """
        if name not in self.names:
            raise UserError(f"There is no task '{name}'.{nearest(name, self.names)}")
        return self.views[f"task{self.names.index(name)}"]  # type: ignore[return-value]


def sampling_probabilities(sizes: Sequence[int], temperature: float) -> np.ndarray:
    """Return how often each task is drawn, p_i ∝ n_i^(1/T), (tasks,) with the sum 1.

    At T = 1 each row is drawn alike often; the higher T, the more often those of a small task, up
    to all tasks alike. Source: Arivazhagan et al. 2019, *Massively multilingual neural machine
    translation in the wild*, arXiv 1907.05019; multilingual BERT does it with T = 1/0.7.

    Raises:
        UserError: no task, a temperature not above 0, or a task without rows.

    >>> sampling_probabilities([900, 100], 1.0), sampling_probabilities([900, 100], 2.0)
    (array([0.9, 0.1]), array([0.75, 0.25]))
    """
    if not temperature > 0:
        raise UserError(f"The temperature must be above 0, not {temperature}.")
    if min(sizes, default=0) < 1:
        raise UserError("Every task needs at least one row.")
    relative = np.asarray(sizes, dtype=float) / max(sizes)  # no power of it overflows
    share = relative ** (1 / temperature)
    return share / share.sum()


def mix(rows: Mapping[str, Dataset], n: int, temperature: float, seed: int) -> Dataset:
    """Return ``n`` rows of all tasks, each with the number of its ``task``.

    The tasks' shares are :func:`sampling_probabilities`; within a task every row is used before one
    comes again.
    """
    rng = np.random.default_rng(seed)
    tables = list(rows.values())
    probabilities = sampling_probabilities([len(table) for table in tables], temperature)
    of = rng.choice(len(tables), size=n, p=probabilities)
    mixed: list[dict[str, Any]] = [{}] * n
    for task, table in enumerate(tables):
        places = np.flatnonzero(of == task)
        rounds = [rng.permutation(len(table)) for _ in range(-(-len(places) // len(table)))]
        order = np.concatenate([*rounds, np.empty(0, dtype=int)])[: len(places)]
        keys = ("input_ids", "labels")
        for place, row in zip(places, table.select(order).to_list(), strict=True):
            mixed[place] = {key: row[key] for key in keys} | {"task": task}
    return Dataset.from_list(mixed)


@dataclass(frozen=True)
class MixedCollator:
    """Makes a batch of rows of several tasks: padded as ever, with each row's ``task`` (b,)."""

    collator: Any

    def __call__(self, rows: list[dict[str, Any]]) -> BatchEncoding:
        """Return ``input_ids``, ``attention_mask`` (b, t), ``labels`` and ``task`` (b,)."""
        batch = self.collator([{k: row[k] for k in ("input_ids", "labels")} for row in rows])
        batch["task"] = torch.tensor([row["task"] for row in rows])
        return batch


class MultiTaskObjective(nn.Module):
    """The joint loss of all tasks, for the Trainer."""

    def __init__(self, model: MultiTaskClassifier, weighting: str, *, seed: int) -> None:
        """Wrap a model; ``seed`` decides the order in which PCGrad takes conflicts.

        Raises:
            UserError: an unknown weighting, or PCGrad of one task.
        """
        super().__init__()
        if weighting not in WEIGHTINGS:
            raise UserError(f"There is no weighting '{weighting}'.{nearest(weighting, WEIGHTINGS)}")
        if weighting == "pcgrad" and len(model.names) < 2:
            raise UserError("PCGrad needs at least two tasks; one has nothing to conflict with.")
        self.model, self.weighting = model, weighting
        if weighting == "uncertainty":
            # The Trainer decays no parameter that has "bias" in its name, and 0 is no better s_i.
            self.bias_log_variances = nn.Parameter(torch.zeros(len(model.names)))
        self._rng = np.random.default_rng(seed)

    @property
    def log_variances(self) -> torch.Tensor:
        """The s_i of the weighting "uncertainty", (tasks,), which are learned and begin at 0."""
        return self.bias_log_variances

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        task: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Return the ``loss`` of a batch; tasks without a row in it do not count."""
        rows = [(i, task == i) for i in range(len(self.model.names)) if (task == i).any()]
        views = [self.model.task(self.model.names[i]) for i, _ in rows]
        if self.weighting == "pcgrad" and self.training:
            losses = (
                view(input_ids[of], attention_mask[of], labels[of]).loss
                for view, (_, of) in zip(views, rows, strict=True)
            )
            return {"loss": self._without_conflicts(losses, views)}
        features = views[0].features(input_ids, attention_mask)
        total = features.new_zeros(())
        for view, (i, of) in zip(views, rows, strict=True):
            logits = view.head(view.dropout(features[of]))
            loss = nn.functional.cross_entropy(logits, labels[of])
            if self.weighting == "uncertainty":
                s = self.log_variances[i]
                loss = (-s).exp() * loss + s / 2
            total = total + loss
        return {"loss": total}

    def _without_conflicts(
        self, losses: Iterable[torch.Tensor], views: Sequence[MeanPooledClassifier]
    ) -> torch.Tensor:
        """Return the sum of the losses, with a gradient that has no conflicts in the encoder."""
        shared = [p for p in self.model.trunk.parameters() if p.requires_grad]
        own = [p for view in views for p in view.head.parameters() if p.requires_grad]
        values, gradients = [], []
        for loss in losses:  # one by one: only one task's activations are kept at a time
            gradients.append(flat_gradient(loss, [*shared, *own]))
            values.append(loss.detach())
        n = sum(p.numel() for p in shared)
        joined = torch.stack(gradients).sum(0)
        joined[:n] = torch.stack(project_conflicting([g[:n] for g in gradients], self._rng)).sum(0)
        return with_gradient(torch.stack(values).sum(), [*shared, *own], joined)


def train_together(
    model: MultiTaskClassifier,
    rows: Mapping[str, Dataset],
    collator: Any,
    training: finetuning.Training,
    *,
    weighting: str = "equal",
    temperature: float = 1.0,
    seed: int,
    device: str = "auto",
) -> finetuning.Tuned:
    """Train all tasks at once, in place; leave the model in evaluation mode.

    A task's loss is the mean over its rows of the batch, so the temperature decides how many rows a
    task has in a step and how often they come again; how much its loss counts beside the others is
    the weighting's matter. The s_i of "uncertainty" learn with the one step size: in few or small
    steps they stay near 0, and the weighting near "equal".

    Args:
        model: has a head for each key of ``rows``.
        rows: encoded rows of each task.
        collator: makes a batch of a list of rows.
        training: ``steps`` of all rows together say how long, so one pass costs what a pass of
            each task alone does; a batch mixes the tasks.
        weighting: how the losses are joined, see the module.
        temperature: of the sampling, above 0.
        seed: of the sampling, batches, dropout and PCGrad's order.
        device: see :func:`finetuning.choose_device`.

    Raises:
        UserError: tasks that do not match the model's, or what the parts refuse.
    """
    if list(rows) != model.names:
        raise UserError(
            f"rows must be of the model's tasks, {', '.join(model.names)}, not of "
            f"{', '.join(rows) or 'none'}."
        )
    objective = MultiTaskObjective(model, weighting, seed=seed)
    steps = training.steps(sum(map(len, rows.values())))
    mixed = mix(rows, steps * training.batch_size, temperature, seed)
    once = finetuning.Training(
        training.learning_rate, training.batch_size, 1, steps, training.optimizer
    )
    try:
        return finetuning.fine_tune(
            objective, mixed, MixedCollator(collator), FULL, once, seed=seed, device=device,
            by_length=False,
        )  # fmt: skip
    finally:
        model.eval()
