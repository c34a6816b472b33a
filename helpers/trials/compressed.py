"""Arms that make the fine-tuned network of their draw smaller: fewer bits, weights, layers.

Each says in its cost what a user would pay: ``bytes`` of the file that must be kept, and
``answer_flops``, operations of answering a text. What changes nothing in the shape of the network
leaves the operations as they were: zeros are multiplied like any other number.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers.sources.sampling import draw_order
from helpers.sources.variants import variant
from helpers.tasks.heads import EncoderWithHead
from helpers.training import curves
from helpers.training.costs import training_flops
from helpers.training.loop import IGNORED, Row, pad, read
from helpers.trials import kept, networks
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_rows, item_texts
from helpers.trials.tasks import task_of
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial

READ_TOGETHER = 32
"""Texts of a batch where a quantized model reads them."""


def uncompressed(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Keep the fine-tuned network as it is: what the others are held against."""
    model, facts = _parent(trial, inputs, folders, device)
    return _scored(trial, inputs, model, device, facts)


def pruned(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Set the smallest weights of all layers to zero, a share ``sparsity``; train no more."""
    from helpers.compression import pruning

    model, facts = _parent(trial, inputs, folders, device)
    pruning.finish(pruning.prune_by_magnitude(model, trial.options["sparsity"]))
    return _scored(trial, inputs, model, device, facts)


def fewer_layers(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Keep the first ``layers`` layers under the same head; train no more."""
    from helpers.compression.structured import drop_layers

    model, facts = _parent(trial, inputs, folders, device)
    drop_layers(model, range(trial.options["layers"]))
    return _scored(trial, inputs, model, device, facts)


def int8(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Store all weights as 8-bit integers, and cut activations to 8 bits batch by batch."""
    model, facts = _parent(trial, inputs, folders, device)
    rows = item_rows(inputs, trial.split)
    return _quantized(trial, inputs, model, rows, facts)


def distilled(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Train the first ``layers`` layers to answer as the whole network does, also without labels.

    It sees the labelled texts of the draw and ``unlabelled`` more of the training split.
    """
    model, facts = _student(trial, inputs, folders, device)
    return _scored(trial, inputs, model, device, facts)


def small(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Make the student smaller still: word pieces of the training texts alone, and 8 bits."""
    from helpers.compression.structured import keep_positions
    from helpers.compression.vocabulary import trim_vocabulary
    from helpers.sources.weights import load_tokenizer

    model, facts = _student(trial, inputs, folders, device)
    length = trial.options["max_length"]
    everything = np.arange(len(inputs["train.labels"]))
    model, pieces = trim_vocabulary(
        model, load_tokenizer(variant(trial.model).name), item_texts(inputs, "train", everything)
    )
    keep_positions(model, length)
    texts = item_texts(inputs, trial.split, np.arange(trial.items))
    spelled = pieces(texts, truncation=True, max_length=length)["input_ids"]
    rows = [(np.array(ids), np.array(0)) for ids in spelled]
    return _quantized(trial, inputs, model, rows, facts)


def _parent(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device
) -> tuple[EncoderWithHead, dict[str, Any]]:
    """Return the fine-tuned network of the trial's draw, and what its training cost."""
    origin = kept.parent_of(trial)

    def learn(model: Any) -> dict[str, Any]:
        seen = networks.rows_seen(origin, inputs, networks.labelled(origin, inputs))
        done = networks.fit(origin, seen, model, device)
        return {"flops": training_flops(model, done.tokens), "tokens": done.tokens}

    blank = lambda: networks.build(origin, inputs, folders, pretrained=True)  # noqa: E731
    return kept.network(origin, blank, learn, device)  # type: ignore[return-value]


def _student(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device
) -> tuple[EncoderWithHead, dict[str, Any]]:
    """Return the distilled student of the trial's draw, and what both trainings cost."""
    from helpers.compression.distillation import student_of

    teacher, before = _parent(trial, inputs, folders, device)
    origin = kept.first_student(trial)
    layers = range(origin.options["layers"])
    model, facts = kept.network(
        origin,
        lambda: student_of(teacher, layers),  # type: ignore[arg-type]
        lambda student: _teach(origin, inputs, student, teacher, device),
        device,
    )
    whole = {name: before[name] + facts[name] for name in ("flops", "tokens")}
    return model, facts | whole  # type: ignore[return-value]


def _teach(
    trial: Trial, inputs: Inputs, student: Any, teacher: EncoderWithHead, device: torch.device
) -> dict[str, Any]:
    """Train a student on its teacher's answers; return cost and curve."""
    from helpers.compression.imitation import Imitation

    options = trial.options
    classes = inputs["train.labels"]
    order = draw_order(classes, trial.draw)[: trial.labels + options["unlabelled"]]
    known = classes[order].astype(np.int64)
    known[trial.labels :] = IGNORED
    rows = item_rows(inputs, "train", order)
    logits = np.stack(read(teacher, rows, precision=options["precision"], device=device))
    objective = Imitation(
        student,
        torch.from_numpy(logits),
        torch.from_numpy(known),
        hard=options["hard"],
        temperature=options["temperature"],
    )
    seen = networks.rows_seen(trial, inputs, networks.labelled(trial, inputs))
    watch = networks.watcher(trial, inputs, seen, networks.rows_watched(inputs), device)
    numbered = [(ids, np.array(place)) for place, (ids, _) in enumerate(rows)]
    done = networks.fit(trial, numbered, objective, device, lambda _: watch(student))
    read_by_teacher = sum(len(ids) for ids, _ in rows)
    return {
        "flops": training_flops(student, done.tokens)
        + training_flops(teacher, read_by_teacher) / 3,
        "tokens": done.tokens,
        "curve": {
            name: list(map(float, row)) for name, row in curves.curve_of(done.points).items()
        },
    }


def _scored(
    trial: Trial, inputs: Inputs, model: Any, device: torch.device, facts: dict[str, Any]
) -> Outcome:
    """Return what a network in 32 bits says of the scored texts, and what it takes."""
    from helpers.compression.compact import save_compact

    rows = item_rows(inputs, trial.split)
    with tempfile.TemporaryDirectory() as folder:
        size = save_compact(model, Path(folder, "model.safetensors"))
    logits = read(model, rows, precision=trial.options["precision"], device=device)
    return _outcome(trial, inputs, logits, _cost(model, rows, size, facts), facts)


def _quantized(
    trial: Trial, inputs: Inputs, model: Any, rows: list[Row], facts: dict[str, Any]
) -> Outcome:
    """Return what a network in 8 bits says of rows, by onnxruntime on one thread."""
    from helpers.compression.export import OnnxClassifier, export_onnx
    from helpers.compression.quantization import dynamic_int8
    from helpers.tasks.batches import batches_by_length

    logits: list[np.ndarray] = [np.empty(0)] * len(rows)
    with tempfile.TemporaryDirectory() as folder:
        floats = export_onnx(model.cpu(), Path(folder, "float.onnx"))
        path = dynamic_int8(floats.path, Path(folder, "int8.onnx")).path
        size = path.stat().st_size
        reader = OnnxClassifier(path, threads=1)
        for places in batches_by_length([len(ids) for ids, _ in rows], READ_TOGETHER):
            batch = pad([rows[place] for place in places], torch.device("cpu"))
            for place, answer in zip(places, reader.logits(batch), strict=True):
                logits[place] = answer
    return _outcome(trial, inputs, logits, _cost(model, rows, size, facts), facts)


def _cost(model: Any, rows: list[Row], size: int, facts: dict[str, Any]) -> dict[str, float]:
    tokens = sum(len(ids) for ids, _ in rows)
    return {
        "bytes": size,
        "answer_flops": training_flops(model, tokens) / 3 / len(rows),
        "parameters": sum(p.numel() for p in model.parameters()),
        "zeros": sum(int((p == 0).sum()) for p in model.parameters()),
        "flops": facts["flops"],
        "tokens": facts["tokens"],
    }


def _outcome(
    trial: Trial,
    inputs: Inputs,
    logits: list[np.ndarray],
    cost: dict[str, float],
    facts: dict[str, Any],
) -> Outcome:
    curve = {name: np.array(row) for name, row in facts.get("curve", {}).items()}
    items = task_of(trial.task).of_logits(logits, inputs, trial.split)
    return Outcome(items, curve, cost)
