"""From a corpus and a model to what a trial reads: loaded, cut, encoded once, kept.

This is the part that needs the catalogue, ``datasets`` and a tokenizer; its result
(:mod:`helpers.trials.rows`) needs none of them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from helpers import UserError
from helpers.base.files import replacing_file
from helpers.sources.variants import variant
from helpers.trials.rows import load_inputs, save_inputs
from helpers.trials.settings import read_settings
from helpers.trials.store import OWN
from helpers.trials.tasks import task_of
from helpers.trials.tasks.base import SPLITS, Material
from helpers.trials.trial import Trial

_VERSION = 1  # raise it when reading or encoding changes


def facts_of(corpus: str, task: str) -> dict[str, Any]:
    """Return hash and sizes of a corpus: from the settings where it stands, else by loading it.

    Args:
        corpus: catalogue name, file or hub id.
        task: as :class:`helpers.trials.trial.Trial` has it.
    """
    known: dict[str, Any] | None = read_settings()["corpora"].get(corpus)
    if known and known["task"] == task:
        return dict(known)
    kind = task_of(task)
    found = kind.load(corpus, 128)
    return {"task": task, "hash": found.corpus.fingerprint} | kind.sizes(corpus, found)


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
    facts = [_VERSION, task_of(trial.task).inputs, trial.corpus_hash, trial.model_hash, length]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
    return (folder or OWN / "inputs") / f"{digest}.safetensors"


def prepare_inputs(trial: Trial, folder: Path | None = None) -> Path:
    """Make the inputs of a trial unless they are kept already; return their file.

    Raises:
        UserError: the corpus or the weights are not those that the trial was defined on.
    """
    file = file_of(trial, folder)
    if file.exists():
        return file
    length = trial.options.get("max_length", 128) if trial.model else 128
    kind = task_of(trial.task)
    task = kind.load(trial.corpus, length)
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
    given = Material(task)
    if trial.model:
        from helpers.sources.weights import load_tokenizer

        tokenizer = load_tokenizer(variant(trial.model).name)
        given = Material(task, tokenizer, trial.model, place_of(trial.model))
    made = kind.beside(given)
    for split in SPLITS:
        for name, array in kind.arrays(given, split).items():
            made[f"{split}.{name}"] = array
    with replacing_file(file) as temporary:
        save_inputs(made, temporary)
    return file


def inputs_for(trial: Trial, folder: Path | None = None) -> dict[str, Any]:
    """Return the inputs of a trial, made if need be."""
    return load_inputs(prepare_inputs(trial, folder))
