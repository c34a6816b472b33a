"""Arms that translate: copying, a glossary, a memory, and a causal network that writes.

What is kept of each item is the text that was written and what sacrebleu counts in it, so the BLEU
and chrF of any choice of items can be worked out later (:func:`helpers.trials.reading.translated`).
Greedy decoding, batched, with the keys and values of earlier tokens kept, in 32 bits.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.sources import loading
from helpers.training import curves
from helpers.training.costs import training_flops
from helpers.training.loop import IGNORED, Row, autocast, pad, train
from helpers.trials.networks import causal, labelled
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows, item_texts, n_items
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

MOST_BYTES = 125
"""Of a pair that is learned from or scored: with three marks a row has at most 128 tokens."""

BATCH = 64
"""Texts that are read or written at a time."""

WATCHED = 64
"""So many validation and training items, at most, are looked at along the way."""


def load(corpus: str, max_length: int) -> Any:
    """Return the translation task on the short pairs of a corpus.

    Args:
        corpus: catalogue name, ``.po``, ``.mo`` or a file with ``source`` and ``target``.
        max_length: tokens of a row.
    """
    from helpers.sources.parallel import load_pairs
    from helpers.sources.short_pairs import short_pairs
    from helpers.tasks.translation import Translation

    return Translation(short_pairs(load_pairs(corpus), MOST_BYTES), max_length)


def side(inputs: Inputs, split: str, which: str, places: Sequence[int] | np.ndarray) -> list[str]:
    """Return the "text" (the source) or the "target" of some pairs of a split."""
    renamed = {
        f"{split}.text": inputs[f"{split}.{which}"],
        f"{split}.text_starts": inputs[f"{split}.{which}_starts"],
    }
    return item_texts(renamed, split, places)


def as_bytes(texts: Sequence[str]) -> np.ndarray:
    """Return texts as UTF-8, a row a text, zeros behind it: (n, longest).

    >>> texts_in(as_bytes(["关闭", "", "ok"]))
    ['关闭', '', 'ok']
    """
    rows = [np.frombuffer(text.replace("\0", "\ufffd").encode(), np.uint8) for text in texts]
    table = np.zeros((len(rows), max(map(len, rows), default=0)), np.uint8)
    for at, row in enumerate(rows):
        table[at, : len(row)] = row
    return table


def texts_in(table: np.ndarray) -> list[str]:
    """Return what :func:`as_bytes` took."""
    return [row.tobytes().rstrip(b"\0").decode() for row in table]


def kept(written: Sequence[str], inputs: Inputs, split: str) -> dict[str, np.ndarray]:
    """Return what is kept of the texts written for a split's items.

    ``chrf`` (n, 18): for runs of 1 to 6 characters how many the text has, how many the reference,
    how many both; ``bleu`` (n, 10): lengths of both, then runs of 1 to 4 that match, and that
    there are.
    """
    from helpers.tasks.translation_scores import statistics  # sacrebleu is not everywhere

    gold = {"target": side(inputs, split, "target", np.arange(n_items(inputs, split)))}
    return {
        "written": as_bytes(written),
        "chrf": statistics(written, gold, "chrf").astype(np.uint16),
        "bleu": statistics(written, gold, "bleu").astype(np.uint16),
    }


def chrf(outcome: Outcome) -> float:
    """Return the chrF of all items of an outcome, in [0, 100]."""
    from helpers.tasks.translation_scores import corpus_score

    counts = outcome.items["chrf"]
    return float(corpus_score("chrf", len(counts))(counts.mean(0)))


def _reference(
    trial: Trial, inputs: Inputs, make: Callable[[dict[str, list[str]]], Any]
) -> Outcome:
    """Let a baseline learn the pairs that the trial sees, and translate the items."""
    seen = labelled(trial, inputs)
    pairs = {
        "source": side(inputs, "train", "text", seen),
        "target": side(inputs, "train", "target", seen),
    }
    sources = side(inputs, trial.split, "text", np.arange(n_items(inputs, trial.split)))
    return Outcome(kept(make(pairs).translate(sources), inputs, trial.split))


def copy(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Leave every source as it is: what nobody has learned anything for."""
    from helpers.baselines.translators import Copying

    return _reference(trial, inputs, lambda pairs: Copying())


def glossary(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Replace words by a list that is learned from the pairs."""
    from helpers.baselines.translators import Glossary

    return _reference(trial, inputs, lambda pairs: Glossary(pairs, trial.options["least"]))


def memory(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Give the translation of the most similar source among the pairs."""
    from helpers.baselines.translators import TranslationMemory

    return _reference(
        trial, inputs, lambda pairs: TranslationMemory(pairs, trial.options["longest"])
    )


def fine_tuned(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train all of the pretrained network on the pairs."""
    return _trained(trial, inputs, folders, device, pretrained=True)


def from_scratch(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the same network from random weights on the same pairs."""
    return _trained(trial, inputs, folders, device, pretrained=False)


def build(trial: Trial, folders: Folders, *, pretrained: bool) -> Any:
    """Return the causal network of a trial before any training."""
    longest = trial.options["max_length"] + trial.options["max_new_tokens"]
    return causal(trial, folders, longest, pretrained=pretrained)


def _trained(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device, *, pretrained: bool
) -> Outcome:
    options, seen = trial.options, labelled(trial, inputs)
    model = build(trial, folders, pretrained=pretrained)
    watched = {
        "training": item_rows(inputs, "train", seen[:WATCHED]),
        "validation": item_rows(inputs, "validation")[:WATCHED],
    }
    how = {"precision": options["precision"], "device": device}

    def look(network: nn.Module) -> dict[str, float]:
        loss, right = loss_and_share(network, watched["validation"], **how)
        training_loss, _ = loss_and_share(network, watched["training"], **how)
        return {
            "training_loss": training_loss,
            "validation_loss": loss,
            "validation_score": right,
        }

    done = train(
        model,
        item_rows(inputs, "train", seen),
        steps=options["steps"],
        learning_rate=options["learning_rate"],
        batch_tokens=options["batch_tokens"],
        seed=trial.draw + 1,
        look_at=curves.points(options["steps"]),
        look=look,
        **how,
    )
    written = write(model, trial, inputs, folders)
    cost = {
        "steps": options["steps"],
        "tokens": done.tokens,
        "flops": training_flops(model, done.tokens),
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.parameters()),
    }
    return Outcome(kept(written, inputs, trial.split), curves.curve_of(done.points), cost)


@torch.inference_mode()
def loss_and_share(
    model: nn.Module, rows: Sequence[Row], *, precision: str, device: torch.device
) -> tuple[float, float]:
    """Return the loss of the labelled tokens (nats, mean), and the share predicted right.

    Each token is predicted from the right ones before it, so the share, in [0, 1], says how well
    the next token is known, and not how well a whole text is written.
    """
    model.eval()
    loss, right, count = 0.0, 0, 0
    for start in range(0, len(rows), BATCH):
        batch = pad(rows[start : start + BATCH], device)
        labels = batch.pop("labels")[:, 1:]
        with autocast(device, precision):
            logits = model(**batch).logits[:, :-1].float()
        loss += nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
        ).item()
        asked = labels != IGNORED
        right += int((logits.argmax(-1)[asked] == labels[asked]).sum())
        count += int(asked.sum())
    return loss / count, right / count


def write(model: Any, trial: Trial, inputs: Inputs, folders: Folders) -> list[str]:
    """Return the network's translation of every scored item, the likeliest token each time.

    Bytes that are no character become U+FFFD, one for each place; white space is one space.
    """
    from helpers.sources.messages import one_line
    from helpers.tasks.generation import continue_rows

    place = folders[trial.model]
    last, filler = inputs["names"]
    prompts = [
        ids[: int(np.argmax(labels != IGNORED))].tolist()
        for ids, labels in item_rows(inputs, trial.split)
    ]
    order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
    ids = continue_rows(
        model,
        [prompts[at] for at in order],
        new_tokens=trial.options["max_new_tokens"],
        last=last,
        filler=filler,
        batch_size=BATCH,
    )
    tokenizer = loading.tokenizer_from(place["folder"] or "", gguf=place.get("gguf"))
    written = [""] * len(prompts)
    for at, row in zip(order, ids, strict=True):
        written[at] = one_line(str(tokenizer.decode(row, skip_special_tokens=True)))
    return written
