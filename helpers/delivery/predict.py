"""A file of texts in, the same file with labels and probabilities out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers import UserError
from helpers.base.files import replacing_file
from helpers.delivery.models import Model
from helpers.delivery.streams import WRITTEN, file_parts, writer_of
from helpers.sources import readers

LABEL, PROBABILITY = "predicted_label", "probability"
"""The columns that are added."""

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
    with replacing_file(out) as temporary, writer_of(temporary, out) as write:
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
