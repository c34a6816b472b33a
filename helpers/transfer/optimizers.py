"""Optimizers beyond the Trainer's own: Muon for the matrices of the layers, AdamW for the rest."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

OPTIMIZERS = ("adamw", "muon")


class MuonAdamW(torch.optim.Optimizer):
    """Two of torch's optimizers as one, with one step size.

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
            self._parts.append(
                torch.optim.Muon(
                    hidden, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
                )
            )
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
