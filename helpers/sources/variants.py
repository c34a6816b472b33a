"""Variants of a pretrained model, by one word: with fewer layers, or with random weights."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import ROOT, UserError


@dataclass(frozen=True)
class Variant:
    """A model's name, and what is changed of it."""

    name: str
    layers: int | None = None
    random: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """What the loader must be told to change."""
        return {} if self.layers is None else {"num_hidden_layers": self.layers}


def variant(text: str) -> Variant:
    """Return the variant that ``text`` names: "name", "name:2" (layers) or "name:random".

    Raises:
        UserError: something else behind the colon, or more layers than the model has, where it
            lies on this machine (of others :mod:`helpers.sources.loading` asks).

    >>> variant("minilm:2"), variant("minilm:random").random, variant("owner/name").name
    (Variant(name='minilm', layers=2, random=False), True, 'owner/name')
    """
    if ":" not in text:
        return Variant(text)
    name, _, change = text.rpartition(":")
    if name and change == "random":
        return Variant(name, random=True)
    if name and re.fullmatch(r"[1-9]\d*", change):
        check_layers(name, int(change), _layers_of(name))
        return Variant(name, layers=int(change))
    raise UserError(
        f"'{text}' names no variant of a model; write {name or 'name'}, "
        f"{name or 'name'}:2 for its first 2 layers, or {name or 'name'}:random."
    )


def check_layers(name: str, asked: int, there: int | None) -> None:
    """Refuse more layers than a model has: those above its own would be random.

    Raises:
        UserError: ``asked`` is more than ``there``, where that is known.
    """
    if there is not None and asked > there:
        raise UserError(
            f"{name} has {there} layers, so there is no {name}:{asked}; write {name}:1 to "
            f"{name}:{there}."
        )


def _layers_of(name: str) -> int | None:
    """Return how many layers a model has whose configuration lies here; nothing is fetched."""
    try:
        folder = _place(name) or Path(name).expanduser()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        found = (config.get(key) for key in ("num_hidden_layers", "n_layer", "n_layers"))
        return next((number for number in found if isinstance(number, int)), None)
    except (OSError, ValueError, AttributeError):
        return None


def _place(name: str) -> Path | None:
    """Return the folder of a model of the catalogue that has been fetched."""
    try:
        from helpers.sources import catalog
    except ImportError:  # a machine that only runs trials has no catalogue
        return None
    known = catalog.load_catalog()
    entry = known.weights.get(name)
    if entry is None or entry.package is None:
        return ROOT / entry.folder if entry else None
    version = known.packages[entry.package].version
    return catalog.CACHE / "packages" / f"{entry.package}-{version}" / entry.folder
