"""Arms of several tasks: a network for each task alone, or one for all of them, at equal cost.

The tasks are fields of discussion groups (:mod:`helpers.trials.fields`). All arms see the same
labelled texts, as many of each field. A network that is trained takes the steps of the trial, of so
many tokens; where each field has its own, they share these steps out. So a text is seen as often
either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from helpers.training import curves
from helpers.training.costs import training_flops
from helpers.training.loop import read
from helpers.trials import networks
from helpers.trials.fields import drawn, fields_of, places_of, select
from helpers.trials.frozen import frozen_cost, vectors
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import WATCHED, Trial

if TYPE_CHECKING:
    from helpers.training.loop import Row
    from helpers.transfer.multitask import MultiTaskClassifier


def majority(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Say of every text the most frequent labelled group of its field."""
    seen = _seen(trial, inputs)
    return _outcome(
        trial,
        inputs,
        {
            field: np.full(len(places), np.bincount(inputs["train.labels"][seen[field]]).argmax())
            for field, places in places_of(inputs, trial.split).items()
        },
    )


def frozen(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Fit a logistic regression for each field to the pretrained network's vectors."""
    from helpers.evaluation.probes import probe

    seen = _seen(trial, inputs)
    model, kept = vectors(trial, inputs, folders, device)
    predicted = {}
    for field, places in places_of(inputs, trial.split).items():
        classes = inputs["train.labels"][seen[field]]
        fitted = probe(trial.options["regularization"]).fit(kept["train"][seen[field]], classes)
        predicted[field] = fitted.predict(kept[trial.split][places])
    # A head on all groups has as many rows as the heads of the fields, and those of no field.
    cost = frozen_cost(inputs, np.concatenate([*seen.values()]), model)
    return replace(_outcome(trial, inputs, predicted), cost=cost)


def single_task(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train a network for each field on its own texts; together they take the trial's steps."""
    parts = [[field] for field in fields_of(inputs["names"])]
    return trained(trial, inputs, folders, device, parts)


def multi_task(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train one encoder on the texts of all fields, with a head for each."""
    return trained(trial, inputs, folders, device, [[*fields_of(inputs["names"])]])


def trained(
    trial: Trial,
    inputs: Inputs,
    folders: Folders,
    device: torch.device,
    parts: Sequence[Sequence[str]],
) -> Outcome:
    """Train a network for each part of the fields, which share the trial's steps out.

    The curve is the mean over fields; a step of it is one of all networks together.

    Args:
        trial: which.
        inputs: its.
        folders: of the models.
        device: where to train.
        parts: fields that share an encoder; each field is in one part.
    """
    steps, scored = trial.options["steps"], places_of(inputs, trial.split)
    predicted: dict[str, np.ndarray] = {}
    looks, tokens, flops, parameters = [], 0, 0.0, 0
    for at, part in enumerate(parts):
        own = steps // len(parts) + (at < steps % len(parts))
        share = replace(trial, setting=tuple((trial.options | {"steps": own}).items()))
        model = _network(share, inputs, folders, part)
        mixed, rows = _Mixed(model, inputs), _rows_seen(share, inputs, part)
        done = networks.fit(share, rows, mixed, device, _watcher(share, inputs, model, device))
        looks.append([(step, done.points[step]) for step in sorted(done.points)])
        tokens += done.tokens
        flops += training_flops(model, done.tokens)
        parameters += sum(p.numel() for p in model.parameters())
        for field in part:
            chosen = _rows(inputs, trial.split, scored[field])
            precision = trial.options["precision"]
            logits = read(model.task(field), chosen, precision=precision, device=device)
            groups = np.array(fields_of(inputs["names"])[field])
            predicted[field] = groups[np.stack(logits).argmax(1)]
    cost = {
        "steps": steps,
        "tokens": tokens,
        "flops": flops,
        "parameters": parameters,
        "trained_parameters": parameters,
    }
    return replace(
        _outcome(trial, inputs, predicted), curve=curves.curve_of(_joined(looks)), cost=cost
    )


def _seen(trial: Trial, inputs: Inputs) -> dict[str, np.ndarray]:
    """Return the places of the labelled texts of each field."""
    return drawn(inputs["train.labels"], inputs["names"], trial.draw, trial.labels)


def _outcome(trial: Trial, inputs: Inputs, by_field: Mapping[str, np.ndarray]) -> Outcome:
    """Return what was predicted of each field's texts in the order of all."""
    labels, names = inputs[f"{trial.split}.labels"], inputs["names"]
    predicted = np.zeros(len(labels), np.uint8 if len(names) <= 256 else np.uint16)
    for field, places in places_of(inputs, trial.split).items():
        predicted[places] = by_field[field]
    return Outcome({"predicted": predicted[select(labels, names)]})


def _rows(inputs: Inputs, split: str, places: np.ndarray) -> list[Row]:
    """Return rows of one field, whose label is the place of the group in its field."""
    number = {
        group: at
        for groups in fields_of(inputs["names"]).values()
        for at, group in enumerate(groups)
    }
    return [(ids, np.array(number[int(label)])) for ids, label in item_rows(inputs, split, places)]


def _rows_seen(trial: Trial, inputs: Inputs, part: Sequence[str]) -> list[Row]:
    """Return the labelled rows of some fields, whose label is the number of the group among all."""
    seen = _seen(trial, inputs)
    return item_rows(inputs, "train", np.concatenate([seen[field] for field in part]))


def _network(
    trial: Trial, inputs: Inputs, folders: Folders, part: Sequence[str]
) -> MultiTaskClassifier:
    """Return an encoder with a head for each of some fields, before any training."""
    from helpers.transfer.multitask import MultiTaskClassifier

    fields = fields_of(inputs["names"])
    backbone = networks.encoder(trial, inputs, folders, pretrained=True)
    heads = {field: len(fields[field]) for field in part}
    model = MultiTaskClassifier(backbone, heads, trial.draw + 1)
    networks.drop(model, trial.options["dropout"])
    return model


class _Mixed(nn.Module):
    """The sum of the tasks' losses for the loop, whose rows have one label: the group among all."""

    def __init__(self, model: MultiTaskClassifier, inputs: Inputs) -> None:
        from helpers.transfer.multitask import MultiTaskObjective

        super().__init__()
        self.objective = MultiTaskObjective(model, "equal", seed=0)
        task, number = (torch.full((len(inputs["names"]),), -1) for _ in range(2))
        fields = fields_of(inputs["names"])
        for at, field in enumerate(model.names):
            task[fields[field]] = at
            number[fields[field]] = torch.arange(len(fields[field]))
        self.register_buffer("task_of", task)
        self.register_buffer("number_of", number)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> SimpleNamespace:
        """Return the ``loss`` of a batch of rows of several fields."""
        own, task = self.number_of[labels], self.task_of[labels]  # type: ignore[index]
        return SimpleNamespace(loss=self.objective(input_ids, attention_mask, own, task)["loss"])


def _watcher(trial: Trial, inputs: Inputs, model: MultiTaskClassifier, device: torch.device) -> Any:
    """Return what looks at a training: the measures of each of the network's fields, in a list.

    Of each field as many texts, :data:`WATCHED` of all fields together.
    """
    seen, held_out = _seen(trial, inputs), places_of(inputs, "validation")
    n = WATCHED // len(seen)
    watchers = [
        curves.watcher(
            _rows(inputs, "train", seen[field][:n]),
            _rows(inputs, "validation", held_out[field][:n]),
            precision=trial.options["precision"],
            device=device,
        )
        for field in model.names
    ]
    views = [model.task(field) for field in model.names]
    return lambda _: [look(view) for look, view in zip(watchers, views, strict=True)]


def _joined(looks: Sequence[Sequence[tuple[int, list[dict[str, float]]]]]) -> dict[int, Any]:
    """Return the mean over fields of what was seen, by the steps of all networks together."""
    found = {}
    for at_once in zip(*looks, strict=True):
        each = [measures for _, fields in at_once for measures in fields]
        found[sum(step for step, _ in at_once)] = {
            name: float(np.mean([measures[name] for measures in each])) for name in each[0]
        }
    return found
