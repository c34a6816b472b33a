r"""Multi-task learning: several classification tasks on one encoder, each with a head of its own.

A batch holds rows of several tasks; each task's loss L_i is the mean over its rows. They are joined
by *weighting*:

- "equal": Σ L_i;
- "uncertainty": Σ exp(-s_i) L_i + s_i / 2 with learned s_i (Kendall, Gal & Cipolla 2018, arXiv
  1705.07115, eq. 10, for classification);
- "pcgrad": Σ L_i, but where the gradients of two tasks in the encoder conflict, each loses the part
  that points against the other (Yu et al. 2020, *Gradient surgery*, arXiv 2001.06782).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import BatchEncoding, PreTrainedModel

from helpers import UserError, nearest
from helpers.tasks.classification import MeanPooledClassifier
from helpers.transfer import finetuning
from helpers.transfer.strategies import FULL

WEIGHTINGS = ("equal", "uncertainty", "pcgrad")


class MultiTaskClassifier(nn.Module):
    """One encoder with a head for each task.

    Attributes:
        names: of the tasks, in order.
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
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.views = nn.ModuleList(
                MeanPooledClassifier(backbone, classes) for classes in n_classes.values()
            )

    @property
    def trunk(self) -> nn.Module:
        """The encoder that all tasks share."""
        return self.task(self.names[0]).backbone

    def task(self, name: str) -> MeanPooledClassifier:
        """Return the classifier of one task; its encoder is the one that all tasks share.

        Raises:
            UserError: an unknown task.
        """
        if name not in self.names:
            raise UserError(f"There is no task '{name}'.{nearest(name, self.names)}")
        return self.views[self.names.index(name)]  # type: ignore[return-value]


def sampling_probabilities(sizes: Sequence[int], temperature: float) -> np.ndarray:
    """Return how often each task is drawn, p_i ∝ n_i^(1/T), (tasks,) with the sum 1.

    At T = 1 each row counts alike; the higher T, the more a small task counts. Source: Arivazhagan
    et al. 2019, *Massively multilingual neural machine translation in the wild*, arXiv 1907.05019,
    section 4.2.

    Raises:
        UserError: a temperature not above 0, or a task without rows.

    >>> sampling_probabilities([900, 100], 1.0), sampling_probabilities([900, 100], 2.0)
    (array([0.9, 0.1]), array([0.75, 0.25]))
    """
    if not temperature > 0:
        raise UserError(f"The temperature must be above 0, not {temperature}.")
    if min(sizes, default=0) < 1:
        raise UserError("Every task needs at least one row.")
    share = np.asarray(sizes, dtype=float) ** (1 / temperature)
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
    """The joint loss of all tasks, for the Trainer.

    Attributes:
        log_variances: (tasks,) the s_i; learned where weighting is "uncertainty", else 0.
    """

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
        self.log_variances = nn.Parameter(torch.zeros(len(model.names)))
        self._rng = np.random.default_rng(seed)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        task: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Return the ``loss`` of a batch; tasks without a row in it do not count."""
        first = self.model.task(self.model.names[0])
        features = first.features(input_ids, attention_mask)
        losses = {}
        for i, name in enumerate(self.model.names):
            of = task == i
            if of.any():
                view = self.model.task(name)
                logits = view.head(view.dropout(features[of]))
                losses[i] = nn.functional.cross_entropy(logits, labels[of])
        total = torch.stack(list(losses.values())).sum()
        if self.weighting == "uncertainty":
            s = self.log_variances
            total = sum(((-s[i]).exp() * one + s[i] / 2 for i, one in losses.items()), total * 0)
        elif self.weighting == "pcgrad" and self.training and len(losses) > 1:
            total = self._without_conflicts(list(losses.values()), total)
        return {"loss": total}

    def _without_conflicts(
        self, losses: Sequence[torch.Tensor], total: torch.Tensor
    ) -> torch.Tensor:
        """Return a loss of the same value whose gradient in the encoder has no conflicts."""
        shared = [p for p in self.model.trunk.parameters() if p.requires_grad]
        flat = []
        for loss in losses:
            each = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
            pairs = zip(each, shared, strict=True)
            flat.append(
                torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])
            )
        change = torch.stack(project_conflicting(flat, self._rng)).sum(0) - torch.stack(flat).sum(0)
        # Linear in the parameters and 0 in value: its gradient is the change, and backward, which
        # the Trainer does, adds it to the plain one.
        linear = torch.cat([p.flatten() for p in shared]) @ change
        return total + linear - linear.detach()


def project_conflicting(
    gradients: Sequence[torch.Tensor], rng: np.random.Generator
) -> list[torch.Tensor]:
    """Return the gradients (n,) of the tasks without what points against another task's.

    Each goes through the *original* gradients of the others in a random order; where the product
    is negative, the part along the other is taken off. Source: Yu et al. 2020, algorithm 1.

    >>> a, b = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
    >>> project_conflicting([a, b], np.random.default_rng(0))
    [tensor([0.5000, 0.5000]), tensor([0., 1.])]
    """
    projected = []
    for i, own in enumerate(gradients):
        left = own.clone()
        for j in rng.permutation(len(gradients)):
            other = gradients[j]
            product = left @ other
            if j != i and product < 0:
                left = left - product / (other @ other) * other
        projected.append(left)
    return projected


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

    Args:
        model: has a head for each key of ``rows``.
        rows: encoded rows of each task.
        collator: makes a batch of a list of rows.
        training: ``steps`` of all rows together say how long; a batch mixes the tasks.
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
