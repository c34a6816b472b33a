"""Unstructured pruning: single weights of the layers' matrices set to zero.

By size, with torch's own ``torch.nn.utils.prune``. A pruned matrix keeps its shape: zeros save
space once a file is packed, and no time at all with ordinary matrix products. What is really
smaller: :mod:`helpers.compression.structured`.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.utils import prune
from transformers.pytorch_utils import Conv1D

from helpers import UserError, nearest


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


def finish(model: nn.Module) -> nn.Module:
    """Make a plain model of a pruned one, in place: masks gone, zeros in the weights.

    The logits stay; tuned again, the zeros would come back to life.
    """
    for module in list(model.modules()):
        if isinstance(module, nn.Linear | Conv1D) and prune.is_pruned(module):
            prune.remove(module, "weight")
    return model


def check_sparsity(sparsity: float) -> None:
    """Refuse a share of zeros that is none.

    Raises:
        UserError: below 0, 1 or above, or no number.
    """
    if not 0 <= sparsity < 1:
        raise UserError(f"The sparsity must be a share of at least 0 and below 1, not {sparsity}.")
