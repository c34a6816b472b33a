"""A file of texts in, the same file with labels and probabilities out, in bounded memory.

CSV with commas, JSON lines (gzipped or not) and Parquet are read and written in parts; whatever
else :mod:`helpers.sources.readers` knows is read whole.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from helpers import UserError
from helpers.base.files import replacing_file
from helpers.delivery.models import AT_ONCE, Model
from helpers.sources import readers
from helpers.sources.files import delimited

LABEL, PROBABILITY = "predicted_label", "probability"
"""The columns that are added."""

WRITTEN = (".csv", ".jsonl", ".jsonl.gz", ".parquet")
"""Endings of files that can be written."""

Values = dict[str, Any]

UNLIKE = 0.1
"""So much less sure on the mean than of the texts that judged it: these texts are unlike them."""


@dataclass(frozen=True)
class Answered:
    """What was answered in a file.

    Attributes:
        counts: texts of each label; of none, below the threshold, under "".
        sure: mean probability of the most probable class, in [0, 1].
    """

    counts: dict[str, int]
    sure: float

    def unlike(self, usual: float | None) -> str:
        """Return a warning where the model is far less sure than usual, else nothing.

        >>> Answered({"a": 9}, 0.6).unlike(0.9)
        'These texts look unlike the training texts: the model gives its answers a probability of \
0.60 on the mean, and gave 0.90 to those it was judged by.'
        >>> Answered({"a": 9}, 0.85).unlike(0.9), Answered({"a": 9}, 0.6).unlike(None)
        ('', '')
        """
        if usual is None or self.sure > usual - UNLIKE:
            return ""
        return (
            "These texts look unlike the training texts: the model gives its answers a probability "
            f"of {self.sure:.2f} on the mean, and gave {usual:.2f} to those it was judged by."
        )


def predict(
    model: Model,
    names: Sequence[str],
    file: Path,
    out: Path,
    *,
    text_column: str = "text",
    threshold: float = 0.0,
) -> Answered:
    """Write ``file`` with two further columns to ``out``; return what was answered.

    The label is empty where its probability is below the threshold: then the model abstains.

    Args:
        model: what labels.
        names: its classes'.
        file: a user's file, see :mod:`helpers.sources.readers`.
        out: ends like ``file``, or with ``.jsonl``; whole or not there.
        text_column: where the texts stand.
        threshold: in [0, 1].

    Raises:
        UserError: what cannot be read or written; a threshold or an ending that is none; a text
            that is missing; the columns that are added are there already.
    """
    check_files(file, out, threshold)
    counts, total = dict.fromkeys([*names, ""], 0), 0.0
    with replacing_file(out) as temporary, _writer(temporary, out) as write:
        for rows in file_parts(file):
            texts = texts_of(rows, text_column)
            table = model.probabilities(texts)
            for row, place, sure in zip(
                rows.values, table.argmax(1).tolist(), table.max(1).tolist(), strict=True
            ):
                label = names[place] if sure >= threshold else ""
                counts[label] += 1
                total += sure
                row |= {LABEL: label, PROBABILITY: round(sure, 4)}
            write(rows.values)
    return Answered({label: n for label, n in counts.items() if n}, total / sum(counts.values()))


def check_files(file: Path, out: Path, threshold: float) -> None:
    """Refuse what is wrong with names and threshold before a model is read.

    Raises:
        UserError: see :func:`predict`.
    """
    if not 0 <= threshold <= 1:
        raise UserError(f"threshold must be in [0, 1], not {threshold:g}.")
    if not file.exists():
        raise UserError(f"There is no file {file}.")
    if file.is_dir() or readers.suffix_of(file) is None:
        raise UserError(f"{file} does not end with one of {', '.join(readers.SUFFIXES)}.")
    if readers.suffix_of(out) not in WRITTEN:
        raise UserError(f"{out} does not end with one of {', '.join(WRITTEN)}.")
    if out.exists() and out.samefile(file):
        raise UserError(f"{out} is the file of texts itself; name another one for the labels.")


def texts_of(rows: readers.Rows, column: str) -> list[str]:
    """Return the texts of a part, or say what is wrong with one.

    Several columns, named with a blank between, are joined as they were for `assess`.

    >>> texts_of(readers.Rows("x.csv", "line", [2], [{"text": "a"}]), "text")
    ['a']
    """
    taken = {LABEL, PROBABILITY} & rows.columns.keys()
    if taken:
        raise UserError(
            f"{rows.source} has a column '{min(taken)}' already: it seems labelled; rename the "
            "column to label it anew."
        )
    there = rows.columns
    if column not in there and not all(name in there for name in column.split(" ")):
        raise UserError(
            f"{rows.source} has no text column '{column}'; its columns are "
            f"{', '.join(rows.columns) or 'none'} (name one with --text)."
        )
    return readers.columns(rows, column, None)[0]


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
def _writer(temporary: Path, out: Path) -> Iterator[Any]:
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
