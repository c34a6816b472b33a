"""JSON: a list of objects, as the document's ``[{"text": …}, …]``, or one object a line."""

import json
from pathlib import Path
from typing import Any

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
    if isinstance(values, dict):
        values = _of_columns(values) or values
    if not isinstance(values, list):
        raise UserError(
            f'{path} holds {kind(values)}, not a list of objects such as [{{"text": "…"}}, …].'
        )
    return _objects(Rows(path.name, "item", range(1, len(values) + 1), values))


def _of_columns(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a table by columns, as pandas writes them; of anything else none.

    >>> _of_columns({"text": {"0": "a", "1": "b"}, "label": {"0": 1, "1": 2}})
    [{'text': 'a', 'label': 1}, {'text': 'b', 'label': 2}]
    >>> _of_columns({"text": ["a", "b"]}), _of_columns({"text": "a"})
    ([{'text': 'a'}, {'text': 'b'}], [])
    """
    if all(isinstance(column, list) for column in table.values()):
        columns = [dict(enumerate(column)) for column in table.values()]
    elif all(isinstance(column, dict) for column in table.values()):
        columns = list(table.values())
    else:
        return []
    if not columns or any(column.keys() != columns[0].keys() for column in columns):
        return []
    return [
        dict(zip(table, cells, strict=True))
        for cells in zip(*(column.values() for column in columns), strict=True)
    ]


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
