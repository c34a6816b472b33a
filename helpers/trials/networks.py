"""Arms that are networks: fine-tuned, from scratch, or frozen under a new head.

Needs torch, transformers and numpy alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoModel, AutoModelForCausalLM, PreTrainedModel

from helpers import UserError
from helpers.sources import loading
from helpers.sources.noise import flip_labels
from helpers.sources.sampling import draw_order
from helpers.sources.variants import variant
from helpers.tasks.heads import (
    EncoderWithHead,
    LastTokenClassifier,
    MeanPooledClassifier,
    TokenClassifier,
)
from helpers.training import curves
from helpers.training.costs import training_flops
from helpers.training.loop import Row, Trained, read, train
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows, n_items
from helpers.trials.tasks import task_of
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import WATCHED, Trial

HEADS: dict[str, type[EncoderWithHead]] = {
    "mean": MeanPooledClassifier,
    "last": LastTokenClassifier,
    "token": TokenClassifier,
}
"""How a text's, or each token's, vector comes about, by the setting ``pooling``."""


def labelled(trial: Trial, inputs: Inputs) -> np.ndarray:
    """Return the places of the training items whose labels the trial sees.

    Raises:
        UserError: more labels than there are items.
    """
    n = n_items(inputs, "train")
    if trial.labels > n:
        raise UserError(
            f"{trial.label}: {trial.labels:,} labels were asked for, {trial.corpus} has {n:,}."
        )
    strata = task_of(trial.task).strata(inputs)
    return draw_order(strata, trial.draw)[: trial.labels]


def classes_seen(trial: Trial, inputs: Inputs, seen: np.ndarray) -> np.ndarray:
    """Return the classes that the trial is given for some training texts, (n,).

    With the setting ``wrong_labels`` that share of them is wrong, chosen by the draw.
    """
    classes: np.ndarray = inputs["train.labels"][seen]
    share = trial.options.get("wrong_labels", 0.0)
    return (
        flip_labels(classes.tolist(), share, len(inputs["names"]), trial.draw) if share else classes
    )


def rows_seen(trial: Trial, inputs: Inputs, seen: np.ndarray) -> list[Row]:
    """Return the rows of training items ``seen``, with the labels that the trial is given."""
    rows = item_rows(inputs, "train", seen)
    if "wrong_labels" not in trial.options:
        return rows
    given = classes_seen(trial, inputs, seen)
    return [(ids, label) for (ids, _), label in zip(rows, given, strict=True)]


def encoder(trial: Trial, inputs: Inputs, folders: Folders, *, pretrained: bool) -> Any:
    """Return the encoder of a trial before any training; it takes all tokens of the inputs."""
    model = _loaded(trial, folders, AutoModel, pretrained)
    loading.check_positions(model, trial.options["max_length"], trial.model)
    ids = [array for key, array in inputs.items() if key.endswith(".ids") and len(array)]
    loading.check_tokens(model, max((int(array.max()) for array in ids), default=0), trial.model)
    return model


def causal(trial: Trial, folders: Folders, longest: int, *, pretrained: bool) -> PreTrainedModel:
    """Return the causal language model of a trial before any training, for ``longest`` tokens."""
    model: PreTrainedModel = _loaded(trial, folders, AutoModelForCausalLM, pretrained)
    loading.check_positions(model, longest, trial.model)
    if getattr(model, "loss_type", None) is None:
        model.loss_type = "ForCausalLM"  # the library's default, said so that it does not warn
    drop(model, trial.options["dropout"])
    return model


def _loaded(trial: Trial, folders: Folders, kind: Any, pretrained: bool) -> Any:
    chosen, place = variant(trial.model), folders[trial.model]
    return loading.from_folder(
        place["folder"] or "",
        kind,
        name=chosen.name,
        gguf=place.get("gguf"),
        pretrained=pretrained,
        seed=trial.draw + 1,
        **chosen.config,
    )


def build(trial: Trial, inputs: Inputs, folders: Folders, *, pretrained: bool) -> EncoderWithHead:
    """Return the network of a trial before any training; all random weights are the draw's."""
    backbone = encoder(trial, inputs, folders, pretrained=pretrained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trial.draw + 1)
        head = HEADS[trial.options["pooling"]]
        model = head(backbone, len(inputs["names"]))
    drop(model, trial.options["dropout"])
    return model


def drop(model: nn.Module, share: float) -> None:
    """Give every dropout of the network this share; 0 draws no masks at all."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = share  # type: ignore[assignment]


def fine_tuned(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train all of the pretrained network on the labelled items."""
    model = build(trial, inputs, folders, pretrained=True)
    return trained(trial, inputs, model, device)


def from_scratch(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the same network from random weights on the same items."""
    model = build(trial, inputs, folders, pretrained=False)
    return trained(trial, inputs, model, device)


def frozen_tagger(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the head alone on the pretrained network's token vectors, which stay as they are."""
    model = build(trial, inputs, folders, pretrained=True)
    model.backbone.requires_grad_(False)
    return trained(trial, inputs, model, device)


def untrained(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Read with the pretrained network under a random head: what there is before any training."""
    model = build(trial, inputs, folders, pretrained=True)
    rows = item_rows(inputs, trial.split)
    logits = read(model, rows, precision=trial.options["precision"], device=device)
    return Outcome(task_of(trial.task).of_logits(logits, inputs, trial.split))


def rows_watched(inputs: Inputs) -> list[Row]:
    """Return the rows of validation that a training is looked at by."""
    return item_rows(inputs, "validation", _watched(inputs))


def _watched(inputs: Inputs) -> np.ndarray:
    return np.arange(n_items(inputs, "validation"))[:WATCHED]


def watcher(
    trial: Trial,
    inputs: Inputs,
    training_rows: Sequence[Row],
    validation_rows: Sequence[Row],
    device: torch.device,
) -> Callable[[nn.Module], dict[str, float]]:
    """Return what looks at a training of ``trial`` by its rows and :func:`rows_watched`."""
    seen = labelled(trial, inputs)[:WATCHED]
    return curves.watcher(
        training_rows[: len(item_rows(inputs, "train", seen))],
        validation_rows,
        lambda logits: task_of(trial.task).watched(logits, inputs, _watched(inputs)),
        precision=trial.options["precision"],
        device=device,
    )


def fit(
    trial: Trial,
    rows: Sequence[Row],
    model: nn.Module,
    device: torch.device,
    look: Callable[[nn.Module], dict[str, float]] | None = None,
) -> Trained:
    """Train ``model`` in place on ``rows`` as the trial says; looking at it changes nothing."""
    options = trial.options
    return train(
        model,
        rows,
        steps=options["steps"],
        learning_rate=options["learning_rate"],
        batch_tokens=options["batch_tokens"],
        seed=trial.draw + 1,
        precision=options["precision"],
        device=device,
        look_at=curves.points(options["steps"]),
        look=look,
    )


def trained(
    trial: Trial,
    inputs: Inputs,
    model: EncoderWithHead,
    device: torch.device,
    seen: list[Row] | None = None,
) -> Outcome:
    """Train ``model`` and let it answer all scored items.

    ``seen``: labelled rows; None: those of :func:`labelled`.
    """
    seen = rows_seen(trial, inputs, labelled(trial, inputs)) if seen is None else seen
    look = watcher(trial, inputs, seen, rows_watched(inputs), device)
    done = fit(trial, seen, model, device, look)
    precision = trial.options["precision"]
    logits = read(model, item_rows(inputs, trial.split), precision=precision, device=device)
    cost = {
        "steps": trial.options["steps"],
        "tokens": done.tokens,
        "flops": training_flops(model, done.tokens) / (1 if _all_learn(model) else 3),
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
    return Outcome(
        task_of(trial.task).of_logits(logits, inputs, trial.split),
        curves.curve_of(done.points),
        cost,
    )


def _all_learn(model: EncoderWithHead) -> bool:
    """Whether the body learns too; frozen, it is only read: a third of the operations."""
    return any(p.requires_grad for p in model.backbone.parameters())
