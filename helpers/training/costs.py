"""Where a network is trained, and what its training costs."""

import copy
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers import UserError


def choose_device(name: str = "auto") -> torch.device:
    """Return the device to compute on: CUDA, then Apple's MPS, then the CPU, or the one named.

    Raises:
        UserError: the device named is not on this machine.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if available[name]))
    if not available.get(name):
        usable = ", ".join(name for name, there in available.items() if there)
        raise UserError(f"Device '{name}' is not on this machine; usable here: auto, {usable}.")
    return torch.device(name)


def training_flops(model: nn.Module, tokens: int) -> float:
    """Estimate the floating-point operations of training on ``tokens`` tokens: 6 N per token.

    N counts the parameters outside the embeddings; a forward pass is 2 N, a backward pass 4 N.
    Attention's own products are left out (small for short texts). Source: Kaplan et al. 2020,
    arXiv 2001.08361, §2.1.

    >>> training_flops(nn.Linear(10, 2, bias=False), tokens=100)
    12000.0
    """
    embedded = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    return 6.0 * tokens * sum(p.numel() for p in model.parameters() if id(p) not in embedded)


def measured_flops(model: Any, tokens: int) -> float:
    """Count the floating-point operations per token of one training step on a row of ``tokens``.

    Backward ends at the lowest layer that learns, so freezing the bottom saves. Counted by torch,
    operation by operation, on a copy of the model with eager attention (fused kernels do the same
    arithmetic but are not in torch's list everywhere). ``model`` is a language model of the
    library, causal or masked.
    """
    twin = copy.deepcopy(model).cpu()
    twin.set_attn_implementation("eager")
    ids = torch.zeros((1, tokens), dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        twin(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward()
    return counter.get_total_flops() / tokens
