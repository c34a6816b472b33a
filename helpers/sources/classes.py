"""Labels that are not what they seem: one class in two spellings, several classes, quantities."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from helpers import UserError

# Without leading zeros, which are a code's own: 007 is not 7.
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?(?:[T ].*)?|\d\d?[./]\d\d?[./]\d{4}")
_MOST_LEVELS = 20
"""Different numbers with decimals up to which they may be grades; more are a quantity."""

_BETWEEN = (",", ";", "|", "/", "+", "&")


def plain_numbers(labels: Sequence[str]) -> list[str]:
    """Return labels that are all numbers in one spelling each, others as they are.

    >>> plain_numbers(["1", "1.0", "2.50"]), plain_numbers(["1", "1.0", "x"])
    (['1', '1', '2.5'], ['1', '1.0', 'x'])
    >>> plain_numbers(["01", "1.0"])
    ['01', '1.0']
    """
    different = set(labels)
    if not all(_NUMBER.fullmatch(label) for label in different):
        return list(labels)
    plain = {label: _plain(label) for label in different}
    return [plain[label] for label in labels]


def _plain(label: str) -> str:
    number = float(label)
    if not math.isfinite(number) or ("." not in label and "e" not in label.lower()):
        return label
    return str(int(number)) if number.is_integer() else str(number)


def check_classes(labels: Sequence[str], column: str, where: str) -> None:
    """Refuse labels that are quantities or dates: here texts are told apart by classes.

    Raises:
        UserError: they are; the sentence says how they become classes.

    >>> check_classes(["0.12", "0.34", "1.0"], "score", "x.csv")
    >>> check_classes([f"{i / 7:.3f}" for i in range(50)], "score", "x.csv")
    Traceback (most recent call last):
    helpers.UserError: The label column 'score' of x.csv holds 50 different numbers with decimals
    (0.000, 0.143, 0.286, …): a quantity to be estimated (regression), and only classes are told
    apart here; group them into a few, such as low, middle and high.
    """
    different = list(dict.fromkeys(labels))
    shown = f"({', '.join(different[:3])}, …)"
    if len(different) > 1 and all(map(_DATE.fullmatch, different)):
        raise UserError(
            f"The label column '{column}' of {where} holds dates {shown}, not classes; group them "
            "into a few, such as years."
        )
    if len(different) <= _MOST_LEVELS or not all(map(_NUMBER.fullmatch, different)):
        return
    if any(not float(label).is_integer() for label in different if math.isfinite(float(label))):
        raise UserError(
            f"The label column '{column}' of {where} holds {len(different):,} different numbers "
            f"with decimals {shown}: a quantity to be estimated (regression), and only classes "
            "are told apart here; group them into a few, such as low, middle and high."
        )


def spellings(labels: Iterable[str]) -> list[list[str]]:
    """Return the labels that are one class but for case, blanks, hyphens: each class's spellings.

    The most frequent spelling of a class comes first.

    >>> spellings(["Good", "good", "good", "bad", "GOOD "])
    [['good', 'Good', 'GOOD ']]
    """
    counts = labels if isinstance(labels, Counter) else Counter(labels)
    groups: dict[str, list[str]] = {}
    for label, _ in counts.most_common():
        groups.setdefault(_key(label), []).append(label)
    return [group for group in groups.values() if len(group) > 1]


def _key(label: str) -> str:
    return " ".join(re.sub(r"[\s_-]+", " ", label.casefold()).split())


def fold(labels: Sequence[str]) -> list[str]:
    """Return labels with one spelling a class, its most frequent one.

    >>> fold(["Good", "good", "good", "bad"])
    ['good', 'good', 'good', 'bad']
    """
    kept = {label: group[0] for group in spellings(labels) for label in group}
    return [kept.get(label, label) for label in labels]


def several(counts: Mapping[str, int]) -> tuple[str, list[str]] | None:
    """Return the mark and the parts, where labels look like several classes in one cell.

    They do where two labels at least are combinations, and each part of a combination is in another
    label too: "price,quality" beside "quality,service".

    >>> several({"price,quality": 3, "quality": 4, "price": 1, "quality,service,price": 1,
    ...     "service": 2})
    (',', ['price', 'quality', 'service'])
    >>> several({"health/fitness": 3, "health/medicine": 4})
    """
    for mark in _BETWEEN:
        parts = {label: [part.strip(" []'\"") for part in label.split(mark)] for label in counts}
        combined = [label for label, each in parts.items() if len(each) > 1 and all(each)]
        if len(combined) < 2:
            continue
        uses = Counter(part for each in parts.values() for part in set(each))
        shared = [label for label in combined if all(uses[part] > 1 for part in parts[label])]
        if len(shared) >= max(2, 0.8 * len(combined)) and len(uses) < len(counts):
            return mark, sorted(uses)
    return None
