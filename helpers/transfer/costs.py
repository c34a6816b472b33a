"""What one training step costs, measured on the model: operations and memory."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel


@dataclass(frozen=True)
class StepCost:
    """Of one step on one batch, with the parameters that learn at that time.

    Attributes:
        flops: floating-point operations of the forward and the backward pass. Backward ends at the
            lowest layer that learns, so freezing the bottom saves; the optimizer's own are left
            out (a few operations a parameter).
        activations: bytes kept from the forward pass for the backward pass.
        state: bytes of all weights and, of those that learn, gradient and AdamW's two moments.
    """

    flops: float
    activations: int
    state: int

    @property
    def megabytes(self) -> float:
        """Memory of the step, 10^6 bytes: activations and state."""
        return (self.activations + self.state) / 1e6


def step_cost(model: nn.Module, batch: Any) -> StepCost:
    """Measure a training step of ``model`` on ``batch``; the model stays as it is.

    Counted by torch on a copy, operation by operation, in 32 bits on the CPU, with eager attention:
    fused kernels do the same arithmetic but are not in torch's list everywhere, and keep less.

    >>> layer = nn.Sequential(nn.Linear(4, 2, bias=False))
    >>> class Squares(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = layer
    ...     def forward(self, x):
    ...         return {"loss": (self.layer(x) ** 2).mean()}
    >>> step_cost(Squares(), {"x": torch.ones(3, 4)}).flops  # 2·3·4·2 forward, as much for weights
    96.0
    """
    twin = copy.deepcopy(model).cpu().train()
    for module in twin.modules():
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation("eager")
    own = {p.data_ptr() for p in twin.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with (
        torch.random.fork_rng(devices=[]),
        FlopCounterMode(display=False) as counter,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        result = twin(**batch)
        (result["loss"] if isinstance(result, dict) else result.loss).backward()
    weights = sum(p.numel() for p in twin.parameters())
    learned = sum(p.numel() for p in twin.parameters() if p.requires_grad)
    return StepCost(float(counter.get_total_flops()), sum(kept.values()), 4 * (weights + 3 * learned))


def forward_flops(model: nn.Module, batch: Any) -> float:
    """Return the floating-point operations of a forward pass alone, measured as above."""
    twin = copy.deepcopy(model).cpu().eval()
    for module in twin.modules():
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation("eager")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        twin(**batch)
    return float(counter.get_total_flops())
