"""The arm of static embeddings: the words of the pretrained network without what joins them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from helpers.trials import answers, networks
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

_kept: dict[tuple[Any, ...], dict[str, np.ndarray]] = {}


def static(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Fit logistic regression to the mean of each text's static embeddings.

    They are distilled from the trial's network and need it no more: its cost has the operations of
    looking the tokens up and of the head.
    """
    table, found = _vectors(trial, inputs, folders, device)
    seen = networks.labelled(trial, inputs)
    probabilities = networks.probe_probabilities(trial, inputs, found, seen)
    starts = inputs["train.starts"]
    tokens = int((starts[seen + 1] - starts[seen]).sum())
    head = (table.shape[1] + 1) * len(inputs["names"])
    cost = {
        "tokens": tokens,
        "flops": float(tokens * table.shape[1] + len(seen) * 2 * head),
        "parameters": table.size + head,
        "trained_parameters": head,
    }
    return Outcome(answers.of_probabilities(probabilities), {}, cost)


def _vectors(
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
    if key not in _kept:
        _kept.clear()
        body = networks.encoder(trial, inputs, folders, pretrained=True).to(device).eval()
        tokenizer = load_tokenizer(variant(trial.model).name)
        _kept[key] = {"table": token_table(body, tokenizer, dimensions, precision)}
    kept = _kept[key]
    for split in ("train", trial.split):
        if split not in kept:
            kept[split] = text_vectors(kept["table"], [ids for ids, _ in item_rows(inputs, split)])
    return kept["table"], kept
