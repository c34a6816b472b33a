"""How each kind of model lies in its folder: written, and read back the same.

For TF-IDF ``vocabulary.json`` and ``model.safetensors``; for static embeddings and an encoder's
frozen vectors the layout of sentence-transformers, whose last layer gives the logits; for a
fine-tuned network what transformers itself writes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from helpers.delivery import models, networks
from helpers.sources.loading import from_folder, quiet

_ENCODER, _POOLING, _NORMALIZE, _DENSE = (
    "0_Transformer", "1_Pooling", "2_Normalize", "3_Dense",
)  # fmt: skip
_ST = "sentence_transformers.models"


def as_json(value: Any) -> str:
    """Return a value as lines of JSON."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _write_largest(model: models.LargestClass, new: Path, names: list[str]) -> None:
    save_file({"shares": np.asarray(model.shares)}, new / "model.safetensors")


def _read_largest(path: Path, facts: Mapping[str, Any]) -> models.Model:
    return models.LargestClass(load_file(path / "model.safetensors")["shares"])


def _write_bag(model: models.BagOfWords, new: Path, names: list[str]) -> None:
    order = sorted(model.counter.vocabulary_, key=model.counter.vocabulary_.__getitem__)
    (new / "vocabulary.json").write_text(json.dumps(order, ensure_ascii=False), encoding="utf-8")
    save_file(
        {"idf": model.counter.idf_, "weight": model.linear.weight, "bias": model.linear.bias},
        new / "model.safetensors",
    )


def _read_bag(path: Path, facts: Mapping[str, Any]) -> models.Model:
    words = json.loads((path / "vocabulary.json").read_text(encoding="utf-8"))
    arrays = load_file(path / "model.safetensors")
    counter = models.vectorizer(facts["kind"], vocabulary={w: i for i, w in enumerate(words)})
    counter.idf_ = arrays["idf"]
    return models.BagOfWords(
        counter, models.Linear(arrays["weight"], arrays["bias"]), facts["kind"]
    )


def _write_frozen(model: networks.FrozenVectors, new: Path, names: list[str]) -> None:
    d = model.linear.weight.shape[1]
    _write_modules(new, (_ENCODER, _POOLING, _NORMALIZE, _DENSE), model.linear)
    with quiet():
        model.encoder.save_pretrained(new / _ENCODER)
    model.tokenizer.save_pretrained(new / _ENCODER)
    pooling = {"word_embedding_dimension": d, "pooling_mode_mean_tokens": True}
    pooling |= {f"pooling_mode_{k}": False for k in ("cls_token", "max_tokens")}
    length = {"max_seq_length": model.max_length, "do_lower_case": False}
    for name, content in (
        (f"{_ENCODER}/sentence_bert_config.json", length),
        (f"{_POOLING}/config.json", pooling),
    ):
        (new / name).write_text(as_json(content), encoding="utf-8")


def _write_modules(new: Path, parts: Sequence[str], linear: models.Linear) -> None:
    """Write the folders of sentence-transformers' modules, and the last one, a dense layer.

    A part is called by its place and its class, "1_Pooling".
    """
    c, d = linear.weight.shape
    modules = [
        {"idx": i, "name": str(i), "path": part, "type": f"{_ST}.{part.split('_')[1]}"}
        for i, part in enumerate(parts)
    ]
    dense = {
        "in_features": d, "out_features": c, "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }  # fmt: skip
    for part in parts:
        (new / part).mkdir()
    for name, content in (
        ("modules.json", modules),
        ("config_sentence_transformers.json", {"similarity_fn_name": "cosine"}),
        (f"{parts[-1]}/config.json", dense),
    ):
        (new / name).write_text(as_json(content), encoding="utf-8")
    save_file(
        {"linear.weight": linear.weight, "linear.bias": linear.bias},
        new / parts[-1] / "model.safetensors",
    )


def _read_dense(place: Path) -> models.Linear:
    arrays = load_file(place / "model.safetensors")
    return models.Linear(arrays["linear.weight"], arrays["linear.bias"])


_STATIC = ("0_StaticEmbedding", "1_Normalize", "2_Dense")


def _write_static(model: models.StaticVectors, new: Path, names: list[str]) -> None:
    _write_modules(new, _STATIC, model.linear)
    save_file({"embedding.weight": model.table}, new / _STATIC[0] / "model.safetensors")
    model.pieces.save(str(new / _STATIC[0] / "tokenizer.json"))


def _read_static(path: Path, facts: Mapping[str, Any]) -> models.Model:
    file = path / _STATIC[0] / "tokenizer.json"
    return models.StaticVectors(
        load_file(path / _STATIC[0] / "model.safetensors")["embedding.weight"],
        Tokenizer.from_str(file.read_text(encoding="utf-8")),
        _read_dense(path / _STATIC[-1]),
    )


def _read_frozen(path: Path, facts: Mapping[str, Any]) -> models.Model:
    encoder = from_folder(path / _ENCODER, transformers.AutoModel, name=str(path))
    tokenizer = _tokenizer(path / _ENCODER)
    length = facts["max_length"]
    return networks.FrozenVectors(
        networks.mean_vectors(encoder, tokenizer, length),
        _read_dense(path / _DENSE),
        encoder,
        tokenizer,
        length,
    )


def _write_tuned(model: networks.FineTuned, new: Path, names: list[str]) -> None:
    network = model.network.to(torch.device("cpu"))
    network.config.id2label = dict(enumerate(names))
    network.config.label2id = {name: i for i, name in enumerate(names)}
    network.config.problem_type = "single_label_classification"
    with quiet():
        network.save_pretrained(new)
    # what is longer is cut there, as it was in training, where a tool is asked to cut
    before = model.tokenizer.model_max_length
    model.tokenizer.model_max_length = model.max_length
    model.tokenizer.save_pretrained(new)
    model.tokenizer.model_max_length = before


def _read_tuned(path: Path, facts: Mapping[str, Any]) -> models.Model:
    network = from_folder(path, transformers.AutoModelForSequenceClassification, name=str(path))
    return networks.FineTuned(network, _tokenizer(path), facts["max_length"])


def _tokenizer(path: Path) -> Any:
    with quiet():
        return transformers.AutoTokenizer.from_pretrained(
            path, trust_remote_code=False, local_files_only=True
        )


WRITERS: dict[str, Callable[[Any, Path, list[str]], None]] = {
    "largest": _write_largest,
    "words": _write_bag,
    "characters": _write_bag,
    "static": _write_static,
    "frozen": _write_frozen,
    "fine_tuned": _write_tuned,
}
"""What writes a model into a new folder, by its kind; with the names of the classes."""

READERS: dict[str, Callable[[Path, Mapping[str, Any]], models.Model]] = {
    "largest": _read_largest,
    "words": _read_bag,
    "characters": _read_bag,
    "static": _read_static,
    "frozen": _read_frozen,
    "fine_tuned": _read_tuned,
}
"""What reads it back; with the facts in ``delivery.json``."""
