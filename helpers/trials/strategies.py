"""Arms that are strategies of fine-tuning, one of each family, at a cost counted in steps.

``steps`` of a trial's setting is what the whole may cost at most, in steps in which every parameter
learns; the stages of a strategy share them. A head that is fitted to frozen features costs a third
of a pass over the labelled texts (they are read once, forward), which is taken off the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.tasks.heads import EncoderWithHead
from helpers.training import curves
from helpers.training.loop import Row, read, train
from helpers.transfer import strategies
from helpers.transfer.strategies import Strategy
from helpers.trials import networks
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows
from helpers.trials.tasks import task_of
from helpers.trials.tasks.base import Arm, Folders
from helpers.trials.trial import Trial
from helpers.trials.upper import kept_below

SEED_OF_STAGE = 1000
"""Between the seeds of two stages, so that they do not see the texts in the same order."""

ABSENT = -20.0
"""Logit of a class without a labelled text after a head was fitted: as good as never predicted."""


def operations(model: nn.Module, tokens: int) -> float:
    """Estimate the floating-point operations of training on ``tokens``, by what learns.

    Per token 2 for each parameter outside the embeddings (forward), 2 for each that lies as high as
    the lowest that learns or higher (the gradient passes through it), 2 for each that learns. Where
    everything does, that is :func:`helpers.training.costs.training_flops`.

    >>> body = nn.ModuleList([nn.Linear(10, 10, bias=False), nn.Linear(10, 10, bias=False)])
    >>> model = nn.ModuleDict({"layers": body})
    >>> operations(model, 1)  # 6 each
    1200.0
    >>> body[0].requires_grad_(False)
    Linear(in_features=10, out_features=10, bias=False)
    >>> operations(model, 1)  # the lower one is only read
    800.0
    """
    layers = strategies.layers_of(model)
    within = {id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    places = {name: strategies.depth(name, layers) for name, _ in model.named_parameters()}
    learning = [places[name] for name, p in model.named_parameters() if p.requires_grad]
    lowest = min(learning, default=layers + 2)
    total = 0
    for name, parameter in model.named_parameters():
        if id(parameter) not in within:
            passes = 1 + (places[name] >= lowest) + parameter.requires_grad
            total += 2 * passes * parameter.numel()
    return float(tokens * total)


def _tokens(rows: Sequence[Row]) -> int:
    return sum(len(ids) for ids, _ in rows)


class _Course:
    """A trial's model on its way through the stages: what was spent, and the curve so far."""

    def __init__(
        self, trial: Trial, inputs: Inputs, model: EncoderWithHead, device: torch.device
    ) -> None:
        self.trial, self.inputs, self.model, self.device = trial, inputs, model, device
        self.options = trial.options
        self.how = {"precision": self.options["precision"], "device": device}
        self.rows: Mapping[str, list[Row]] = {
            "seen": networks.rows_seen(trial, inputs, networks.labelled(trial, inputs)),
            "validation": networks.rows_watched(inputs),
        }
        self.parameters = sum(p.numel() for p in model.parameters())
        self.steps, self.tokens, self.flops = 0, 0, 0.0
        self.looks: dict[int, dict[str, float]] = {}
        self.learned: dict[str, int] = {}

    def _applied(self, strategy: Strategy) -> None:
        names = set(strategy.apply(self.model))
        sizes = {name: p.numel() for name, p in self.model.named_parameters() if name in names}
        self.learned |= sizes

    def read_once(self) -> None:
        """Account for reading the labelled texts once, forward."""
        self.model.requires_grad_(False)
        self.flops += operations(self.model, _tokens(self.rows["seen"]))
        self.model.requires_grad_(True)

    def fit_head(self, stage: Strategy) -> None:
        """Fit the head to frozen features of the labelled texts."""
        from helpers.evaluation.probes import as_layer, probe

        rows = self.rows["seen"]
        features = np.stack(read(self.model, rows, features=True, **self.how))
        labels = np.array([int(label) for _, label in rows])
        fitted = probe(self.options["regularization"]).fit(features, labels)
        head: Any = self.model.head
        weight, bias = as_layer(fitted, len(head.bias), absent=ABSENT)
        with torch.no_grad():
            head.weight.copy_(torch.as_tensor(weight))
            head.bias.copy_(torch.as_tensor(bias))
        self.read_once()
        self._applied(stage)
        self.tokens += _tokens(rows)
        self.steps += max(1, round(_tokens(rows) / self.options["batch_tokens"] / 3))

    def train(self, stage: Strategy, steps: int, number: int = 0) -> None:
        """Train what a stage lets learn."""
        self._applied(stage)
        layers = strategies.layers_of(self.model)
        seen, watched = self.rows["seen"], self.rows["validation"]
        done = train(
            self.model,
            seen,
            steps=steps,
            learning_rate=self.options["learning_rate"],
            batch_tokens=self.options["batch_tokens"],
            seed=self.trial.draw + 1 + SEED_OF_STAGE * number,
            look_at=curves.points(steps),
            look=networks.watcher(self.trial, self.inputs, seen, watched, self.device),
            rate_of=lambda name: stage.rate_share(strategies.depth(name, layers), layers),
            **self.how,
        )
        self.looks |= {self.steps + at: seen for at, seen in done.points.items()}
        self.steps += steps
        self.tokens += done.tokens
        self.flops += operations(self.model, done.tokens)

    def outcome(self) -> Outcome:
        """Score the model."""
        logits = read(self.model, item_rows(self.inputs, self.trial.split), **self.how)
        cost = {
            "steps": self.steps,
            "tokens": self.tokens,
            "flops": self.flops,
            "parameters": self.parameters,
            "trained_parameters": sum(self.learned.values()),
        }
        task = task_of(self.trial.task)
        of_items = task.of_logits(logits, self.inputs, self.trial.split)
        return Outcome(of_items, curves.curve_of(self.looks), cost)


def carry_out(
    strategy: Strategy, trial: Trial, inputs: Inputs, folders: Folders, device: torch.device
) -> Outcome:
    """Carry a strategy out on a trial's labelled texts, stage after stage.

    Raises:
        UserError: an architecture that the strategy does not know.
    """
    model = networks.build(trial, inputs, folders, pretrained=strategy.pretrained)
    strategy.prepare(model, trial.draw + 1)
    course = _Course(trial, inputs, model, device)
    stages = strategy.stages(model)
    for _, stage in (pair for pair in stages if pair[0] == 0):
        course.fit_head(stage)
    left = trial.options["steps"] - course.steps
    for number, (share, stage) in enumerate(stages):
        if share:
            course.train(stage, max(1, round(share * left)), number)
    return course.outcome()


def top_layer(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the last layer and the head; what the layers below give is computed once and kept.

    Raises:
        UserError: a network that is built otherwise than BERT.
    """
    model = networks.build(trial, inputs, folders, pretrained=True)
    course = _Course(trial, inputs, model, device)
    course.read_once()
    with kept_below(model, 1, course.rows, **course.how) as places:
        course.rows = places
        course.train(strategies.top(model, 1), trial.options["steps"])
    return course.outcome()


def arm(name: str) -> Arm:
    """Return what carries out the strategy called ``name``."""

    def done(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
        return carry_out(strategies.get(name), trial, inputs, folders, device)

    return top_layer if name == "top_layer" else done
