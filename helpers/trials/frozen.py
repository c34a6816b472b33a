"""Arms that read texts as vectors once, under logistic regression: a frozen network's, its words'.

Their logistic regression is scikit-learn's, so they run where the corpus is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from helpers.tasks.heads import EncoderWithHead
from helpers.training.costs import training_flops
from helpers.training.loop import read
from helpers.trials import answers, networks
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

_features: dict[tuple[Any, ...], dict[str, np.ndarray]] = {}


def vectors(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device
) -> tuple[EncoderWithHead, dict[str, np.ndarray]]:
    """Return the pretrained network, and what it makes of training and scored texts, (n, d) each.

    The vectors of a corpus are worked out once in a process and serve all label counts and draws.
    """
    model = networks.build(trial, inputs, folders, pretrained=True)
    read_by = {name: value for name, value in trial.setting if name != "regularization"}
    key = (trial.corpus_hash, trial.model_hash, trial.model, str(read_by))
    if key not in _features:
        _features.clear()
        _features[key] = {}
    kept = _features[key]
    for split in ("train", trial.split):
        if split not in kept:
            rows, precision = item_rows(inputs, split), trial.options["precision"]
            found = read(model, rows, precision=precision, device=device, features=True)
            kept[split] = np.stack(found)
    return model, kept


def frozen(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Fit logistic regression to the pretrained network's vectors, which stay as they are."""
    model, kept = vectors(trial, inputs, folders, device)
    seen = networks.labelled(trial, inputs)
    probabilities = probe_probabilities(trial, inputs, kept, seen)
    cost = frozen_cost(inputs, seen, model)
    return Outcome(answers.of_probabilities(probabilities), {}, cost)


def probe_probabilities(
    trial: Trial, inputs: Inputs, kept: Mapping[str, np.ndarray], seen: np.ndarray
) -> np.ndarray:
    """Return the class probabilities of all scored texts, (n, c), by logistic regression.

    Args:
        trial: has the penalty.
        inputs: its.
        kept: vectors of training and scored texts by split.
        seen: places of the labelled texts.
    """
    from helpers.evaluation.probes import probe

    classes = networks.classes_seen(trial, inputs, seen)
    probabilities = np.zeros((len(kept[trial.split]), len(inputs["names"])))
    if len(set(classes.tolist())) == 1:
        probabilities[:, classes[0]] = 1.0
    else:
        fitted = probe(trial.options["regularization"]).fit(kept["train"][seen], classes)
        probabilities[:, fitted.classes_] = fitted.predict_proba(kept[trial.split])
    return probabilities


def frozen_cost(inputs: Inputs, seen: np.ndarray, model: EncoderWithHead) -> dict[str, float]:
    """Return what it cost to read the training texts ``seen`` once, under a head of this size."""
    tokens = _tokens(inputs, seen)
    return {
        "tokens": tokens,
        "flops": training_flops(model, tokens) / 3,
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.head.parameters()),
    }


def _tokens(inputs: Inputs, seen: np.ndarray) -> int:
    """Return how many tokens the training texts ``seen`` have."""
    starts = inputs["train.starts"]
    return int((starts[seen + 1] - starts[seen]).sum())


_static: dict[tuple[Any, ...], dict[str, np.ndarray]] = {}


def static(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Fit logistic regression to the mean of each text's static embeddings.

    They are distilled from the trial's network and need it no more: its cost has the operations of
    looking the tokens up and of the head.
    """
    table, found = _static_vectors(trial, inputs, folders, device)
    seen = networks.labelled(trial, inputs)
    probabilities = probe_probabilities(trial, inputs, found, seen)
    tokens = _tokens(inputs, seen)
    head = (table.shape[1] + 1) * len(inputs["names"])
    cost = {
        "tokens": tokens,
        "flops": float(tokens * table.shape[1] + len(seen) * 2 * head),
        "parameters": table.size + head,
        "trained_parameters": head,
    }
    return Outcome(answers.of_probabilities(probabilities), {}, cost)


def _static_vectors(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the table of tokens, and the vectors of training and scored texts, (n, k) each.

    They are worked out once in a process and serve all label counts and draws.
    """
    from helpers.baselines.static_embeddings import text_vectors, token_table
    from helpers.sources.variants import variant
    from helpers.sources.weights import load_tokenizer

    options = trial.options
    dimensions, precision = options["dimensions"], options["precision"]
    key = (trial.corpus_hash, trial.model_hash, trial.model, options["max_length"], dimensions)
    if key not in _static:
        _static.clear()
        body = networks.encoder(trial, inputs, folders, pretrained=True).to(device).eval()
        tokenizer = load_tokenizer(variant(trial.model).name)
        _static[key] = {"table": token_table(body, tokenizer, dimensions, precision)}
    kept = _static[key]
    for split in ("train", trial.split):
        if split not in kept:
            kept[split] = text_vectors(kept["table"], [ids for ids, _ in item_rows(inputs, split)])
    return kept["table"], kept
