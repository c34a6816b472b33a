"""Where in the report a number was measured: the cell of a notebook that shows it.

A record says which notebook measured a difference, not which cell. The cell that a reader wants is
the one that *shows* it, so it is found by what it shows: the estimate with its interval, as every
table writes them. Where no cell does (the difference is only drawn, say), it is the cell that put
it into the record, and where none can be told, the page.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.claims.evidence import Evidence
from helpers.show.numbers import with_interval

_RECORDS = re.compile(r"\brecord(_gains)?\(\s*run\b|\brun\.(compares|evidence)\(")


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a page: its anchor, its source, and the words and numbers that it shows."""

    anchor: str
    source: str
    shown: str


def anchor_of(evidence: Evidence, cells: Sequence[CodeCell]) -> str:
    """Return the anchor of the cell that shows a difference, "" where none can be told.

    >>> cells = [CodeCell("cell-a", "reading.record(run, arms)", "0.860"),
    ...          CodeCell("cell-b", "tables.show(gains)", "frozen - tfidf  0.040 [0.026, 0.054]")]
    >>> gain = Evidence(claim="C02", value=0.04, interval={"low": 0.026, "high": 0.054})
    >>> anchor_of(gain, cells), anchor_of(gain.model_copy(update={"value": 0.05}), cells)
    ('cell-b', 'cell-a')
    """
    bounds = evidence.interval
    if evidence.value is not None and bounds is not None and bounds.low is not None:
        written = with_interval(evidence.value, bounds)
        wanted = re.compile(rf"(?<![\d.−]){re.escape(written)}")
        for cell in cells:
            if wanted.search(_as_written(cell.shown)):
                return cell.anchor
    recording = [cell for cell in cells if _RECORDS.search(cell.source)]
    study = evidence.measured.study if evidence.measured else ""
    for name in (study, evidence.claim):
        for cell in recording:
            if name and re.search(rf"""["']{re.escape(name)}["']""", cell.source):
                return cell.anchor
    return recording[0].anchor if recording else ""


def _as_written(shown: str) -> str:
    """Return the text of a cell with numbers as the report writes them."""
    return re.sub(r"\s+", " ", re.sub(r"-(?=\d)", "−", shown).replace("−0.000", "0.000"))
