"""Rows of named cells, as any file or data set gives them, each knowing where it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Rows:
    """Rows as read: ``values[i]`` stands at ``unit`` number ``numbers[i]`` of ``source``.

    ``notes`` are sentences about what was left out or taken for something in reading.
    """

    source: str
    unit: str
    numbers: Sequence[int]
    values: list[dict[str, Any]]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, None]:
        """The names of all columns, in the order of their appearance."""
        return dict.fromkeys(name for value in self.values for name in value)

    def at(self, i: int) -> str:
        """Return where row i stands, in words: "line 3 of texts.csv"."""
        return f"{self.unit} {self.numbers[i]} of {self.source}"


@dataclass(frozen=True)
class Format:
    """A format of files: how their names end, and what reads their (unpacked) bytes.

    ``read(path, data)`` returns the rows; the path is for messages, and its ending may decide.
    """

    endings: tuple[str, ...]
    read: Callable[[Path, bytes], Rows]


def kind(value: object) -> str:
    """Return what a value is, in the words of a sentence.

    >>> kind([1]), kind(None), kind(1.5), kind(b"")
    ('a list', 'null', 'a number', 'bytes')
    """
    if value is None:
        return "null"
    kinds = {dict: "one object", list: "a list", str: "a string", bool: "true or false"}
    # What else a column of Parquet may hold goes by its own name: a date, a timedelta.
    own = type(value).__name__
    other = "bytes" if own == "bytes" else f"a {own}"
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else other)
