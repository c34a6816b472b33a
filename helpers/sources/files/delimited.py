"""Tables of separated values: commas, semicolons, tabs or bars, quoted as spreadsheets do.

What separates is read off the header and the lines behind it; ``sep=;`` in the first line, which
Excel understands, counts. Columns without a name are left out. A quote that never closes is named
by the line where it opens.
"""

import csv
import io
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers import UserError
from helpers.sources import packing
from helpers.sources.encoding import decode
from helpers.sources.rows import Format, Rows

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_NONE = "\x1f"  # separates nothing: a table of a single column
_LOOKED_AT = 50
"""Lines by which what separates is told, where the header has two such characters."""

_LONG = 3
"""A cell over more lines than this is looked at: has an open quote swallowed rows?"""


def read(path: Path, data: bytes) -> Rows:
    """Return the rows of a table.

    Raises:
        UserError: see :func:`read_text`.

    >>> read(Path("a.csv"), b"text;label\\nred, green;x").values
    [{'text': 'red, green', 'label': 'x'}]
    """
    text = decode(path, data)
    if packing.ending(path) == ".csv":
        return read_text(path, text, separator(text))
    try:
        return read_text(path, text, "\t")
    except UserError:
        # Tabs are mostly written without quoting; a text may then begin with a quotation mark.
        try:
            return read_text(path, text, "\t", quoted=False)
        except UserError:
            pass
        raise


def separator(text: str) -> str:
    r"""Return what separates the cells of a table, by its header and its first lines.

    >>> separator("text;label\nred, green;x\n"), separator("text,label;2\na,b\nc;d,e\n")
    (';', ',')
    """
    first = text[: text.find("\n")].strip() if "\n" in text else text.strip()
    if first[:4].lower() == "sep=" and first[4:] in SEPARATORS:
        return first[4:]
    there = {mark: len(_cells(first, mark)) for mark in SEPARATORS if len(_cells(first, mark)) > 1}
    if len(there) < 2:
        return next(iter(there), _NONE)
    lines = list(itertools.islice(filter(str.strip, io.StringIO(text)), 1, _LOOKED_AT))

    def fitting(mark: str) -> tuple[int, int]:
        return sum(len(_cells(line, mark)) == there[mark] for line in lines), there[mark]

    return max(there, key=fitting)


def _cells(line: str, mark: str) -> list[str]:
    return next(csv.reader([line], delimiter=mark), [])


def read_text(path: Path, text: str, mark: str = ",", *, quoted: bool = True) -> Rows:
    """Return the rows of a table's text; ``path`` is for messages.

    Raises:
        UserError: a line that does not fit the header, a column named twice, a quote that does not
            close, and what csv itself refuses.
    """
    values: list[dict[str, Any]] = []
    numbers: list[int] = []
    before = 0  # line at which the record before ended
    quoting: Any = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    with _any_length():
        reader = csv.reader(
            io.StringIO(text, newline=""), strict=True, delimiter=mark, quoting=quoting
        )
        try:
            header = [name.strip() for name in next(reader)]
            if header[0].lower() == "sep=" and header[1:] == [""]:  # for Excel
                header = [name.strip() for name in next(reader)]
            named, unnamed = _named(path, header)
            names, lost = [header[i] for i in named], 0
            before = reader.line_num
            for cells in reader:
                if reader.line_num > before + _LONG:
                    _check_long(path, cells, header, mark, before + 1, reader.line_num)
                if len(cells) != len(header):
                    if not cells:
                        before = reader.line_num
                        continue
                    raise UserError(_misfit(path, len(cells), header, before, reader.line_num))
                if unnamed:
                    lost += any(cells[i].strip() for i in unnamed)
                    cells = [cells[i] for i in named]
                values.append(dict(zip(names, cells, strict=True)))
                numbers.append(reader.line_num)
                before = reader.line_num
        except csv.Error as error:
            place = f"line {reader.line_num}: {error}"
            opens = _open_quote(text, before, mark) if quoted else None
            if opens is not None and "unexpected end" in str(error):
                place = f"the quote that opens in line {opens} is never closed"
            elif opens is not None and opens < reader.line_num:
                place = f"the quote that opens in line {opens} closes inside line {reader.line_num}"
            raise UserError(f"{path} is not valid CSV: {place}.") from None
        except StopIteration:
            raise UserError(f"{path} holds no items.") from None
    notes = (
        (f"{lost:,} rows of {path.name} have something in a column without a name: left out.",)
        if lost
        else ()
    )
    return Rows(path.name, "line", numbers, values, notes)


@contextmanager
def _any_length() -> Iterator[None]:
    """Let a cell be of any length, and only here."""
    limit = csv.field_size_limit(sys.maxsize if sys.maxsize < 2**31 else 2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _named(path: Path, header: list[str]) -> tuple[list[int], list[int]]:
    """Return the places of columns with and without a name."""
    named = [i for i, name in enumerate(header) if name]
    repeated = sorted({header[i] for i in named if header.count(header[i]) > 1})
    if repeated:
        raise UserError(f"{path} names the column '{repeated[0]}' more than once.")
    if not named:
        raise UserError(f"{path} names no column in its first line.")
    return named, [i for i, name in enumerate(header) if not name]


def _misfit(path: Path, fields: int, header: list[str], before: int, line: int) -> str:
    sentence = f"Line {line} of {path} has {fields} fields, but the header has {len(header)} "
    sentence += f"({', '.join(name or '(no name)' for name in header)})"
    if line > before + 1:
        return f"{sentence}; its quote opens in line {before + 1}."
    return f"{sentence}."


def _check_long(
    path: Path, cells: list[str], header: list[str], mark: str, first: int, last: int
) -> None:
    """Refuse a cell whose lines are rows themselves: its quote was meant to close before them."""
    if len(header) < 2:
        return
    for cell in cells:
        inner = cell.split("\n")[1:-1]
        like = sum(line.count(mark) == len(header) - 1 for line in inner)
        if len(inner) >= _LONG and like > 0.9 * len(inner):
            raise UserError(
                f"{path} is not valid CSV: the quote that opens in line {first} closes only in "
                f"line {last}, and the lines between look like rows."
            )


def _open_quote(text: str, before: int, mark: str) -> int | None:
    """Return the line where the last quote opens that stands at the beginning of a cell.

    The scan begins behind the line ``before``, where all quotes are closed.
    """
    opens, inside, at_start = None, False, True
    lines = itertools.islice(io.StringIO(text, newline=""), before, None)
    for number, line in enumerate(lines, start=before + 1):
        if not inside and opens is not None:
            break  # the record with the fault has ended
        place = 0
        while place < len(line):
            if inside:
                place = line.find('"', place)
                if place < 0:
                    break
                if line[place + 1 : place + 2] == '"':
                    place += 2
                    continue
                if line[place + 1 : place + 2] not in ("", mark, "\r", "\n"):
                    return opens  # closed where no cell ends
                inside = False
            elif line[place] == '"' and at_start:
                opens, inside = number, True
            at_start = not inside and line[place] in (mark, "\n", "\r")
            place += 1
        at_start = not inside
    return opens


FORMAT = Format((".csv", ".tsv", ".tab"), read)
