"""The loss of each row of a language model's batch; needs torch alone."""

import torch
from torch import nn

from helpers.tasks.heads import IGNORED


def row_losses(
    logits: torch.Tensor, labels: torch.Tensor, shift: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row's summed loss in nats and number of labels: (b, t, v), (b, t) -> (b,), (b,).

    Args:
        logits: of every position.
        labels: tokens that are asked for; -100: none.
        shift: whether position i predicts token i + 1 (causal), or its own (masked).

    >>> losses, counted = row_losses(torch.zeros(1, 3, 8), torch.tensor([[5, 6, -100]]), shift=True)
    >>> round(losses.item(), 3), counted.item()  # one guess among eight
    (2.079, 1)
    """
    if shift:  # position i predicts token i + 1
        logits, labels = logits[:, :-1], labels[:, 1:]
    losses = nn.functional.cross_entropy(
        logits.float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
    )
    return losses.double().sum(1), (labels != IGNORED).sum(1)
