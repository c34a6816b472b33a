"""A model's folder: written whole or not at all, without any pickle, and read back the same.

Every kind has ``delivery.json`` (kind, labels, what was measured) and ``README.md``, the card.
Beside them: for TF-IDF ``vocabulary.json`` and ``model.safetensors``; for an encoder's frozen
vectors the layout of sentence-transformers, whose last layer gives the logits; for a fine-tuned
network what transformers itself writes.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from helpers import UserError
from helpers.delivery import models
from helpers.sources.loading import from_folder, quiet
from helpers.training.checkpoints import replacing

FACTS = "delivery.json"
FORMAT = 1

_ENCODER, _POOLING, _NORMALIZE, _DENSE = (
    "0_Transformer", "1_Pooling", "2_Normalize", "3_Dense",
)  # fmt: skip
_ST = "sentence_transformers.models"

USE = {
    "largest": ("helpers", ""),
    "words": ("helpers", ""),
    "characters": ("helpers", ""),
    "frozen": (
        "sentence-transformers",
        "from sentence_transformers import SentenceTransformer\n\n"
        'logits = SentenceTransformer("{folder}").encode(["a text"])\n',
    ),
    "fine_tuned": (
        "transformers",
        "from transformers import pipeline\n\n"
        'classify = pipeline("text-classification", "{folder}", truncation=True)\n'
        'print(classify("a text"))\n',
    ),
}
"""Which library reads a kind, and how."""


def save(
    model: Any, folder: Path | str, names: list[str], facts: Mapping[str, Any], measured: str
) -> Path:
    """Write a model's folder; an earlier one there is replaced.

    Args:
        model: one of :mod:`helpers.delivery.models`.
        folder: where.
        names: of the classes, in the order of their numbers.
        facts: further ones, for ``delivery.json``; what JSON can hold.
        measured: what was found, in plain words.

    Raises:
        UserError: the folder holds something else.
    """
    folder = Path(folder).absolute()
    whole = {"format": FORMAT, "kind": model.kind, "labels": names, **facts}
    if hasattr(model, "max_length"):
        whole["max_length"] = model.max_length
    with replacing(folder, FACTS, "delivered model") as new:
        new.mkdir()
        _WRITERS[model.kind](model, new, names)
        (new / FACTS).write_text(_json(whole), encoding="utf-8")
        (new / "README.md").write_text(card(whole, folder, measured), encoding="utf-8")
    return folder


def check_free(folder: Path) -> None:
    """Refuse a folder that holds something else, before any work.

    Raises:
        UserError: it is there and was not delivered by :func:`save`.
    """
    if folder.exists() and not (folder / FACTS).is_file():
        raise UserError(
            f"{folder} exists and is no delivered model; remove it, or name another folder (out)."
        )


def card(facts: Mapping[str, Any], folder: Path, measured: str) -> str:
    """Return the model card, in Markdown; what comes from data stands in indented blocks.

    >>> print(card({"kind": "words", "labels": ["a", "b"]}, Path("/m"), "Fine.").splitlines()[1])
    library_name: helpers
    """
    library, lines = USE[facts["kind"]]
    task = "pipeline_tag: text-classification\n" if facts["kind"] == "fine_tuned" else ""
    use = f"```python\n{lines.format(folder=folder)}```\n\n" if lines else ""
    if facts["kind"] == "frozen":
        use += (
            "One logit a class, in the order of `labels`; their softmax are the probabilities. "
            "(`transformers.pipeline` cannot read this folder: no class of that library has a mean "
            "of token vectors.)\n\n"
        )
    return (
        f"---\nlibrary_name: {library}\n{task}---\n\n# A classifier of texts\n\n"
        f"{_block(_json(facts))}\n\n## Measured\n\n{_block(measured)}\n\n## Use\n\n{use}"
        "From the project's folder, a file of texts in, the same file with labels out:\n\n"
        f"```\npython -m helpers predict {folder} FILE\n```\n"
    )


def load(folder: Path | str, precision: str = "float32") -> tuple[models.Model, dict[str, Any]]:
    """Read a folder back: the model, and the facts in ``delivery.json``.

    Args:
        folder: which.
        precision: in which a fine-tuned network reads, see :func:`models.precision_of`: in bfloat16
            its probabilities are off by about 0.01, and its answers are the same.

    Raises:
        UserError: no such folder, one of another kind, or a damaged one.
    """
    path = Path(folder).expanduser()
    file = path / FACTS
    if not path.exists():
        raise UserError(f"There is no folder {folder}.")
    if not file.is_file():
        raise UserError(
            f"{folder} is no model that `assess` has delivered: it holds no {FACTS}. Name the "
            "folder `model` among the results of `python -m helpers assess`."
        )
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        read = _READERS[facts["kind"]]
        if facts["format"] != FORMAT or not all(isinstance(n, str) for n in facts["labels"]):
            raise KeyError(facts["format"])
        model = read(path, facts)
        if isinstance(model, models.FineTuned):
            model = replace(model, precision=precision)
        return model, facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"The model in {folder} is damaged or of another version ({type(error).__name__}: "
            f"{why}); deliver it again with `python -m helpers assess`."
        ) from None


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


def _write_frozen(model: models.FrozenVectors, new: Path, names: list[str]) -> None:
    c, d = model.linear.weight.shape
    for part in (_ENCODER, _POOLING, _NORMALIZE, _DENSE):
        (new / part).mkdir()
    with quiet():
        model.encoder.save_pretrained(new / _ENCODER)
    model.tokenizer.save_pretrained(new / _ENCODER)
    parts = zip(
        (_ENCODER, _POOLING, _NORMALIZE, _DENSE),
        ("Transformer", "Pooling", "Normalize", "Dense"),
        strict=True,
    )
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"{_ST}.{kind}"}
        for i, (path, kind) in enumerate(parts)
    ]
    pooling = {"word_embedding_dimension": d, "pooling_mode_mean_tokens": True}
    pooling |= {f"pooling_mode_{k}": False for k in ("cls_token", "max_tokens")}
    dense = {
        "in_features": d, "out_features": c, "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }  # fmt: skip
    length = {"max_seq_length": model.max_length, "do_lower_case": False}
    for name, content in (
        ("modules.json", modules),
        ("config_sentence_transformers.json", {"similarity_fn_name": "cosine"}),
        (f"{_ENCODER}/sentence_bert_config.json", length),
        (f"{_POOLING}/config.json", pooling),
        (f"{_DENSE}/config.json", dense),
    ):
        (new / name).write_text(_json(content), encoding="utf-8")
    save_file(
        {"linear.weight": model.linear.weight, "linear.bias": model.linear.bias},
        new / _DENSE / "model.safetensors",
    )


def _read_frozen(path: Path, facts: Mapping[str, Any]) -> models.Model:
    encoder = from_folder(path / _ENCODER, transformers.AutoModel, name=str(path))
    tokenizer = _tokenizer(path / _ENCODER)
    arrays = load_file(path / _DENSE / "model.safetensors")
    length = facts["max_length"]
    return models.FrozenVectors(
        models.mean_vectors(encoder, tokenizer, length),
        models.Linear(arrays["linear.weight"], arrays["linear.bias"]),
        encoder,
        tokenizer,
        length,
    )


def _write_tuned(model: models.FineTuned, new: Path, names: list[str]) -> None:
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
    return models.FineTuned(network, _tokenizer(path), facts["max_length"])


def _tokenizer(path: Path) -> Any:
    with quiet():
        return transformers.AutoTokenizer.from_pretrained(
            path, trust_remote_code=False, local_files_only=True
        )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _block(text: str) -> str:
    """Return text as an indented block: names come from the data, nothing in them is markup."""
    return "\n".join(f"    {line}" for line in text.splitlines())


_WRITERS: dict[str, Any] = {
    "largest": _write_largest,
    "words": _write_bag,
    "characters": _write_bag,
    "frozen": _write_frozen,
    "fine_tuned": _write_tuned,
}
_READERS: dict[str, Any] = {
    "largest": _read_largest,
    "words": _read_bag,
    "characters": _read_bag,
    "frozen": _read_frozen,
    "fine_tuned": _read_tuned,
}
