"""Arms that are language models: read as they are, or trained on target, on source, or on both.

A trial has target documents (its ``labels`` of them) and all of the source's training documents,
and is scored on held-out documents of both: the target's say what was learned, the source's what
was forgotten. A step sees equally many tokens in every arm, so equal steps are equal cost. Needs
torch, transformers and numpy alone.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.sources import loading
from helpers.tasks.row_losses import row_losses
from helpers.training import curves
from helpers.training.costs import measured_flops
from helpers.training.loop import Beside, Row, Trained, autocast, pad, train
from helpers.transfer.objective import joint_loss
from helpers.transfer.strategies import FULL, top
from helpers.trials.networks import causal, labelled
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

WATCHED = 16
"""So many target documents of validation are looked at along the way, and half of training."""


@torch.inference_mode()
def document_nats(
    model: nn.Module, rows: list[Row], precision: str = "float32", budget: int = 4096
) -> np.ndarray:
    """Return the summed loss of every row in nats, (n,).

    Args:
        model: causal, of the library; computes where it lies.
        rows: documents with their labels.
        precision: of the matrix products, as :func:`helpers.training.loop.train` has it.
        budget: tokens of a batch, padding included.
    """
    device = next(model.parameters()).device
    model.eval()
    lengths = [len(ids) for ids, _ in rows]
    order = sorted(range(len(rows)), key=lengths.__getitem__)
    found = np.zeros(len(rows))
    while order:
        size = max(1, budget // lengths[order[-1]])
        chosen, order = order[-size:], order[:-size]
        batch = pad([rows[at] for at in chosen], device)
        labels = batch.pop("labels")
        with autocast(device, precision):
            losses, _ = row_losses(model(**batch).logits, labels, shift=True)
        found[chosen] = losses.cpu().numpy()
    return found


def build(trial: Trial, inputs: Inputs, folders: Folders, *, pretrained: bool) -> nn.Module:
    """Return the language model of a trial before any training; random weights are the draw's."""
    model = causal(trial, folders, trial.options["max_length"], pretrained=pretrained)
    loading.check_tokens(model, inputs["vocabulary"] - 1, trial.model)
    return model


def unigram(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Predict every token by its frequency in the target documents, whatever stands before it.

    A network that is no better has learned nothing but how frequent tokens are.
    """
    counts = np.full(inputs["vocabulary"], trial.options["smoothing"])
    for _, labels in item_rows(inputs, "train", labelled(trial, inputs)):
        np.add.at(counts, labels[labels >= 0], 1)
    loss = -np.log(counts / counts.sum())
    nats = [float(loss[labels[labels >= 0]].sum()) for _, labels in item_rows(inputs, trial.split)]
    return _outcome(trial, inputs, np.array(nats))


def untuned(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Read with the pretrained model as it is."""
    model = build(trial, inputs, folders, pretrained=True).to(device)
    cost = {"steps": 0, "tokens": 0, "flops": 0.0}
    return _outcome(trial, inputs, _read(trial, inputs, model), cost=cost)


def fine_tuned(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train all of the pretrained model on the target documents."""
    model = build(trial, inputs, folders, pretrained=True)
    return _trained(trial, inputs, model, device)


def from_scratch(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the same model from random weights on the same documents."""
    model = build(trial, inputs, folders, pretrained=False)
    return _trained(trial, inputs, model, device)


def source_continued(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device
) -> Outcome:
    """Train the pretrained model for as long on source documents alone: λ = 0."""
    model = build(trial, inputs, folders, pretrained=True)
    return _trained(trial, inputs, model, device, item_rows(inputs, "source"))


def joint(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Minimize L_s + λ L_t; half of a step's tokens are of the source, half of the target.

    λ is the setting's ``weight``.
    """
    weight = trial.options["weight"]
    beside = Beside(
        item_rows(inputs, "source"), lambda source, target: joint_loss(source, target, weight)
    )
    model = build(trial, inputs, folders, pretrained=True)
    return _trained(trial, inputs, model, device, beside=beside)


def two_phase(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the last layer first, then everything at a lower rate, for the cost of one phase.

    The setting has the share of the cost that goes into the first phase, ``preliminary``, and the
    second's rate as a share of the first's, ``refined``. A step of the first is cheaper, for the
    backward pass ends below the last layer, so it gets more steps for its share.
    """
    options = trial.options
    model = build(trial, inputs, folders, pretrained=True)
    rows, look = _watched(trial, inputs)
    whole = measured_flops(model, options["max_length"])
    top(model).apply(model)
    part = measured_flops(model, options["max_length"])
    steps = options["steps"]
    first = max(1, round(options["preliminary"] * steps * whole / part))
    second = max(1, steps - round(options["preliminary"] * steps))
    before = _train(trial, model, rows, look, device, first, options["learning_rate"])
    FULL.apply(model)
    rate = options["refined"] * options["learning_rate"]
    after = _train(trial, model, rows, look, device, second, rate)
    points = before.points | {first + at: seen for at, seen in after.points.items() if at}
    cost = {
        "steps": first + second,
        "tokens": before.tokens + after.tokens,
        "flops": part * before.tokens + whole * after.tokens,
    }
    return _outcome(trial, inputs, _read(trial, inputs, model), curves.curve_of(points), cost)


def _trained(
    trial: Trial,
    inputs: Inputs,
    model: nn.Module,
    device: torch.device,
    rows: list[Row] | None = None,
    beside: Beside | None = None,
) -> Outcome:
    """Train on the target documents, or on the rows that are given; score held-out documents."""
    options = trial.options
    target, look = _watched(trial, inputs)
    flops = measured_flops(model, options["max_length"])
    done = _train(
        trial, model, rows or target, look, device, options["steps"], options["learning_rate"],
        beside,
    )  # fmt: skip
    cost = {"steps": options["steps"], "tokens": done.tokens, "flops": flops * done.tokens}
    return _outcome(trial, inputs, _read(trial, inputs, model), curves.curve_of(done.points), cost)


def _read(trial: Trial, inputs: Inputs, model: nn.Module) -> np.ndarray:
    return document_nats(model, item_rows(inputs, trial.split), trial.options["precision"])


def _train(
    trial: Trial,
    model: nn.Module,
    rows: list[Row],
    look: Any,
    device: torch.device,
    steps: int,
    rate: float,
    beside: Beside | None = None,
) -> Trained:
    return train(
        model,
        rows,
        steps=steps,
        learning_rate=rate,
        batch_tokens=trial.options["batch_tokens"],
        seed=trial.draw + 1,
        precision=trial.options["precision"],
        device=device,
        look_at=curves.points(steps),
        look=look,
        beside=beside,
    )


def _watched(trial: Trial, inputs: Inputs) -> tuple[list[Row], Any]:
    """Return the target rows of a trial, and what looks at the training along the way.

    It looks at target documents, some that are learned from and some of validation: nats a token,
    and as the score minus bits per byte.
    """
    rows = item_rows(inputs, "train", labelled(trial, inputs))
    some, precision = rows[: WATCHED // 2], trial.options["precision"]
    places = np.flatnonzero(inputs["validation.is_target"])[:WATCHED]
    held_out = item_rows(inputs, "validation", places)
    size = int(inputs["validation.bytes"][places].sum())

    def look(model: nn.Module) -> dict[str, float]:
        seen = document_nats(model, some, precision).sum()
        unseen = document_nats(model, held_out, precision).sum()
        return {
            "training_loss": float(seen) / _predicted(some),
            "validation_loss": float(unseen) / _predicted(held_out),
            "validation_score": -float(unseen) / np.log(2) / size,
        }

    return rows, look


def _predicted(rows: list[Row]) -> int:
    return sum(int((labels >= 0).sum()) for _, labels in rows)


def _outcome(
    trial: Trial, inputs: Inputs, nats: np.ndarray, curve: Any = None, cost: Any = None
) -> Outcome:
    items = {
        "nats": nats.astype(np.float32),
        "bytes": inputs[f"{trial.split}.bytes"],
        "is_target": inputs[f"{trial.split}.is_target"],
    }
    return Outcome(items, curve or {}, cost or {})
