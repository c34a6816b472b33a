"""A file of texts read in parts and written as they come, in bounded memory.

CSV with commas, JSON lines (gzipped or not) and Parquet are read and written in parts; whatever
else :mod:`helpers.sources.readers` knows is read whole.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from helpers import UserError
from helpers.delivery.models import AT_ONCE
from helpers.sources import readers
from helpers.sources.files import delimited

WRITTEN = (".csv", ".jsonl", ".jsonl.gz", ".parquet")
"""Endings of files that can be written."""

Values = dict[str, Any]


def file_parts(file: Path) -> Iterator[readers.Rows]:
    """Yield a file's rows, at most :data:`helpers.delivery.models.AT_ONCE` at a time.

    Raises:
        UserError: an empty, damaged or foreign file, with the place of the fault.
    """
    suffix = readers.suffix_of(file) or ""
    streamed = {".csv": _csv, ".parquet": _parquet, ".jsonl": _json_lines, ".jsonl.gz": _json_lines}
    if suffix not in streamed or (suffix == ".csv" and not _has_commas(file)):
        rows = readers.read_file(file)
        for start in range(0, len(rows.values), AT_ONCE):
            cut = slice(start, start + AT_ONCE)
            yield readers.Rows(rows.source, rows.unit, rows.numbers[cut], rows.values[cut])
        return
    some = False
    for rows in streamed[suffix](file):
        some = True
        yield rows
    if not some:
        raise UserError(f"{file} holds no items.")


def _has_commas(file: Path) -> bool:
    """Whether commas separate the cells of a table, by its beginning."""
    with file.open("rb") as stream:
        begin = stream.read(1 << 16).decode("utf-8-sig", errors="ignore")
    return delimited.separator(begin) == ","


def _csv(file: Path) -> Iterator[readers.Rows]:
    limit = csv.field_size_limit(2**31 - 1)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, [])
            if len(set(header)) < len(header):
                raise UserError(f"{file} names a column more than once.")
            numbers, values = [], []
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise UserError(
                        f"Line {reader.line_num} of {file} has {len(cells)} fields, but the header "
                        f"has {len(header)} ({', '.join(header)})."
                    )
                values.append(dict(zip(header, cells, strict=True)))
                numbers.append(reader.line_num)
                if len(values) == AT_ONCE:
                    yield readers.Rows(file.name, "line", numbers, values)
                    numbers, values = [], []
            if values:
                yield readers.Rows(file.name, "line", numbers, values)
    except csv.Error as error:
        raise UserError(f"{file} is not valid CSV: line {reader.line_num}: {error}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8: {error.reason}; save it as UTF-8.") from None
    finally:
        csv.field_size_limit(limit)


def _json_lines(file: Path) -> Iterator[readers.Rows]:
    numbers: list[int] = []
    values: list[Values] = []
    try:
        with ExitStack() as stack:
            raw: Any = stack.enter_context(file.open("rb"))
            if file.name.lower().endswith(".gz"):
                raw = stack.enter_context(gzip.open(raw))
            for number, line in enumerate(io.TextIOWrapper(raw, "utf-8-sig"), start=1):
                if not line.strip():
                    continue
                values.append(json.loads(line))
                if not isinstance(values[-1], dict):
                    raise UserError(
                        f'Line {number} of {file.name} is not an object such as {{"text": "…"}}.'
                    )
                numbers.append(number)
                if len(values) == AT_ONCE:
                    yield readers.Rows(file.name, "line", numbers, values)
                    numbers, values = [], []
        if values:
            yield readers.Rows(file.name, "line", numbers, values)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{file} is not valid JSON: line {number}, column {error.colno}: {error.msg}."
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8: {error.reason}; save it as UTF-8.") from None
    except (EOFError, gzip.BadGzipFile) as error:
        raise UserError(f"{file} is not a whole gzip file: {error}.") from None


def _parquet(file: Path) -> Iterator[readers.Rows]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(file)
        start = 1
        for batch in table.iter_batches(batch_size=AT_ONCE):
            values = batch.to_pylist()
            yield readers.Rows(file.name, "row", range(start, start + len(values)), values)
            start += len(values)
    except (pyarrow.ArrowException, OSError) as error:
        why = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"{file} is not a whole Parquet file: {why}.") from None


@contextmanager
def writer_of(temporary: Path, out: Path) -> Iterator[Callable[[list[Values]], None]]:
    """Lend what writes rows as they come, in the format of the name's ending."""
    suffix = readers.suffix_of(out)
    with ExitStack() as stack:
        if suffix == ".parquet":
            yield _parquet_writer(stack, temporary)
            return
        if suffix == ".jsonl.gz":
            stream: IO[str] = stack.enter_context(gzip.open(temporary, "wt", encoding="utf-8"))
        else:
            stream = stack.enter_context(temporary.open("w", encoding="utf-8", newline=""))
        yield _csv_writer(stream) if suffix == ".csv" else _lines_writer(stream)


def _csv_writer(stream: IO[str]) -> Any:
    header: list[str] = []
    writer = csv.writer(stream)

    def write(values: list[Values]) -> None:
        if not header:
            header.extend(values[0])
            writer.writerow(header)
        writer.writerows([value.get(name, "") for name in header] for value in values)

    return write


def _lines_writer(stream: IO[str]) -> Any:
    def write(values: list[Values]) -> None:
        for value in values:
            stream.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")

    return write


def _parquet_writer(stack: ExitStack, temporary: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    kept: list[Any] = []

    def write(values: list[Values]) -> None:
        table = pyarrow.Table.from_pylist(values, kept[0].schema if kept else None)
        if not kept:
            kept.append(stack.enter_context(pyarrow.parquet.ParquetWriter(temporary, table.schema)))
        kept[0].write_table(table)

    return write
