"""JSON: a list of objects, as the document's ``[{"text": …}, …]``, or one object a line."""

import json
from pathlib import Path

from helpers import UserError
from helpers.sources import packing
from helpers.sources.encoding import decode
from helpers.sources.rows import Format, Rows, kind


def read(path: Path, data: bytes) -> Rows:
    """Return the objects of a file.

    Raises:
        UserError: what is no JSON, or no list of objects, with its line and column or its item.

    >>> read(Path("a.jsonl"), b'{"text": "one"}\\n\\n{"text": "two"}').numbers
    [1, 3]
    """
    text = decode(path, data)
    return _list(path, text) if packing.ending(path) == ".json" else _lines(path, text)


def _list(path: Path, text: str) -> Rows:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip().startswith("{") and error.msg == "Extra data":
            return _lines(path, text)
        raise UserError(
            f"{path} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply to be a list of objects.") from None
    if not isinstance(values, list):
        raise UserError(
            f'{path} holds {kind(values)}, not a list of objects such as [{{"text": "…"}}, …].'
        )
    return _objects(Rows(path.name, "item", range(1, len(values) + 1), values))


def _lines(path: Path, text: str) -> Rows:
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
                f"{rows.at(i).capitalize()} is {kind(value)}, not an object such as "
                '{"text": "…"}.'
            )
    return rows


FORMAT = Format((".json", ".jsonl", ".ndjson"), read)
