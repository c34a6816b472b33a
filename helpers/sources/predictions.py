"""What two systems said of the same items, from files that were made elsewhere.

Three files: predictions of A, predictions of B, and the truth, paired by a column of ids or, where
there is none, row by row. Or two *sample logs* of lm-eval (``--log_samples``: one object a line
with ``doc_id``, ``target``, ``filtered_resps`` and a number for each metric), which hold what each
answer is worth and need no truth. Source of that format: EleutherAI's lm-evaluation-harness.
Shapes: n items.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.sources import classes, columns, readers
from helpers.sources.rows import Rows

IDS = ("id", "doc_id", "idx", "index", "item")
"""Columns that say which item a row is about, where all files have one."""

PREDICTED = ("predicted_label", "prediction", "predicted", "predictions", "pred", "y_pred")
"""Usual names of the column of predictions; a file without any may call it as the truth does."""

_LOG = ("doc_id", "target", "filtered_resps")
_NO_METRIC = {
    *_LOG, "doc", "arguments", "resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash",
}  # fmt: skip


@dataclass(frozen=True)
class Predictions:
    """Classes of n items: the true ones and what A and B said; "" where a system said nothing.

    Attributes:
        truth: the true class of each item.
        a: what A said.
        b: what B said.
        paired: how rows were found to be about one item, in words.
    """

    truth: list[str]
    a: list[str]
    b: list[str]
    paired: str


@dataclass(frozen=True)
class LoggedScores:
    """Metrics of n items under A and B, each a pair of arrays (n,)."""

    metrics: dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
    paired: str


def read_two(a: Path, b: Path) -> tuple[Rows, Rows]:
    """Return the rows of both systems' files.

    Raises:
        UserError: what the readers refuse, one file twice.
    """
    first, second = readers.read_file(a), readers.read_file(b)
    if a.samefile(b) or first.values == second.values:
        raise UserError(f"{a} and {b} hold the same: a system cannot be compared with itself.")
    return first, second


def is_log(rows: Rows) -> bool:
    """Tell whether rows are a sample log of lm-eval.

    >>> is_log(Rows("x", "line", [1], [{"doc_id": 0, "target": "a", "filtered_resps": ["a"]}]))
    True
    """
    return set(_LOG) <= rows.columns.keys()


def predictions(
    a: Rows, b: Rows, truth: Rows, *, label: str = "label", predicted: str = "", by: str = ""
) -> Predictions:
    """Bring three files together, in the order of the truth.

    Args:
        a: predictions of the first system.
        b: of the second.
        truth: has the true classes.
        label: its column of classes.
        predicted: the column of predictions in ``a`` and ``b``; empty: one of :data:`PREDICTED`.
        by: the column of ids in all three; empty: one of :data:`IDS`, else the order of
            the rows.

    Raises:
        UserError: a column that is not there, files of other lengths, ids that are missing or
            repeated or that no other file has, a missing true class, predictions of which none is
            a class.

    >>> table = lambda name, column, *cells: Rows(name, "line", range(2, 9), [
    ...     {"id": i, column: cell} for i, cell in enumerate(cells)])
    >>> found = predictions(table("a", "pred", "x", "y"), table("b", "pred", "y", "y"),
    ...                     table("t", "label", "x", "y"))
    >>> found.truth, found.a, found.b, found.paired
    (['x', 'y'], ['x', 'y'], ['y', 'y'], "by 'id'")
    """
    column = columns.label_column_of(truth, label)
    found = [columns.label_of(row.get(column), truth, i) for i, row in enumerate(truth.values)]
    if None in found:
        raise UserError(
            f"The label in {truth.at(found.index(None))} ('{column}') is missing; every item needs "
            "one."
        )
    key = by or _shared_id((a, b, truth))
    answered = []
    for rows in (a, b):
        name = _predicted(rows, predicted, column)
        each = [columns.label_of(row.get(name), rows, i) or "" for i, row in enumerate(rows.values)]
        answered.append([each[i] for i in _places(rows, truth, key)])
    n = len(found)
    one_form = _one_form([str(each) for each in (*found, *answered[0], *answered[1])])
    true = one_form[:n]
    for rows, answers in ((a, one_form[n : 2 * n]), (b, one_form[2 * n :])):
        if not set(true) & set(answers):
            raise UserError(
                f"No prediction of {rows.source} ('{answers[0]}', …) is a class of {truth.source} "
                f"('{true[0]}', …): are these the right columns?"
            )
    how = f"by '{key}'" if key else "row by row"
    return Predictions(true, one_form[n : 2 * n], one_form[2 * n :], how)


def logged_scores(a: Rows, b: Rows, *, metric: str = "", which: str = "") -> LoggedScores:
    """Bring two sample logs of lm-eval together, by ``doc_id``.

    Args:
        a: log of the first model.
        b: of the second, on the same task.
        metric: which one; empty: all that both logs have as a number for every item.
        which: the filter whose answers count, where a log has several.

    Raises:
        UserError: other items, another text under the same id, several filters, no such metric.

    >>> log = lambda name, *acc: Rows(name, "line", range(1, 9), [
    ...     {"doc_id": i, "target": 0, "filtered_resps": [], "acc": x} for i, x in enumerate(acc)])
    >>> logged_scores(log("a", 1.0, 0.0), log("b", 1.0, 1.0)).metrics["acc"][1].tolist()
    [1.0, 1.0]
    """
    first, second = _filtered(a, which), _filtered(b, which)
    order = _places(second, first, "doc_id")
    rows = [second.values[i] for i in order]
    for i, (one, other) in enumerate(zip(first.values, rows, strict=True)):
        for field in ("doc_hash", "target"):
            if field in one and field in other and one[field] != other[field]:
                raise UserError(
                    f"The doc_id {one['doc_id']} is another item in {b.source} than in "
                    f"{first.at(i)} (their {field} differ): are both logs of one task?"
                )
    shared = [
        name
        for name in first.columns
        if name not in _NO_METRIC and all(_number(row.get(name)) for row in (*first.values, *rows))
    ]
    if metric and metric not in shared:
        raise UserError(
            f"There is no metric '{metric}' with a number for every item in both logs; there is "
            f"{', '.join(shared) or 'none'}."
        )
    if not shared:
        raise UserError(
            f"{a.source} and {b.source} share no metric with a number for every item, such as acc "
            "or exact_match."
        )
    return LoggedScores(
        {
            name: (_values(first.values, name), _values(rows, name))
            for name in ([metric] if metric else shared)
        },
        "by 'doc_id'",
    )


def _values(rows: Sequence[dict[str, Any]], name: str) -> npt.NDArray[np.float64]:
    return np.array([float(row[name]) for row in rows])


def _number(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))


def _filtered(rows: Rows, which: str) -> Rows:
    """Return the rows of one filter: lm-eval writes an item once for each."""
    there = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows.values))
    if which and which not in there:
        raise UserError(f"{rows.source} has no filter '{which}'; it has {', '.join(there)}.")
    if len(there) > 1 and not which:
        raise UserError(
            f"{rows.source} has answers of several filters ({', '.join(there)}); name one with "
            "--filter."
        )
    kept = [i for i, row in enumerate(rows.values) if which in ("", str(row.get("filter", "none")))]
    return Rows(
        rows.source, rows.unit, [rows.numbers[i] for i in kept], [rows.values[i] for i in kept]
    )


def _one_form(labels: list[str]) -> list[str]:
    """Return numbers in one spelling, 1 for 1.0, whatever is empty aside."""
    there = [each for each in dict.fromkeys(labels) if each]
    plain = dict(zip(there, classes.plain_numbers(there), strict=True)) | {"": ""}
    return [plain[each] for each in labels]


def _shared_id(files: Sequence[Rows]) -> str:
    """Return the usual column of ids that all files have, if any."""
    return next((name for name in IDS if all(name in rows.columns for rows in files)), "")


def _predicted(rows: Rows, named: str, label: str) -> str:
    """Return the column of predictions of a file."""
    usual = [name for name in (*PREDICTED, label) if name in rows.columns]
    if named and named in rows.columns:
        return named
    if named or not usual:
        raise UserError(
            f"{rows.source} has no column of predictions '{named or PREDICTED[0]}'; its columns "
            f"are {', '.join(rows.columns) or 'none'} (name one of them with --prediction)."
        )
    return usual[0]


def _places(rows: Rows, truth: Rows, key: str) -> list[int]:
    """Return where each item of the truth stands among the rows."""
    if not key:
        if len(rows.values) != len(truth.values):
            raise UserError(
                f"{rows.source} has {len(rows.values):,} rows and {truth.source} has "
                f"{len(truth.values):,}; name a column that says which row is which item with --id."
            )
        return list(range(len(rows.values)))
    where, wanted = _by_id(rows, key), _by_id(truth, key)
    missing = [each for each in wanted if each not in where]
    if len(missing) == len(wanted):
        raise UserError(
            f"{rows.source} and {truth.source} share no '{key}' ('{next(iter(where))}', … and "
            f"'{next(iter(wanted))}', …)."
        )
    further = len(where) + len(missing) - len(wanted)
    if missing or further:
        lacks = missing[0] if missing else next(each for each in where if each not in wanted)
        shorter, longer = (rows, truth) if missing else (truth, rows)
        raise UserError(
            f"{shorter.source} lacks {len(missing) or further:,} of the items of {longer.source} "
            f"(the first: {key} '{lacks}'); both systems must have answered the same items."
        )
    return [where[each] for each in wanted]


def _by_id(rows: Rows, key: str) -> dict[str, int]:
    """Return the place of each id."""
    if key not in rows.columns:
        raise UserError(
            f"{rows.source} has no column '{key}' of ids; its columns are "
            f"{', '.join(rows.columns)} (name one that all files have with --id)."
        )
    found: dict[str, int] = {}
    for i, row in enumerate(rows.values):
        each = columns.label_of(row.get(key), rows, i)
        if each is None:
            raise UserError(f"The '{key}' in {rows.at(i)} is missing.")
        if each in found:
            raise UserError(
                f"The '{key}' {each} stands in {rows.at(found[each])} and in {rows.unit} "
                f"{rows.numbers[i]}; an item is answered once."
            )
        found[each] = i
    return found
