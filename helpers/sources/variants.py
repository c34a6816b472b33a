"""Variants of a pretrained model, by one word: with fewer layers, or with random weights."""

import re
from dataclasses import dataclass
from typing import Any

from helpers import UserError


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
        UserError: something else behind the colon.

    >>> variant("minilm:2"), variant("minilm:random").random, variant("owner/name").name
    (Variant(name='minilm', layers=2, random=False), True, 'owner/name')
    """
    if ":" not in text:
        return Variant(text)
    name, _, change = text.rpartition(":")
    if name and change == "random":
        return Variant(name, random=True)
    if name and re.fullmatch(r"[1-9]\d*", change):
        return Variant(name, layers=int(change))
    raise UserError(
        f"'{text}' names no variant of a model; write {name or 'name'}, "
        f"{name or 'name'}:2 for its first 2 layers, or {name or 'name'}:random."
    )
