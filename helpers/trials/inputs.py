"""From a corpus and a model to what a trial reads: loaded, cut, encoded once, kept.

This is the part that needs the catalogue, ``datasets`` and a tokenizer; its result
(:mod:`helpers.trials.rows`) needs none of them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from helpers import UserError
from helpers.base.files import replacing_file
from helpers.sources.variants import variant
from helpers.trials import vectors
from helpers.trials.rows import flat, load_inputs, pack_texts, save_inputs
from helpers.trials.settings import read_settings
from helpers.trials.store import OWN
from helpers.trials.trial import Trial

_VERSION = 1  # raise it when reading or encoding changes
_SPLITS = ("train", "validation", "test")


def facts_of(corpus: str, task: str) -> dict[str, Any]:
    """Return hash and sizes of a corpus: from the settings where it stands, else by loading it.

    Args:
        corpus: catalogue name, file or hub id.
        task: as :class:`helpers.trials.trial.Trial` has it.
    """
    known: dict[str, Any] | None = read_settings()["corpora"].get(corpus)
    if known and known["task"] == task:
        return dict(known)
    found = load_task(corpus, task)
    if task in vectors.TASKS:
        sizes = vectors.facts(corpus, task, found.corpus)
        return {"task": task, "hash": found.corpus.fingerprint} | sizes
    return {"task": task, "hash": found.corpus.fingerprint} | {
        split: found.items(split).num_rows for split in _SPLITS
    }


def load_task(corpus: str, task: str, max_length: int = 128) -> Any:
    """Return the task object on a corpus; a part of one (behind a colon) has all of its texts."""
    from helpers.sources import corpora  # seconds to import, and a list of trials needs none of it

    if task == "classification" or task in vectors.TASKS:
        from helpers.tasks.classification import TextClassification

        name = corpus.partition(":")[0] if task in vectors.TASKS else corpus
        return TextClassification(corpora.load_texts(name), max_length)
    if task == "translation":
        from helpers.trials import translating

        return translating.load(corpus, max_length)
    if task == "language_modeling":
        from helpers.tasks.new_domain import NewDomain

        return NewDomain.named(corpus, max_length)
    if task == "retrieval":
        from helpers.sources.dialogues import load_dialogues
        from helpers.tasks.retrieval import ReplyRetrieval

        return ReplyRetrieval(load_dialogues(corpus), max_length)
    from helpers.tasks.tagging import TokenTagging
    from helpers.tasks.tags import DEFAULT

    texts = corpora.load_texts(corpus, text_column="tagged", label_column=None)
    return TokenTagging(texts, DEFAULT, max_length)


def hash_of(model: str) -> str:
    """Return the fingerprint of a model's weights: from the settings, else of the files."""
    name = variant(model).name
    known: str | None = read_settings()["models"].get(name)
    return known or place_of(model)["hash"]


def place_of(model: str) -> dict[str, Any]:
    """Return where the weights of a model lie: ``folder``, ``gguf`` (or None) and ``hash``."""
    from helpers.sources.weights import resolve

    found = resolve(variant(model).name)
    return {"folder": found.location, "gguf": found.gguf, "hash": found.fingerprint}


def file_of(trial: Trial, folder: Path | None = None) -> Path:
    """Return where the inputs of a trial are kept; trials of one corpus and model share them."""
    length = trial.options.get("max_length", 0) if trial.model else 0
    kind = "vectors" if trial.task in vectors.TASKS else trial.task
    facts = [_VERSION, kind, trial.corpus_hash, trial.model_hash, length]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
    return (folder or OWN / "inputs") / f"{digest}.safetensors"


def prepare(trial: Trial, folder: Path | None = None) -> Path:
    """Make the inputs of a trial unless they are kept already; return their file.

    Raises:
        UserError: the corpus or the weights are not those that the trial was defined on.
    """
    file = file_of(trial, folder)
    if file.exists():
        return file
    length = trial.options.get("max_length", 128) if trial.model else 128
    task = load_task(trial.corpus, trial.task, length)
    if task.corpus.fingerprint != trial.corpus_hash:
        raise UserError(
            f"{trial.corpus} has changed since this trial was defined (its texts have another "
            "hash): find its settings again with `python -m helpers trials STUDY --search`."
        )
    if trial.model and place_of(trial.model)["hash"] != trial.model_hash:
        raise UserError(
            f"The weights of {trial.model} have changed since this trial was defined: find its "
            "settings again with `python -m helpers trials STUDY --search`."
        )
    tokenizer = None
    if trial.model:
        from helpers.sources.weights import load_tokenizer

        tokenizer = load_tokenizer(variant(trial.model).name)
    made: dict[str, Any] = {}
    for split in _SPLITS:
        for name, array in _arrays(trial, task, split, tokenizer).items():
            made[f"{split}.{name}"] = array
    if trial.task == "language_modeling":
        for name, array in _rows(task.encode(task.source("train"), tokenizer)).items():
            made[f"source.{name}"] = array
        made["vocabulary"] = len(tokenizer)
    elif trial.task == "translation":
        made["names"] = _marks(tokenizer)
    elif trial.task == "classification" or trial.task in vectors.TASKS:
        made["names"] = task.corpus.label_names
    elif trial.task == "tagging":
        made["names"] = task.label_names
    with replacing_file(file) as temporary:
        save_inputs(made, temporary)
    return file


def inputs_for(trial: Trial, folder: Path | None = None) -> dict[str, Any]:
    """Return the inputs of a trial, made if need be."""
    return load_inputs(prepare(trial, folder))


def _arrays(trial: Trial, task: Any, split: str, tokenizer: Any) -> dict[str, np.ndarray]:
    """Return what trials of a task read of a split."""
    if trial.task == "tagging":
        return _sentences(task, split, tokenizer)
    if trial.task == "classification":
        return _texts(task, split, tokenizer)
    items = task.items(split)
    ids = task.encode(items, tokenizer)["input_ids"]
    found = vectors.vectors(list(ids), trial.model, place_of(trial.model))
    return {"labels": np.array(items["label"], dtype=np.int32), "features": found}


def _texts(task: Any, split: str, tokenizer: Any) -> dict[str, np.ndarray]:
    items = task.items(split)
    texts = list(items["text"])
    arrays = {"labels": np.array(items["label"], dtype=np.int32)}
    if tokenizer is not None:
        rows = task.encode(items, tokenizer)["input_ids"]
        arrays["ids"], arrays["starts"] = flat(list(rows), np.int32)
        texts = [_seen(text, tokenizer, task.max_length) for text in texts]
    arrays["text"], arrays["text_starts"] = pack_texts(texts)
    return arrays


def _seen(text: str, tokenizer: Any, max_length: int) -> str:
    """Return what a model with so many tokens sees of a text."""
    if tokenizer.is_fast:
        offsets = tokenizer(
            text, truncation=True, max_length=max_length, return_offsets_mapping=True
        )["offset_mapping"]
        return text[: max((end for _, end in offsets), default=0)]
    ids = tokenizer(text, truncation=True, max_length=max_length)["input_ids"]
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def _documents(task: Any, split: str, tokenizer: Any) -> dict[str, np.ndarray]:
    items = task.items(split)
    marks = np.array(items["is_target"], dtype=np.uint8)
    return _rows(task.encode(items, tokenizer)) | {"is_target": marks}


def _rows(rows: Any) -> dict[str, np.ndarray]:
    """Return rows of documents: ids, where each begins, a label a token, bytes of the text."""
    ids, starts = flat(list(rows["input_ids"]), np.int32)
    labels, _ = flat(list(rows["labels"]), np.int32)
    sizes = np.array(rows["bytes"], dtype=np.int32)
    return {"ids": ids, "starts": starts, "labels": labels, "bytes": sizes}


def _sentences(task: Any, split: str, tokenizer: Any) -> dict[str, np.ndarray]:
    items = task.items(split)
    number = {name: i for i, name in enumerate(task.label_names)}
    arrays: dict[str, np.ndarray] = {}
    arrays["text"], arrays["text_starts"] = pack_texts(list(items["text"]))
    arrays["tags"], arrays["tag_starts"] = flat(
        [[number[tag] for tag in each] for each in items["tags"]], np.uint8
    )
    arrays["article"] = np.unique(list(items["article"]), return_inverse=True)[1].astype(np.int32)
    if tokenizer is not None:
        rows = task.encode(items, tokenizer)
        arrays["ids"], arrays["starts"] = flat(list(rows["input_ids"]), np.int32)
        arrays["sentence"] = np.array(rows["sentence"], dtype=np.int32)
        for name, column in (("labels", "labels"), ("own_starts", "starts"), ("own_ends", "ends")):
            arrays[name], _ = flat(list(rows[column]), np.int16)
    return arrays


def _pairs(task: Any, split: str, tokenizer: Any) -> dict[str, np.ndarray]:
    """Return each pair as one row of tokens, context and reply one behind the other."""
    from helpers.tasks.bi_encoder import CONTEXT, REPLY

    items = task.items(split)
    arrays: dict[str, np.ndarray] = {}
    sides = {"context": list(items["source"]), "reply": list(items["target"])}
    if split != "train":
        arrays["candidates"] = task.candidates(split).astype(np.int32)
    if tokenizer is not None:
        rows = {name: task.encode(texts, tokenizer) for name, texts in sides.items()}
        pairs = [asked + answered for asked, answered in zip(*rows.values(), strict=True)]
        arrays["ids"], arrays["starts"] = flat(pairs, np.int32)
        arrays["labels"], _ = flat(
            [
                [CONTEXT] * len(asked) + [REPLY] * len(answered)
                for asked, answered in zip(*rows.values(), strict=True)
            ],
            np.int8,
        )
        sides = {
            name: [_seen(text, tokenizer, task.max_length) for text in texts]
            for name, texts in sides.items()
        }
    for name, texts in sides.items():
        arrays[name], arrays[f"{name}_starts"] = pack_texts(texts)
    return arrays


def _translations(task: Any, split: str, tokenizer: Any) -> dict[str, np.ndarray]:
    items = task.items(split)
    arrays: dict[str, np.ndarray] = {}
    arrays["text"], arrays["text_starts"] = pack_texts(list(items["source"]))
    arrays["target"], arrays["target_starts"] = pack_texts(list(items["target"]))
    if tokenizer is not None:
        rows = task.encode(items, tokenizer)
        arrays["ids"], arrays["starts"] = flat(list(rows["input_ids"]), np.int32)
        arrays["labels"], _ = flat(list(rows["labels"]), np.int32)
    return arrays


def _marks(tokenizer: Any) -> list[int]:
    """Return the ids that end a text and that fill a row; none where nobody writes."""
    if tokenizer is None:
        return []
    from helpers.tasks.bytepairs import boundaries

    last = boundaries(tokenizer)[1]
    return [last, last if tokenizer.pad_token_id is None else tokenizer.pad_token_id]


_ENCODE = {
    "classification": _texts,
    "tagging": _sentences,
    "language_modeling": _documents,
    "retrieval": _pairs,
    "translation": _translations,
}
"""What a split of a task becomes."""
