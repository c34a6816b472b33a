"""What one training step costs, measured on the model: operations and memory."""

import copy
import statistics
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from datasets import Dataset
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
        state: bytes of all weights and, of those that learn, gradient and AdamW's two moments;
            and of what is kept beside them, as Mixout keeps the pretrained matrices.
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
        return tensor.detach()  # an output that held itself would never be freed

    with (
        torch.random.fork_rng(devices=[]),
        FlopCounterMode(display=False) as counter,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        result = twin(**batch)
        (result["loss"] if isinstance(result, dict) else result.loss).backward()
    kept_beside = sum(b.numel() for b in twin.buffers() if b.is_floating_point())
    weights = kept_beside + sum(p.numel() for p in twin.parameters())
    learned = sum(p.numel() for p in twin.parameters() if p.requires_grad)
    return StepCost(
        float(counter.get_total_flops()), sum(kept.values()), 4 * (weights + 3 * learned)
    )


def step_seconds(
    model: nn.Module, batch: Any, device: torch.device | str = "cpu", repetitions: int = 5
) -> float:
    """Return the wall time of a training step with AdamW, in seconds, on ``device``, now.

    The median of ``repetitions`` after two for warming up, on a copy of the model.
    """
    twin = copy.deepcopy(model).to(device).train()
    batch = {key: value.to(device) for key, value in batch.items()}
    optimizer = torch.optim.AdamW([p for p in twin.parameters() if p.requires_grad])
    taken = []
    with torch.random.fork_rng(devices=[]):
        for _ in range(2 + repetitions):
            start = time.perf_counter()
            result = twin(**batch)
            loss = result["loss"] if isinstance(result, dict) else result.loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            loss.item()  # waits for a GPU to finish
            taken.append(time.perf_counter() - start)
    return statistics.median(taken[2:])


def forward_flops(model: nn.Module, batch: Any) -> float:
    """Return the floating-point operations of a forward pass alone, measured as above."""
    twin = copy.deepcopy(model).cpu().eval()
    for module in twin.modules():
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation("eager")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        twin(**batch)
    return float(counter.get_total_flops())


def average_cost(model: nn.Module, items: Dataset, collate: Any, batch_size: int) -> StepCost:
    """Return the cost of an average step on encoded rows; operations grow with tokens.

    The last batch of a pass holds what is left over, so few rows make a step cheaper.
    """
    cost = step_cost(model, typical_batch(items, collate, batch_size))
    tokens = sum(len(ids) for ids in items["input_ids"][:]) / -(-len(items) // batch_size)
    share = tokens / (batch_size * len(middle_row(items)["input_ids"]))
    return replace(cost, flops=cost.flops * share)


def typical_batch(items: Dataset, collate: Any, batch_size: int) -> Any:
    """Return a batch of the row of middle length, again and again: no padding in it."""
    return collate([middle_row(items)] * batch_size)


def middle_row(items: Dataset) -> dict[str, Any]:
    """Return the encoded row of middle length.

    >>> middle_row(Dataset.from_dict({"input_ids": [[1], [1, 2, 3], [1, 2]]}))
    {'input_ids': [1, 2]}
    """
    order = np.argsort([len(ids) for ids in items["input_ids"][:]], kind="stable")
    return dict(items[int(order[len(order) // 2])])
