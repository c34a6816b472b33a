"""Optimizers beyond the Trainer's own: Muon for the matrices of the layers, AdamW for the rest."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

OPTIMIZERS = ("adamw", "muon")


class Muon(torch.optim.Muon):
    """torch's Muon with its matrix products in 32 bits instead of bfloat16.

    A processor without bfloat16 arithmetic computes such products one number at a time, and their
    rounding, coarser by far, made equal runs on two kinds of processor drift apart. Options and
    state are torch's; the size of a step is that of AdamW (``match_rms_adamw``).

    >>> matrix = nn.Parameter(torch.eye(2))
    >>> matrix.grad = torch.diag(torch.tensor([3.0, 0.1]))
    >>> Muon([matrix], lr=1.0, weight_decay=0.0).step()
    >>> [round(x, 1) for x in ((1 - matrix.diagonal()) / (0.2 * 2**0.5)).tolist()]  # about 1 each
    [0.7, 1.1]
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every matrix by its orthogonalized momentum (Nesterov's)."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                momentum = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                momentum.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(momentum, group["momentum"])
                p.mul_(1 - group["lr"] * group["weight_decay"])
                size = 0.2 * group["lr"] * max(p.shape) ** 0.5
                p.sub_(_orthogonal(update, group["ns_coefficients"], group["ns_steps"]), alpha=size)
        return loss


def _orthogonal(
    matrix: torch.Tensor, coefficients: tuple[float, float, float], steps: int
) -> torch.Tensor:
    """Return ``matrix`` with its singular values moved to about 1, by Newton-Schulz iterations."""
    a, b, c = coefficients
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class MuonAdamW(torch.optim.Optimizer):
    """Two optimizers as one, :class:`Muon` and torch's AdamW, with one step size.

    Muon replaces the momentum of a matrix by the nearest matrix whose singular values are all about
    1, so that every direction moves equally far; embeddings, the output matrix, biases and norms
    have no such shape to respect and are left to AdamW. Muon's step is scaled to the size that
    AdamW's would have, so one ``lr`` serves both. Sources: Jordan et al. 2024 (Muon); Liu et al.
    2025, arXiv 2502.16982 (the scaling).

    >>> layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
    >>> model = nn.ModuleDict({"layers": layers, "head": nn.Linear(4, 2)})
    >>> [len(group["params"]) for group in MuonAdamW(model, lr=0.01).param_groups]
    [2, 4]
    """

    def __init__(self, model: nn.Module, lr: float, weight_decay: float = 0.05) -> None:
        """Take the parameters of ``model`` that learn; ``weight_decay`` holds for Muon's part."""
        learning = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        hidden = [p for n, p in learning if p.ndim == 2 and re.search(r"\.\d+\.", n)]
        matrices = {id(p) for p in hidden}
        rest = [p for _, p in learning if id(p) not in matrices]
        self._parts: list[torch.optim.Optimizer] = []
        if hidden:
            self._parts.append(Muon(hidden, lr=lr, weight_decay=weight_decay))
        if rest:
            self._parts.append(torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.95), weight_decay=0.0))
        super().__init__([group for part in self._parts for group in part.param_groups], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step both; they share this optimizer's groups (the schedule's) and its state."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.param_groups, part.state = [group], self.state
            part.step()
        return loss
