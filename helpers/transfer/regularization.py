"""Noise against overfitting few labels: DropConnect, Mixout (on weights) and R-Drop (an objective).

All three change training only: in evaluation mode the model is the plain one.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.pytorch_utils import Conv1D

from helpers import UserError


class DropConnect(nn.Module):
    """Sets each weight of a matrix to 0 with probability ``share`` and scales the rest, each step.

    Source: Wan et al. 2013, *Regularization of Neural Networks using DropConnect* (ICML); scaled as
    dropout is, so that nothing has to be changed for evaluation.

    >>> DropConnect(0.5).eval()(torch.ones(2, 2))
    tensor([[1., 1.],
            [1., 1.]])
    """

    def __init__(self, share: float) -> None:
        """Take the share of weights dropped, in [0, 1)."""
        super().__init__()
        self.share = share

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the matrix of this step, same shape."""
        return nn.functional.dropout(weight, self.share, self.training)


class Mixout(nn.Module):
    r"""Puts each weight back to its pretrained value with probability ``share``, each step.

    With a mask $M$ of ones where it is put back: $(M w_0 + (1-M) w - p\,w_0) / (1-p)$, whose mean
    is $w$. At $w_0 = 0$ it is DropConnect. Source: Lee, Cho & Kang 2020, *Mixout* (ICLR, arXiv
    1909.11299), section 3.
    """

    def __init__(self, share: float, pretrained: torch.Tensor) -> None:
        """Take the share put back, in [0, 1), and the matrix to go back to."""
        super().__init__()
        self.share = share
        self.register_buffer("pretrained", pretrained.detach().clone(), persistent=False)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the matrix of this step, same shape."""
        if not self.training:
            return weight
        start: Any = self.pretrained
        return start + nn.functional.dropout(weight - start, self.share, training=True)


def add_weight_noise(model: nn.Module, kind: str, share: float) -> nn.Module:
    """Put "dropconnect" or "mixout" on every matrix of the model's layers, in place.

    A new head and the embeddings are left alone: a head has no pretrained value to go back to.
    Parameters keep their values and shapes; their names get ``parametrizations`` in them.

    Raises:
        UserError: an unknown kind, a share outside [0, 1), or no matrix to put it on.
    """
    if kind not in ("dropconnect", "mixout"):
        raise UserError(f"There is no weight noise '{kind}'; there are dropconnect and mixout.")
    if not 0 <= share < 1:
        raise UserError(f"{kind} needs a share of at least 0 and below 1, not {share:g}.")
    body = getattr(model, "backbone", model)
    matrices = [module for module in body.modules() if isinstance(module, nn.Linear | Conv1D)]
    if not matrices:
        raise UserError(f"{type(model).__name__} has no linear layer for {kind}.")
    for module in matrices:
        noise = DropConnect(share) if kind == "dropconnect" else Mixout(share, module.weight)
        parametrize.register_parametrization(module, "weight", noise.train(module.training))
    return model


def remove_weight_noise(model: nn.Module) -> nn.Module:
    """Take the noise off again, in place: plain weights, equal to those in evaluation mode."""
    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            # The learned matrix itself, not what noise would make of it.
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
    return model


class RDrop(nn.Module):
    r"""Two passes with other dropout masks; beside both losses, how much their answers differ.

    Loss: the mean of the two cross-entropies, plus $\alpha$ times the mean of the two
    Kullback-Leibler divergences between the answers, in nats an item. (Liang et al. sum the
    two cross-entropies; half of their loss has the same minimum and the size of a plain one, so
    their α is twice this one.) Source: Liang et al. 2021, *R-Drop* (NeurIPS, arXiv 2106.14448),
    eq. 4.
    """

    def __init__(self, model: nn.Module, weight: float) -> None:
        """Wrap a classifier with α = ``weight``, in [0, inf).

        Raises:
            UserError: a weight below 0 or not finite.
        """
        super().__init__()
        if not 0 <= weight < float("inf"):
            raise UserError(
                f"The weight of R-Drop must be a finite number of at least 0, not {weight:g}."
            )
        self.model, self.weight = model, weight

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> SequenceClassifierOutput:
        """Return the loss of a batch and the logits (b, c) of the first pass."""
        passes = [self.model(input_ids, attention_mask, labels) for _ in range(2)]
        loss = sum(output.loss for output in passes) / 2 + self.weight * disagreement(
            passes[0].logits, passes[1].logits
        )
        return SequenceClassifierOutput(loss=loss, logits=passes[0].logits)


def disagreement(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return (KL(p, q) + KL(q, p)) / 2 of two sets of logits (b, c), mean over items, in nats.

    In [0, inf); 0 where both say the same.

    >>> round(disagreement(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item(), 4)
    0.1155
    """
    p, q = (logits.log_softmax(-1) for logits in (first, second))
    divergence = (p.exp() - q.exp()) * (p - q)
    return divergence.sum(-1).mean() / 2
