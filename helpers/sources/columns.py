"""Which columns of a file hold the texts and the classes, and what is in them.

A column that is not there under its usual name is guessed where it is plain: by a name that others
use for it, or, of two columns, by what they hold. What was guessed is told, see :class:`Chosen`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from helpers import UserError
from helpers.base.doors import door
from helpers.sources import classes, tokens
from helpers.sources.rows import Rows, kind

TEXT, LABEL = "text", "label"
"""The usual names."""

TEXT_NAMES = {
    "text", "texts", "review", "sentence", "content", "body", "message", "document", "doc",
    "comment", "tweet", "utterance", "headline", "post", "abstract", "reviewtext", "review_text",
    "full_text", "description", "sms", "email", "feedback", "answer",
}  # fmt: skip
LABEL_NAMES = {
    "label", "labels", "class", "classes", "category", "sentiment", "target", "topic", "intent",
    "labeltext", "label_text", "class_label", "section", "tag", "rating", "stars",
}  # fmt: skip
PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"),
    ("text1", "text2"), ("text_a", "text_b"), ("question", "sentence"),
    ("sentence_a", "sentence_b"),
    ("question", "answer"), ("query", "passage"),
)  # fmt: skip
"""Columns that mean little without each other."""

JOINT = " | "
"""What stands between the texts of several columns: a character that every tokenizer knows."""

_LOOKED_AT = 1000


@dataclass(frozen=True)
class Chosen:
    """The columns that are read: of texts (several are joined), of classes; sentences on both."""

    texts: tuple[str, ...]
    label: str | None
    notes: tuple[str, ...] = ()


def choose_columns(rows: Rows, text_column: str, label_column: str | None) -> Chosen:
    """Return the columns that are meant.

    Args:
        rows: as read.
        text_column: its name, or the names of several with a blank between.
        label_column: its name; None for texts without labels.

    Raises:
        UserError: a column that is not there and cannot be guessed; those that are get listed.

    >>> rows = Rows("x.csv", "line", [2], [{"review": "a", "sentiment": "b"}])
    >>> choose_columns(rows, "text", "label").notes
    ("The texts of x.csv are taken from its column 'review', the classes from 'sentiment'.",)
    """
    present = rows.columns
    texts = _named(text_column, present)
    guessed = []
    if not texts and text_column == TEXT:
        _refuse_pairs(rows)
        texts = _guess_text(rows, label_column)
        guessed += [
            f"the texts of {rows.source} are taken from its column '{each}'" for each in texts
        ]
    if not texts:
        raise UserError(_missing(rows, "text", text_column, door().text))
    label = None if label_column is None else label_column_of(rows, label_column, texts)
    if label != label_column:
        of = "the classes" if guessed else f"the classes of {rows.source} are taken"
        guessed.append(f"{of} from {'' if guessed else 'its column '}'{label}'")
    sentence = ", ".join(guessed)  # capitalize() would lower the names of columns
    notes = (f"{sentence[0].upper()}{sentence[1:]}.",) if guessed else ()
    return Chosen(texts, label, (*rows.notes, *notes))


def label_column_of(rows: Rows, label_column: str, texts: tuple[str, ...] = ()) -> str:
    """Return the column of classes: the one that is named, or what :func:`choose_columns` guesses.

    Raises:
        UserError: it is not there and cannot be guessed.
    """
    if label_column in rows.columns:
        return label_column
    found = _guess_label(rows, texts or _guess_text(rows, None)) if label_column == LABEL else None
    if found is None:
        raise UserError(_missing(rows, "label", label_column, door().label))
    return found


def _named(names: str, present: Sequence[str] | dict[str, None]) -> tuple[str, ...]:
    """Return the columns that are named with a blank between; their names may hold blanks too."""
    if names in present:
        return (names,)
    words = names.split(" ")
    for n in range(len(words) - 1, 0, -1):
        first = " ".join(words[:n])
        rest = _named(" ".join(words[n:]), present) if first in present else ()
        if rest:
            return (first, *rest)
    return ()


def _guess_text(rows: Rows, label: str | None) -> tuple[str, ...]:
    present = [name for name in rows.columns if name != label]
    usual = [name for name in present if name.strip().casefold() in TEXT_NAMES]
    if len(usual) == 1:
        return (usual[0],)
    if len(rows.columns) <= 2:
        long = [name for name in present if _holds_texts(rows, name)]
        if len(long) == 1:
            return (long[0],)
    return ()


def _guess_label(rows: Rows, texts: tuple[str, ...]) -> str | None:
    present = [name for name in rows.columns if name not in texts]
    usual = [name for name in present if name.strip().casefold() in LABEL_NAMES]
    if len(usual) == 1:
        return usual[0]
    return present[0] if len(present) == 1 and _holds_classes(rows, present[0]) else None


def _first(rows: Rows, name: str) -> list[Any]:
    return [value.get(name) for value in islice(rows.values, _LOOKED_AT)]


def _holds_texts(rows: Rows, name: str) -> bool:
    """Tell whether a column holds texts: strings of several words, most of them different."""
    values = [value for value in _first(rows, name) if isinstance(value, str)]
    words = sum(len(value.split()) for value in values)
    return words > 3 * len(rows.values[:_LOOKED_AT]) and len(set(values)) > len(values) / 2


def _holds_classes(rows: Rows, name: str) -> bool:
    """Tell whether a column holds few different values, each of them often."""
    values = [value for value in _first(rows, name) if isinstance(value, str | int)]
    return len(values) >= 8 and len(set(values)) <= len(values) / 4


def _refuse_pairs(rows: Rows) -> None:
    """Say how both columns are read, where a file has a pair of them."""
    lower = {name.strip().casefold(): name for name in rows.columns}
    for pair in PAIRS:
        if set(pair) <= lower.keys():
            first, second = (lower[name] for name in pair)
            how = door().several.format(columns=f"{first} {second}")
            raise UserError(
                f"{rows.source} has no column 'text', but a pair of them, '{first}' and "
                f"'{second}': {how}."
            )


def _missing(rows: Rows, what: str, column: str, advice: str) -> str:
    present = list(rows.columns)
    listed = ", ".join(name if len(name) <= 40 else f"{name[:39]}…" for name in present[:20])
    more = f", … ({len(present)} in all)" if len(present) > 20 else ""
    if any(len(name.split()) > 6 for name in present):
        advice += "; its first line must name the columns"
    return (
        f"{rows.source} has no {what} column '{column}'; its columns are {listed or 'none'}{more} "
        f"({advice})."
    )


def columns(
    rows: Rows, text_column: str, label_column: str | None
) -> tuple[list[str], list[str] | None]:
    """Return the texts and the labels (as strings), or say what is wrong with them.

    Numbers that are written in two ways are one class: 1 and 1.0.

    Args:
        rows: as read.
        text_column: see :func:`choose_columns`.
        label_column: None for texts without labels; then the labels are None.

    Raises:
        UserError: a column that is not there (those that are get listed), an empty or foreign
            text, a missing label, one class only, quantities or dates in place of classes; each
            with where it stands.

    >>> columns(Rows("x.csv", "line", [2, 3], [{"t": "a", "c": 1}, {"t": "b", "c": 2}]), "t", "c")
    (['a', 'b'], ['1', '2'])
    """
    if text_column == tokens.TAGGED:
        rows = tokens.with_tagged(rows)
    chosen = choose_columns(rows, text_column, label_column)
    parts = [_texts(rows, column) for column in chosen.texts]
    texts = parts[0] if len(parts) == 1 else [JOINT.join(each) for each in zip(*parts, strict=True)]
    if chosen.label is None:
        return texts, None
    column = chosen.label
    labels: list[Any] = [label_of(v.get(column), rows, i) for i, v in enumerate(rows.values)]
    missing = [i for i, label in enumerate(labels) if label is None]
    if missing:
        raise UserError(
            f"The label in {rows.at(missing[0])} ('{column}') is missing"
            f"{_others(len(missing))}; every item needs one."
        )
    labels = classes.plain_numbers(labels)
    if len(set(labels)) == 1:
        raise UserError(
            f"All {len(labels)} items of {rows.source} have the label '{labels[0]}' in "
            f"'{column}'; at least two classes are needed."
        )
    classes.check_classes(labels, column, rows.source)
    return texts, labels


def _texts(rows: Rows, column: str) -> list[str]:
    texts: list[Any] = [value.get(column) for value in rows.values]
    for i, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise UserError(f"The text in {rows.at(i)} ('{column}') is {kind(text)}, not a string.")
    empty = [i for i, text in enumerate(texts) if not text or not text.strip()]
    if empty:
        raise UserError(
            f"The text in {rows.at(empty[0])} ('{column}') is empty"
            f"{_others(len(empty))}; remove such items or fill them in."
        )
    return texts


def values_of(rows: Rows, column: str, what: str) -> list[str]:
    """Return a further column as texts; ``what`` says in words what it holds.

    Raises:
        UserError: a column that is not there, an empty value.

    >>> values_of(Rows("x.csv", "line", [2], [{"t": "a", "d": 7}]), "d", "domain")
    ['7']
    """
    present = rows.columns
    if column not in present:
        raise UserError(
            f"{rows.source} has no {what} column '{column}'; its columns are {', '.join(present)}."
        )
    found = [label_of(value.get(column), rows, i) for i, value in enumerate(rows.values)]
    empty = [i for i, value in enumerate(found) if value is None]
    if empty:
        raise UserError(f"The {what} in {rows.at(empty[0])} ('{column}') is missing.")
    return [str(value) for value in found]


def _others(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def label_of(value: object, rows: Rows, i: int) -> str | None:
    """Return a cell as a class's name; None where it is empty.

    Raises:
        UserError: something that is neither a string nor a number.
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float | Decimal):
        if math.isnan(value):
            return None
        whole = math.isfinite(value) and value == int(value)
        value = int(value) if whole else float(value)
    if value is None:
        return None
    if isinstance(value, int | float):
        return str(value)
    raise UserError(f"The label in {rows.at(i)} is {kind(value)}, not a string or a number.")
