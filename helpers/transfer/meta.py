r"""Meta-learning: from many small tasks learn how to learn the next one from a few labels.

Usually the encoder stays frozen and its features are computed once; what is meta-learned is a small
network on them. So a thousand episodes cost seconds, and all methods, and the plain ones that they
must beat, see the same vectors. The plain ones are :func:`nearest_centroid` and
:func:`fine_tune_on_support`. They are strong: on good features little is left to learn (Chen et al.
2019, *A closer look at few-shot classification*, arXiv 1904.04232).

Every method takes a whole encoder too: a :class:`TokenNetwork`, with :func:`token_matrix` in place
of features. Each step is then a pass through the encoder, unless only the head moves.

Shapes: d features (or tokens), w ways; support (w·shots, d), query (w·queries, d).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from helpers import UserError
from helpers.tasks.episodes import Episode

if TYPE_CHECKING:  # a process that runs trials has no datasets
    pass

Answerer = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""From support (s, d), its labels (s,) and query (q, d) to logits (q, w)."""


class SmallNetwork(nn.Module):
    """A hidden layer, the *trunk*, and a head for w classes."""

    def __init__(self, width: int, ways: int, hidden: int = 64, *, seed: int) -> None:
        """Make one for features of ``width``; ``seed`` is of its weights."""
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.trunk = nn.Sequential(nn.Linear(width, hidden), nn.ReLU())
            self.head = nn.Linear(hidden, ways)

    def features(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what the head sees, (n, hidden), of rows (n, d)."""
        hidden: torch.Tensor = self.trunk(rows)
        return hidden

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return logits (n, w)."""
        logits: torch.Tensor = self.head(self.features(rows))
        return logits


def prototype_logits(
    support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor
) -> torch.Tensor:
    """Return minus the squared distance of each query to the mean of each class, (q, w).

    Source: Snell, Swersky & Zemel 2017, *Prototypical networks* (NeurIPS, arXiv 1703.05175), eq. 1
    and 2.

    >>> support, labels = torch.tensor([[0.0], [2.0], [10.0]]), torch.tensor([0, 0, 1])
    >>> prototype_logits(support, labels, torch.tensor([[3.0]]))
    tensor([[ -4., -49.]])
    """
    ways = int(labels.max()) + 1
    centres = torch.stack([support[labels == way].mean(0) for way in range(ways)])
    return -(query[:, None] - centres[None]).pow(2).sum(-1)


def nearest_centroid(
    support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor
) -> torch.Tensor:
    """Answer by the nearest class mean of the frozen features: nothing is learned.

    A strong baseline, which a meta-learned method has to beat to be worth its training.
    """
    return prototype_logits(support, labels, query)


def adapted(
    net: nn.Module,
    support: torch.Tensor,
    labels: torch.Tensor,
    *,
    steps: int,
    rate: float,
    head_only: bool = False,
) -> Any:
    """Return a copy of ``net`` after ``steps`` of gradient descent on the support: the inner loop.

    ``head_only``: the trunk stays, as in ANIL (Raghu et al. 2020, arXiv 1909.09157), and what it
    gives is computed once.

    Raises:
        UserError: no step, or a rate not above 0.
    """
    if steps < 1 or not rate > 0:
        raise UserError(f"An inner loop needs a step and a rate above 0, not {steps} and {rate}.")
    twin: Any = copy.deepcopy(net)
    moving, inputs = twin, support
    if head_only:
        moving = twin.head
        with torch.no_grad():
            inputs = twin.features(support)
    learning = [p for p in moving.parameters() if p.requires_grad]
    for _ in range(steps):
        loss = nn.functional.cross_entropy(moving(inputs), labels)
        gradients = torch.autograd.grad(loss, learning, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(learning, gradients, strict=True):
                if gradient is not None:  # as of a pooler that nothing goes through
                    parameter -= rate * gradient
    return twin


def fine_tuning(net: nn.Module, *, steps: int, rate: float, head_only: bool = False) -> Answerer:
    """Return the answer of ``net`` after an inner loop on each episode's support.

    With random weights it is plain fine-tuning; with those of :func:`reptile` or
    :func:`first_order_maml` it is how these are used.
    """

    def answer(support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        tuned = adapted(net, support, labels, steps=steps, rate=rate, head_only=head_only)
        with torch.no_grad():
            logits: torch.Tensor = tuned(query)
        return logits

    return answer


def reptile(
    net: nn.Module,
    features: torch.Tensor,
    tasks: Sequence[Episode],
    *,
    steps: int,
    rate: float,
    outer: float = 0.5,
) -> nn.Module:
    """Move ``net`` towards where each task's inner loop ends, task after task, in place.

    θ ← θ + ε (θ' - θ), ε falling linearly from ``outer`` to 0. The support and query of a training
    task are one set here, as nothing is scored on it. Source: Nichol, Achiam & Schulman 2018, *On
    first-order meta-learning algorithms*, arXiv 1803.02999, algorithm 1.
    """
    for i, task in enumerate(tasks):
        rows = np.concatenate([task.support, task.query])
        labels = torch.tensor(np.concatenate([task.support_labels, task.query_labels]))
        there = adapted(net, features[rows], labels, steps=steps, rate=rate)
        epsilon = outer * (1 - i / len(tasks))
        with torch.no_grad():
            for ours, theirs in zip(net.parameters(), there.parameters(), strict=True):
                ours.add_(theirs - ours, alpha=epsilon)
    return net


def first_order_maml(
    net: nn.Module,
    features: torch.Tensor,
    tasks: Sequence[Episode],
    *,
    steps: int,
    rate: float,
    outer: float = 1e-3,
    head_only: bool = False,
) -> nn.Module:
    """Learn weights from which an inner loop gets far on the query, in place.

    The query's gradient at the *adapted* weights is applied to the starting ones (first order), by
    Adam. ``head_only``: the inner loop moves the head alone (ANIL); the trunk learns in the outer
    one. Sources: Finn, Abbeel & Levine 2017, arXiv 1703.03400, section 5.2; Raghu et al. 2020.
    """
    optimizer = torch.optim.Adam(net.parameters(), outer)
    for task in tasks:
        support, labels, query, wanted = _tensors(features, task)
        there = adapted(net, support, labels, steps=steps, rate=rate, head_only=head_only)
        there.zero_grad()  # a copy has the gradients of the last task
        nn.functional.cross_entropy(there(query), wanted).backward()
        for ours, theirs in zip(net.parameters(), there.parameters(), strict=True):
            ours.grad = theirs.grad
        optimizer.step()
    return net


def learn_prototypes(
    embed: nn.Module, features: torch.Tensor, tasks: Sequence[Episode], *, rate: float = 1e-3
) -> Answerer:
    """Train ``embed``, (n, d) -> (n, any), so that class means are near; return its answer.

    Episode by episode, by cross-entropy of :func:`prototype_logits`, with Adam, in place.
    """
    optimizer = torch.optim.Adam(embed.parameters(), rate)
    for task in tasks:
        support, labels, query, wanted = _tensors(features, task)
        logits = prototype_logits(embed(support), labels, embed(query))
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, wanted).backward()
        optimizer.step()

    def answer(support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return prototype_logits(embed(support), labels, embed(query))

    return answer


def episode_accuracies(
    answer: Answerer, features: torch.Tensor, tasks: Sequence[Episode]
) -> np.ndarray:
    """Return the share of right answers on the query of each episode, (episodes,), in [0, 1].

    Raises:
        UserError: no episode.
    """
    if not tasks:
        raise UserError("accuracies needs at least one episode.")
    found = []
    for task in tasks:
        support, labels, query, wanted = _tensors(features, task)
        found.append(float((answer(support, labels, query).argmax(1) == wanted).float().mean()))
    return np.array(found)


def _tensors(features: torch.Tensor, task: Episode) -> tuple[torch.Tensor, ...]:
    return (
        features[task.support],
        torch.tensor(task.support_labels),
        features[task.query],
        torch.tensor(task.query_labels),
    )
