"""Unstructured pruning: single weights of the layers' matrices set to zero.

By size (*magnitude*) with torch's own ``torch.nn.utils.prune``, or by where training moves them
(*movement*). A pruned matrix keeps its shape: zeros save space once a file is packed, and no time
at all with ordinary matrix products. What is really smaller: :mod:`helpers.compression.structured`.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize, prune
from transformers import TrainerCallback
from transformers.pytorch_utils import Conv1D

from helpers import UserError, nearest

KINDS = ("magnitude", "movement")


def prunable(model: nn.Module) -> dict[str, Any]:
    """Return the linear maps inside the layers, by name; not embeddings, pooler and head.

    Raises:
        UserError: the model has none.
    """
    found: dict[str, Any] = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and re.search(r"\.\d+\.", name)
    }
    if not found:
        raise UserError(f"{type(model).__name__} has no layers with linear maps to prune.")
    return found


def prune_by_magnitude(model: nn.Module, sparsity: float, scope: str = "global") -> nn.Module:
    """Set the smallest weights to zero, in place, and hold them there while the model is tuned.

    Args:
        model: its prunable matrices together have ``sparsity`` zeros afterwards, to one weight;
            what was pruned before stays pruned.
        sparsity: share of zeros, in [0, 1).
        scope: "global" compares all weights with each other, "layer" those of each matrix.

    Raises:
        UserError: a sparsity outside [0, 1), or an unknown scope.

    Sources: Han et al. 2015, arXiv 1506.02626; per layer or global: Blalock et al. 2020,
    arXiv 2003.03033. :func:`finish` makes it permanent.
    """
    return apply_masks(model, magnitude_masks(model, sparsity, scope))


def magnitude_masks(
    model: nn.Module, sparsity: float, scope: str = "global"
) -> dict[str, torch.Tensor]:
    """Return which weights stay (True) of each prunable matrix, by name; see the function above.

    Exactly round(sparsity·n) go, of all n weights or of each matrix; more only where more were
    held at zero before. Which of equal weights go is arbitrary.

    Raises:
        UserError: a sparsity outside [0, 1), or an unknown scope.
    """
    check_sparsity(sparsity)
    if scope not in ("global", "layer"):
        raise UserError(f"The scope of pruning must be global or layer, not '{scope}'.")
    sizes: dict[str, torch.Tensor] = {}
    for name, module in prunable(model).items():
        if prune.is_pruned(module):  # ``weight`` itself is that of the last pass, a step too old
            held = module.weight_mask == 0
            sizes[name] = module.weight_orig.detach().abs().masked_fill(held, -1)
        else:
            sizes[name] = module.weight.detach().abs()
    if scope == "layer":
        return {name: _largest(size, sparsity) for name, size in sizes.items()}
    together = _largest(torch.cat([size.flatten() for size in sizes.values()]), sparsity)
    parts = together.split([size.numel() for size in sizes.values()])
    return {name: part.view_as(sizes[name]) for name, part in zip(sizes, parts, strict=True)}


def _largest(size: torch.Tensor, sparsity: float) -> torch.Tensor:
    """Return a mask without the smallest entries; those below zero never come back."""
    gone = max(round(sparsity * size.numel()), int((size < 0).sum()))
    kept = torch.ones(size.numel(), dtype=torch.bool, device=size.device)
    kept[size.flatten().topk(gone, largest=False, sorted=False).indices] = False
    return kept.view_as(size)


def apply_masks(model: nn.Module, masks: Mapping[str, torch.Tensor]) -> nn.Module:
    """Set weights to zero where a mask (by name, True = stays) says so, and hold them there.

    Replaces the masks that were there, so that pruning at every step holds one mask a matrix.

    Raises:
        UserError: a matrix that there is not, or a mask of another shape.
    """
    matrices = prunable(model)
    for name, mask in masks.items():
        if name not in matrices:
            raise UserError(f"There is no prunable matrix '{name}'.{nearest(name, matrices)}")
        if mask.shape != matrices[name].weight.shape:
            raise UserError(
                f"The mask of {name} must have the shape {tuple(matrices[name].weight.shape)}, "
                f"not {tuple(mask.shape)}."
            )
    for name, mask in masks.items():
        module = matrices[name]
        if prune.is_pruned(module):
            module.weight_mask.copy_(mask)
            module.weight = module.weight_orig * module.weight_mask
        else:
            prune.custom_from_mask(module, "weight", mask)
    return model


class Movement(nn.Module):
    """Multiplies a matrix by the mask of its highest scores; the scores learn, straight through.

    The gradient of a score is that of the masked weight times the weight: a weight that training
    moves away from zero gains, one that it moves towards zero loses. Scores begin at zero, where
    their order is arbitrary; so prune only once a first share of the steps has moved them, as
    :class:`GradualPruning` does. Source: Sanh, Wolf & Rush 2020, *Movement Pruning* (NeurIPS, arXiv
    2005.07683), section 3.
    """

    def __init__(self, shape: torch.Size) -> None:
        """Make scores for a matrix of this shape; ``sparsity`` is set from outside."""
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(shape))
        self.sparsity = 0.0

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the matrix with its share of zeros, same shape."""
        mask: torch.Tensor = _TopScores.apply(self.scores, self.sparsity)
        return weight * mask


class _TopScores(torch.autograd.Function):
    """1 where a score is among the highest, else 0; its gradient passes as if it were linear."""

    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor, sparsity: float) -> torch.Tensor:
        pruned = round(sparsity * scores.numel())
        mask = torch.ones_like(scores).flatten()
        mask[scores.flatten().topk(pruned, largest=False, sorted=False).indices] = 0
        return mask.view_as(scores)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradients[0], None


def add_movement(model: nn.Module) -> nn.Module:
    """Put :class:`Movement` on every prunable matrix, in place.

    Raises:
        UserError: something holds weights at zero already; call :func:`finish` first.
    """
    for name, module in prunable(model).items():
        if prune.is_pruned(module) or parametrize.is_parametrized(module, "weight"):
            raise UserError(f"{name} is pruned already; call finish before movement pruning.")
    for module in prunable(model).values():
        parametrize.register_parametrization(module, "weight", Movement(module.weight.shape))
    return model


def cubic_sparsity(progress: float, final: float, start: float = 0.1, end: float = 0.7) -> float:
    """Return the sparsity at ``progress`` (0 to 1) of a training that ends at ``final``.

    Zero until ``start``, then final·(1 - (1 - t)³) with t from 0 to 1 between ``start`` and
    ``end``: fast while there is much to prune, slow at last; then tuning goes on at ``final``.
    Source: Zhu & Gupta 2017, *To prune, or not to prune*, arXiv 1710.01878, eq. 1.

    >>> [round(cubic_sparsity(t, 0.8), 2) for t in (0.0, 0.1, 0.4, 0.7, 1.0)]
    [0.0, 0.0, 0.7, 0.8, 0.8]
    """
    t = min(max((progress - start) / (end - start), 0.0), 1.0)
    return final * (1 - (1 - t) ** 3)


class GradualPruning(TrainerCallback):
    """Prunes a little before every step, so that the model can make up for it as it is tuned.

    Give it to :func:`helpers.transfer.finetuning.fine_tune`, and call :func:`finish` afterwards.
    """

    def __init__(self, model: nn.Module, sparsity: float, kind: str = "magnitude") -> None:
        """Take the model that will be tuned and the sparsity at the end.

        ``kind`` "magnitude" compares all weights, "movement" those of each matrix by their scores
        (put on the model here).

        Raises:
            UserError: a sparsity outside [0, 1), an unknown kind, or nothing to prune.
        """
        check_sparsity(sparsity)
        if kind not in KINDS:
            raise UserError(f"There is no pruning '{kind}'; there are {' and '.join(KINDS)}.")
        prunable(model)
        self.model, self.sparsity, self.kind = model, sparsity, kind
        if kind == "movement":
            add_movement(model)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Prune to where the schedule is."""
        now = cubic_sparsity((state.global_step + 1) / state.max_steps, self.sparsity)
        if self.kind == "magnitude":
            prune_by_magnitude(self.model, now)
        for module in self.model.modules():
            if isinstance(module, Movement):
                module.sparsity = now


def finish(model: nn.Module) -> nn.Module:
    """Make a plain model of a pruned one, in place: masks and scores gone, zeros in the weights.

    The logits stay; tuned again, the zeros would come back to life.
    """
    for module in list(model.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
        elif isinstance(module, nn.Linear | Conv1D) and prune.is_pruned(module):
            prune.remove(module, "weight")
    return model


def sparsity_of(model: nn.Module) -> float:
    """Return the share of zeros among the prunable weights, in [0, 1]."""
    weights = [module.weight for module in prunable(model).values()]
    return sum(int((w == 0).sum()) for w in weights) / sum(w.numel() for w in weights)


def check_sparsity(sparsity: float) -> None:
    """Refuse a share of zeros that is none.

    Raises:
        UserError: below 0, 1 or above, or no number.
    """
    if not 0 <= sparsity < 1:
        raise UserError(f"The sparsity must be a share of at least 0 and below 1, not {sparsity}.")
