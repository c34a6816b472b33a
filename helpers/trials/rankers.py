"""Arms that look replies up: at random, by words in common, by a bi-encoder.

What is kept of each held-out context is the place of the right reply among its candidates, first
and last where several are tied (:func:`helpers.evaluation.retrieval.ranks`). The bi-encoders need
torch, transformers and numpy alone; BM25 reads texts and needs scikit-learn.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from helpers.tasks.bi_encoder import CONTEXT, REPLY, SCALE, BiEncoder
from helpers.training import curves
from helpers.training.costs import training_flops
from helpers.training.loop import Row, read, train
from helpers.trials.networks import drop, encoder, labelled
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows, item_texts
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

WATCHED = 50
"""So many validation and training pairs, at most, are looked at along the way."""


def places(scores: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is kept of each item from the scores of its candidates, (n, m), its own first.

    First and last place of the right one, as :func:`helpers.evaluation.retrieval.ranks` counts them
    (which needs scipy, and a machine that only runs trials has none).

    >>> places(np.array([[0.5, 0.9, 0.5]]))["ranks"].tolist()
    [[2, 3]]
    """
    own = scores[:, :1]
    better, tied = (scores > own).sum(1), (scores == own).sum(1)
    kept = np.uint8 if scores.shape[1] < 256 else np.uint16
    return {"ranks": np.stack([better + 1, better + tied], axis=1).astype(kept)}


def random_order(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Say the same of every candidate: each place is as likely."""
    return Outcome(places(np.zeros(inputs[f"{trial.split}.candidates"].shape)))


def bm25(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Count words in common, rare ones more, on what the model sees of each text.

    All replies of the split are the collection that says how rare a word is; no label is used.
    """
    from helpers.tasks.retrieval import bm25_scores

    every = np.arange(trial.items)
    contexts, replies = (
        item_texts(inputs, trial.split, every, what) for what in ("context", "reply")
    )
    options = trial.options
    found = bm25_scores(contexts, replies, k1=options["k1"], b=options["b"])
    return Outcome(places(np.take_along_axis(found, inputs[f"{trial.split}.candidates"], axis=1)))


_read: dict[tuple[Any, ...], Outcome] = {}


def frozen(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Read with the pretrained encoder as it is; no label is used, so all draws are one reading."""
    key = (trial.corpus_hash, trial.model_hash, trial.model, trial.split, trial.setting, device)
    if key not in _read:
        model = build(trial, inputs, folders, pretrained=True)
        parameters = sum(p.numel() for p in model.parameters())
        cost = {"parameters": parameters, "trained_parameters": 0}
        _read.clear()
        _read[key] = Outcome(_ranked(model, trial, inputs, device), {}, cost)
    return _read[key]


def fine_tuned(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train all of the pretrained encoder on the pairs, with in-batch negatives."""
    return _trained(trial, inputs, build(trial, inputs, folders, pretrained=True), device)


def from_scratch(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the same encoder from random weights on the same pairs."""
    return _trained(trial, inputs, build(trial, inputs, folders, pretrained=False), device)


def build(trial: Trial, inputs: Inputs, folders: Folders, *, pretrained: bool) -> BiEncoder:
    """Return the bi-encoder of a trial before any training; random weights are the draw's."""
    model = BiEncoder(encoder(trial, inputs, folders, pretrained=pretrained))
    drop(model, trial.options["dropout"])
    return model


def _one_side(pairs: list[Row], side: int) -> list[Row]:
    """Return the contexts, or the replies, of pairs as rows to be read."""
    return [(ids[sides == side], np.array(0)) for ids, sides in pairs]


def pair_vectors(
    model: BiEncoder, pairs: list[Row], precision: str, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of the contexts and of the replies of pairs, (n, d) each."""
    asked, answered = (
        np.stack(
            read(model, _one_side(pairs, side), precision=precision, device=device, features=True)
        )
        for side in (CONTEXT, REPLY)
    )
    return asked, answered


def _ranked(
    model: BiEncoder, trial: Trial, inputs: Inputs, device: torch.device
) -> dict[str, np.ndarray]:
    pairs = item_rows(inputs, trial.split)
    asked, answered = pair_vectors(model, pairs, trial.options["precision"], device)
    candidates = inputs[f"{trial.split}.candidates"]
    return places(np.stack([answered[row] @ asked[at] for at, row in enumerate(candidates)]))


def watcher(
    training: list[Row], validation: list[Row], precision: str, device: torch.device
) -> Callable[[BiEncoder], dict[str, float]]:
    """Return what looks at a training: both losses, and recall@1 among the validation replies.

    All three are among the replies of the pairs given, so both lists should be as long.
    """

    def look(model: BiEncoder) -> dict[str, float]:
        seen, held_out = (
            _among_themselves(pairs, *pair_vectors(model, pairs, precision, device))
            for pairs in (training, validation)
        )
        return {
            "training_loss": seen[0],
            "validation_loss": held_out[0],
            "validation_score": held_out[1],
        }

    return look


def _among_themselves(
    pairs: list[Row], asked: np.ndarray, answered: np.ndarray
) -> tuple[float, float]:
    """Return loss (nats) and recall@1 of pairs whose replies are each other's candidates."""
    scores = SCALE * asked.astype(np.float64) @ answered.astype(np.float64).T
    replies = [ids.tobytes() for ids, _ in _one_side(pairs, REPLY)]
    kinds = np.unique(np.array(replies, dtype=object), return_inverse=True)[1]
    own = np.arange(len(pairs))
    scores[(kinds[:, None] == kinds[None, :]) & (own[:, None] != own[None, :])] = -np.inf
    right = scores[own, own]
    top = scores.max(1)
    loss = top + np.log(np.exp(scores - top[:, None]).sum(1)) - right
    return float(loss.mean()), float((right >= top).mean())


def _trained(trial: Trial, inputs: Inputs, model: BiEncoder, device: torch.device) -> Outcome:
    options, seen = trial.options, labelled(trial, inputs)
    steps, precision = options["steps"], options["precision"]
    pairs, held_out = item_rows(inputs, "train", seen), item_rows(inputs, "validation")
    done = train(
        model,
        pairs,
        steps=steps,
        learning_rate=options["learning_rate"],
        batch_rows=options["batch_pairs"],
        seed=trial.draw + 1,
        precision=precision,
        device=device,
        look_at=curves.points(steps),
        look=watcher(pairs[:WATCHED], held_out[:WATCHED], precision, device),  # type: ignore[arg-type]
    )
    parameters = sum(p.numel() for p in model.parameters())
    cost = {
        "steps": steps,
        "tokens": done.tokens,
        "flops": training_flops(model, done.tokens),
        "parameters": parameters,
        "trained_parameters": parameters,
    }
    return Outcome(_ranked(model, trial, inputs, device), curves.curve_of(done.points), cost)
