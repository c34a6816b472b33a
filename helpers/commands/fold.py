"""``python -m helpers fold``: a copy of a labelled file in which each class has one spelling."""

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from helpers import UserError
from helpers.base.files import write_atomically
from helpers.sources import classes, columns, packing, readers


@dataclass(frozen=True)
class Folded:
    """Where the copy is, and which spellings became one: the kept one first."""

    path: Path
    groups: list[list[str]]


def fold(file: Path, label_column: str = columns.LABEL, out: Path | None = None) -> Folded:
    """Write the copy: comma-separated values of a table, else one JSON object a line.

    Args:
        file: of a user, see :mod:`helpers.sources.readers`.
        label_column: holds the classes.
        out: the copy; None: beside the file, ``NAME.folded.csv`` or ``.jsonl``.

    Raises:
        UserError: what the readers refuse, labels that are in one spelling already, a copy that is
            there already.
    """
    rows = readers.read_file(file)
    column = columns.label_column_of(rows, label_column)
    found = [columns.label_of(value.get(column), rows, i) for i, value in enumerate(rows.values)]
    labels = ["" if label is None else label for label in found]
    raw = ["" if value.get(column) is None else str(value[column]) for value in rows.values]
    one_each = classes.fold(classes.plain_numbers(labels))
    if one_each == raw:
        raise UserError(f"Each class in '{column}' of {rows.source} has one spelling already.")
    table = packing.ending(file) in (".csv", ".tsv", ".tab")
    stem = file.name.split(".")[0]
    copy = out or file.with_name(f"{stem}.folded.{'csv' if table else 'jsonl'}")
    if copy.exists():
        raise UserError(f"{copy} is there already; name another file with --out.")
    values = [
        value | {column: label or None} for value, label in zip(rows.values, one_each, strict=True)
    ]
    write_atomically(copy, _as_csv(values) if table else _as_json_lines(values))
    spelled: dict[str, Counter[str]] = {}
    for before, after in zip(raw, one_each, strict=True):
        spelled.setdefault(after, Counter())[before] += 1
    groups = [
        [kept, *(f"{each!r} ({n:,})" for each, n in seen.most_common() if each != kept)]
        for kept, seen in spelled.items()
    ]
    return Folded(copy, [group for group in groups if len(group) > 1])


def _as_csv(values: list[dict]) -> str:
    target = io.StringIO()
    names = list(dict.fromkeys(name for value in values for name in value))
    writer = csv.DictWriter(target, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(values)
    return target.getvalue()


def _as_json_lines(values: list[dict]) -> str:
    return "".join(f"{json.dumps(value, ensure_ascii=False, default=str)}\n" for value in values)
