"""Training a language model with the document's joint objective, L_s + λ L_t.

Every step sees as many source rows as target rows; their two mean losses are joined by
:func:`helpers.transfer.objective.joint_loss`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import BatchEncoding

from helpers import UserError
from helpers.tasks.batches import IGNORED
from helpers.transfer.objective import joint_loss


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
        for key in ("input_ids", "labels"):
            rows[i][f"source_{key}"] = partner[key]
    return Dataset.from_list(rows)


@dataclass(frozen=True)
class PairCollator:
    """Makes one batch of the pairs' rows: targets first, then sources, told apart by a mask."""

    collator: Any

    def __call__(self, pairs: list[dict[str, Any]]) -> BatchEncoding:
        """Return the rows' batch, (2b, t), with ``is_source`` (2b,)."""
        keys = ("input_ids", "labels")
        rows = [{key: pair[key] for key in keys} for pair in pairs]
        rows += [{key: pair[f"source_{key}"] for key in keys} for pair in pairs]
        batch = self.collator(rows)
        batch["is_source"] = torch.arange(len(rows)) >= len(pairs)
        return batch


class JointObjective(nn.Module):
    """A causal model whose loss is L_s + λ L_t, each the mean over its predicted tokens, in nats.

    At λ = 0 only the source counts. Wraps the model; its parameters are the model's own.
    """

    def __init__(self, model: nn.Module, weight: float) -> None:
        """Wrap ``model`` with λ = ``weight``, in [0, inf).

        Raises:
            UserError: a weight below 0 or not finite, before training.
        """
        super().__init__()
        joint_loss(0.0, 0.0, weight)  # refuses a bad weight now, not at the first step
        self.model, self.weight = model, weight

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        is_source: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Return ``loss`` and the ``logits`` (2b, t, v) of a batch of :class:`PairCollator`."""
        logits = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        losses = nn.functional.cross_entropy(
            logits[:, :-1].float().transpose(1, 2),
            labels[:, 1:],
            ignore_index=IGNORED,
            reduction="none",
        )
        asked = labels[:, 1:] != IGNORED

        def mean(rows: torch.Tensor) -> torch.Tensor:
            return losses[rows].sum() / asked[rows].sum().clamp(min=1)

        loss = joint_loss(mean(is_source), mean(~is_source), self.weight)
        return {"loss": loss, "logits": logits}
