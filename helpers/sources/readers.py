r"""The user's own files to rows; the catalogue's have formats of their own (``formats``).

A user's file is ``.json`` (a list of objects, as the document's ``[{"text": …}, …]``, or one
object a line), ``.jsonl``, either of them gzipped (``.gz``), ``.csv`` or ``.parquet``. Whatever
is wrong with one is told in one sentence, with the line, item or row.
"""

import csv
import gzip
import io
import json
import math
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import UserError

SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".csv", ".parquet")


@dataclass(frozen=True)
class Rows:
    """Rows as read: ``values[i]`` stands at ``unit`` number ``numbers[i]`` of ``source``."""

    source: str
    unit: str
    numbers: Sequence[int]
    values: list[dict[str, Any]]

    @property
    def columns(self) -> dict[str, None]:
        """The names of all columns, in the order of their appearance."""
        return dict.fromkeys(name for value in self.values for name in value)

    def at(self, i: int) -> str:
        """Return where row i stands, in words: "line 3 of texts.csv"."""
        return f"{self.unit} {self.numbers[i]} of {self.source}"


def suffix_of(path: Path) -> str | None:
    """Return which of :data:`SUFFIXES` the name ends with, if any.

    >>> suffix_of(Path("news.JSON.gz")), suffix_of(Path("news.txt"))
    ('.json.gz', None)
    """
    endings = [suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)]
    return endings[0] if endings else None


def read_file(path: Path) -> Rows:
    """Return the rows of a user's file.

    :raises UserError: a missing, empty, damaged or foreign file; see the module's docstring.
    """
    suffix = suffix_of(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a file of texts ({', '.join(SUFFIXES)}).")
    if not path.exists():
        hint = " An address is not read: download the file first." if ":/" in str(path) else ""
        raise UserError(f"There is no file {path}.{hint}")
    if suffix is None:
        raise UserError(f"{path} does not end with one of {', '.join(SUFFIXES)}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    if not data:
        raise UserError(f"{path} is empty.")
    if suffix == ".parquet":
        return _parquet(path, data)
    text = _decode(path, _unzip(path, data) if suffix.endswith(".gz") else data)
    if not text.strip():
        raise UserError(f"{path} holds nothing but white space.")
    if suffix == ".csv":
        rows = read_csv(path, text)
    elif suffix.startswith(".jsonl"):
        rows = _json_lines(path, text)
    else:
        rows = _json(path, text)
    if not rows.values:
        raise UserError(f"{path} holds no items.")
    return rows


def _unzip(path: Path, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except EOFError:
        raise UserError(f"{path} is cut short: its gzip stream ends too early.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is not a whole gzip file: {error}.") from None


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} is not UTF-8: byte {error.start} (line {line}) is 0x{data[error.start]:02x}; "
            "save it as UTF-8."
        ) from None


def _json(path: Path, text: str) -> Rows:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip().startswith("{") and error.msg == "Extra data":
            return _json_lines(path, text)
        raise UserError(
            f"{path} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply to be a list of objects.") from None
    if not isinstance(values, list):
        raise UserError(
            f'{path} holds {_kind(values)}, not a list of objects such as [{{"text": "…"}}, …].'
        )
    return _objects(Rows(path.name, "item", range(1, len(values) + 1), values))


def _json_lines(path: Path, text: str) -> Rows:
    values, numbers = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                values.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{path} is not valid JSON: line {number}, column {error.colno}: {error.msg}."
                ) from None
            except RecursionError:
                raise UserError(f"{path} is nested too deeply in line {number}.") from None
            numbers.append(number)
    return _objects(Rows(path.name, "line", numbers, values))


def _objects(rows: Rows) -> Rows:
    for i, value in enumerate(rows.values):
        if not isinstance(value, dict):
            raise UserError(
                f"{rows.at(i).capitalize()} is {_kind(value)}, not an object such as "
                '{"text": "…"}.'
            )
    return rows


def _kind(value: object) -> str:
    kinds = {dict: "one object", list: "a list", str: "a string", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def read_csv(path: Path, text: str) -> Rows:
    """Return the rows of a CSV's text; ``path`` is for messages.

    :raises UserError: a line that does not fit the header, and what csv itself refuses.
    """
    values, numbers = [], []
    limit = csv.field_size_limit(sys.maxsize if sys.maxsize < 2**31 else 2**31 - 1)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(reader)
        repeated = sorted({name for name in header if header.count(name) > 1})
        if repeated:
            raise UserError(f"{path} names the column '{repeated[0]}' more than once.")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise UserError(
                    f"Line {reader.line_num} of {path} has {len(cells)} fields, "
                    f"but the header has {len(header)} ({', '.join(header)})."
                )
            values.append(dict(zip(header, cells, strict=True)))
            numbers.append(reader.line_num)
    except csv.Error as error:
        raise UserError(f"{path} is not valid CSV: line {reader.line_num}: {error}.") from None
    finally:
        csv.field_size_limit(limit)
    return Rows(path.name, "line", numbers, values)


def _parquet(path: Path, data: bytes) -> Rows:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(
            f"{path} is not a whole Parquet file: {' '.join(str(error).split()).rstrip('.')}."
        ) from None
    if not table.num_rows:
        raise UserError(f"{path} holds no items.")
    return Rows(path.name, "row", range(1, table.num_rows + 1), table.to_pylist())


def columns(
    rows: Rows, text_column: str, label_column: str | None
) -> tuple[list[str], list[str] | None]:
    """Return the texts and the labels (as strings), or say what is wrong with them.

    :param label_column: None for texts without labels; then the labels are None.
    :raises UserError: a column that is not there (those that are get listed), an empty or foreign
        text, a missing label, one class only; each with where it stands.

    >>> columns(Rows("x.csv", "line", [2, 3], [{"t": "a", "c": 1}, {"t": "b", "c": 2}]), "t", "c")
    (['a', 'b'], ['1', '2'])
    """
    present = rows.columns
    for column, what in ((text_column, "text"), (label_column, "label")):
        if column is not None and column not in present:
            advice = ", or None for texts without labels" if what == "label" else ""
            raise UserError(
                f"{rows.source} has no {what} column '{column}'; its columns are "
                f"{', '.join(present) or 'none'} (set {what}_column to one of them{advice})."
            )
    texts: list[Any] = [value.get(text_column) for value in rows.values]
    for i, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise UserError(
                f"The text in {rows.at(i)} ('{text_column}') is {_kind(text)}, not a string."
            )
    empty = [i for i, text in enumerate(texts) if not text or not text.strip()]
    if empty:
        raise UserError(
            f"The text in {rows.at(empty[0])} ('{text_column}') is empty"
            f"{_others(len(empty))}; remove such items or fill them in."
        )
    if label_column is None:
        return texts, None
    labels: list[Any] = [_label(v.get(label_column), rows, i) for i, v in enumerate(rows.values)]
    missing = [i for i, label in enumerate(labels) if label is None]
    if missing:
        raise UserError(
            f"The label in {rows.at(missing[0])} ('{label_column}') is missing"
            f"{_others(len(missing))}; every item needs one."
        )
    if len(set(labels)) == 1:
        raise UserError(
            f"All {len(labels)} items of {rows.source} have the label '{labels[0]}' in "
            f"'{label_column}'; at least two classes are needed."
        )
    return texts, labels


def values_of(rows: Rows, column: str, what: str) -> list[str]:
    """Return a further column as texts; ``what`` says in words what it holds.

    :raises UserError: a column that is not there, an empty value.

    >>> values_of(Rows("x.csv", "line", [2], [{"t": "a", "d": 7}]), "d", "domain")
    ['7']
    """
    present = rows.columns
    if column not in present:
        raise UserError(
            f"{rows.source} has no {what} column '{column}'; its columns are {', '.join(present)}."
        )
    found = [_label(value.get(column), rows, i) for i, value in enumerate(rows.values)]
    empty = [i for i, value in enumerate(found) if value is None]
    if empty:
        raise UserError(f"The {what} in {rows.at(empty[0])} ('{column}') is missing.")
    return [str(value) for value in found]


def read_pairs(path: Path, first: str, second: str) -> tuple[list[str], list[str]]:
    """Return two columns of texts of a user's file.

    :raises UserError: what :func:`read_file` refuses, a column that is not there, an empty text.
    """
    rows = read_file(path)
    present = rows.columns
    if not {first, second} <= present.keys():
        raise UserError(
            f"{path} needs the columns {first} and {second}; its columns are "
            f"{', '.join(present) or 'none'}."
        )
    return columns(rows, first, None)[0], columns(rows, second, None)[0]


def _others(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def _label(value: object, rows: Rows, i: int) -> str | None:
    if isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else value
    if value is None or isinstance(value, str | int | float):
        return str(value).strip() or None if value is not None else None
    raise UserError(f"The label in {rows.at(i)} is {_kind(value)}, not a string or a number.")
