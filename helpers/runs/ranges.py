"""Types and ranges of parameters: how a value is read, and where it must lie."""

import math
import re
from dataclasses import dataclass
from typing import Any

from helpers import nearest

_NUMBER = r"[+-]?(?:inf|\d+(?:_\d+)*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
_INTERVAL = re.compile(rf"(?:^|[\s,;:])([\[(])\s*({_NUMBER})\s*,\s*({_NUMBER})\s*([\])])\s*$")
_CHOICE = re.compile(r"\{([^{}]*)\}\s*$")


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, each end in or out, as written: ``[2, inf)``."""

    low: float
    high: float
    closed_low: bool
    closed_high: bool
    text: str

    def __contains__(self, value: object) -> bool:
        """Tell whether ``value`` is a number within."""
        if not isinstance(value, int | float):
            return False
        above = value >= self.low if self.closed_low else value > self.low
        return above and (value <= self.high if self.closed_high else value < self.high)

    def refusal(self, value: object) -> str:
        """Return what is right in place of ``value``."""
        return f"in {self.text}, not {shortened(value)}."


@dataclass(frozen=True)
class OneOf:
    """The values that are allowed, as written: ``{auto, cpu}``."""

    values: tuple[Any, ...]

    def __contains__(self, value: object) -> bool:
        """Tell whether ``value`` is listed."""
        return value in self.values

    def refusal(self, value: object) -> str:
        """Return what is right in place of ``value``."""
        known = ", ".join(map(str, self.values))
        hint = nearest(value, map(str, self.values)) if isinstance(value, str) else ""
        return f"one of {known}, not {shortened(value)}." + (hint if "Did you" in hint else "")


def split_range(comment: str, kind: str) -> tuple[str, Range | OneOf | None]:
    """Return the help text and the range that stands at the end of a comment.

    >>> split_range("where to compute, {auto, cpu}", "str")
    ('where to compute', OneOf(values=('auto', 'cpu')))
    """
    found = _INTERVAL.search(comment)
    if found and kind in ("int", "float"):
        opening, low, high, closing = found.groups()
        text = found.group(0).strip(" ,;:")
        interval = Range(float(low), float(high), opening == "[", closing == "]", text)
        if interval.low > interval.high:
            raise ValueError(f"has an empty range {text}.")
        return comment[: found.start()].rstrip(" ,;:"), interval
    found = _CHOICE.search(comment)
    if found:
        listed = [item.strip().strip("\"'") for item in found.group(1).split(",")]
        values = tuple(READ[kind](item) for item in listed)
        if None in values:
            raise ValueError(f"has choices that are not of type {kind}: {found.group(0)}.")
        return comment[: found.start()].rstrip(" ,;:"), OneOf(values)
    return comment, None


def shortened(value: Any) -> str:
    """Return ``value`` as it goes into a sentence: Python notation, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _read_int(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_float(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _read_bool(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _read_str(value: Any) -> str | None:
    return value if isinstance(value, str) else None


READ: dict[str, Any] = {
    "int": _read_int,
    "float": _read_float,
    "bool": _read_bool,
    "str": _read_str,
}
