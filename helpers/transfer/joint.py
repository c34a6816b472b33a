"""Training with the document's joint objective, L_s + λ L_t: language models and classifiers.

Every step sees as many source rows as target rows; their two mean losses are joined by
:func:`helpers.transfer.objective.joint_loss`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import BatchEncoding, TrainerCallback

from helpers import UserError
from helpers.transfer.objective import joint_loss

_KEYS = ("input_ids", "labels")


def pair_rows(source: Dataset, target: Dataset, *, seed: int) -> Dataset:
    """Return the target rows, each with a source row of about its length.

    Like lengths share a step, so that little padding is computed. Source rows are drawn by
    ``seed`` and used evenly, again from the start where there are fewer than target rows.

    Raises:
        UserError: no source row or no target row.

    >>> rows = [{"input_ids": [i] * n, "labels": [i] * n} for i, n in [(1, 2), (2, 5)]]
    >>> both = pair_rows(Dataset.from_list(rows), Dataset.from_list(rows), seed=0)
    >>> [len(ids) for ids in both["source_input_ids"]]
    [2, 5]
    """
    if not len(source) or not len(target):
        raise UserError(
            f"A joint objective needs rows of both: there are {len(source)} source rows and "
            f"{len(target)} target rows."
        )
    order = np.resize(np.random.default_rng(seed).permutation(len(source)), len(target))
    drawn = source.select(order).to_list()
    drawn.sort(key=lambda row: len(row["input_ids"]))
    rows = target.to_list()
    by_length = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    for i, partner in zip(by_length, drawn, strict=True):
        for key in _KEYS:
            rows[i][f"source_{key}"] = partner[key]
    return Dataset.from_list(rows)


@dataclass(frozen=True)
class PairCollator:
    """Makes a batch of the pairs' target rows and one of their source rows, side by side."""

    collator: Any

    def __call__(self, pairs: list[dict[str, Any]]) -> BatchEncoding:
        """Return the target rows' batch and, with ``source_`` before each name, the source's."""
        batches = [
            self.collator([{key: pair[prefix + key] for key in _KEYS} for pair in pairs])
            for prefix in ("", "source_")
        ]
        target, source = batches
        return BatchEncoding({**target, **{f"source_{key}": one for key, one in source.items()}})


class JointObjective(nn.Module):
    """A model whose loss is L_s + λ L_t, each the mean over its predictions, in nats.

    At λ = 0 only the source counts. Wraps the model; its parameters are the model's own, and those
    of ``source_model`` that are not.
    """

    def __init__(
        self, model: nn.Module, weight: float, *, source_model: nn.Module | None = None
    ) -> None:
        """Wrap ``model`` with λ = ``weight``, in [0, inf).

        ``source_model`` is what the source's rows go through: the model itself (None), or one with
        another head on the same backbone, where source and target have other labels.

        Raises:
            UserError: a weight below 0 or not finite, before training.
        """
        super().__init__()
        joint_loss(0.0, 0.0, weight)  # refuses a bad weight now, not at the first step
        self.model, self.weight = model, weight
        self.source_model = source_model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        source_input_ids: torch.Tensor,
        source_attention_mask: torch.Tensor,
        source_labels: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Return the ``loss`` of a batch of :class:`PairCollator`, and the target's logits."""
        target = self.model(input_ids=input_ids, attention_mask=attention_mask, labels=labels)
        source = (self.source_model or self.model)(
            input_ids=source_input_ids, attention_mask=source_attention_mask, labels=source_labels
        )
        return {"loss": joint_loss(source.loss, target.loss, self.weight), "logits": target.logits}


class RisingWeight(TrainerCallback):
    """Lets λ rise in a straight line, from nearly 0 at the first step to the full one at the last.

    The source leads and hands over to the target, as the order of the document's stages has it.
    """

    def __init__(self, objective: JointObjective) -> None:
        """Take the objective and its λ, which is the one at the end."""
        self.objective, self.full = objective, objective.weight

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Set λ for this step."""
        self.objective.weight = self.full * (state.global_step + 1) / state.max_steps
