"""What the records say of each claim, as the rows of the report: a verdict and what it rests on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from helpers.claims.evidence import Evidence
from helpers.claims.statements import Claim
from helpers.claims.verdicts import Finding, judge
from helpers.runs.schema import Record
from helpers.show.numbers import number, with_interval

SYMBOLS = {
    "supported": "✓",
    "contradicted": "✗",
    "depends": "±",
    "no difference": "=",
    "undecided": "?",
    "not judged": "–",
    "not measured": "○",
}
"""A sign for each verdict, so that none is told by its colour alone; in the order of a report."""

Where = Callable[[str, Evidence], str]
"""From a notebook and a difference that it measured to the address of the cell, "" for none."""


@dataclass
class VerdictRow:
    """One difference that was measured for a claim.

    Attributes:
        notebook: whose record holds it.
        href: address of the cell that shows it; "" where the report has no such page.
        what: the comparison in words.
        value: with its interval.
        n: scored items.
        draws: how often it was repeated.
        verdict: on this difference alone, after the correction.
        symbol: its sign.
        remark: why it cannot count, or what would decide it; "" for neither.
    """

    notebook: str
    href: str
    what: str
    value: str
    n: str
    draws: str
    verdict: str
    symbol: str
    remark: str


@dataclass
class Judged:
    """One claim with its verdict and all of its evidence, which may be none."""

    claim: Claim
    verdict: str
    symbol: str
    tally: str
    evidence: list[VerdictRow]


def verdicts(
    records: Sequence[Record], claims: dict[str, Claim], where: Where = lambda *_: ""
) -> list[Judged]:
    """Return every claim with what these records say of it, in the document's order.

    Verdicts are corrected for how many were asked: :func:`helpers.claims.verdicts.judge`.

    >>> from helpers.claims.statements import load_claims
    >>> {claim.verdict for claim in verdicts([], load_claims())}
    {'not measured'}
    """
    rows = []
    for judgement in judge(records, claims):
        found = [row for finding in judgement.findings for row in _rows_of(finding, where)]
        found += [
            _row(evidence, notebook, "not judged", "", where)
            for notebook, evidence in judgement.shown
        ]
        verdict = judgement.verdict if found else "not measured"
        tally = judgement.tally
        if tally and judgement.claim.combine != "exists":  # that one says what it counts
            tally = f"supported on {tally} {judgement.unit}"
        if judgement.claim.combine == "exists":  # the cases that were found, first
            found.sort(key=lambda row: row.verdict != verdict)
        rows.append(Judged(judgement.claim, verdict, SYMBOLS[verdict], tally, found))
    return rows


def by_verdict(judged: Sequence[Judged]) -> list[tuple[str, str, list[Judged]]]:
    """Return the claims grouped by verdict: verdict, sign and claims, decided ones first.

    >>> from helpers.claims.statements import load_claims
    >>> [(verdict, len(those)) for verdict, _, those in by_verdict(verdicts([], load_claims()))]
    [('not measured', 20)]
    """
    groups = [
        (verdict, symbol, [each for each in judged if each.verdict == verdict])
        for verdict, symbol in SYMBOLS.items()
    ]
    return [group for group in groups if group[2]]


def _rows_of(finding: Finding, where: Where) -> list[VerdictRow]:
    more = (finding.reason or finding.outlook).rstrip(".")
    if finding.piece.measures and finding.evidence:  # one row for all of them
        differences = [
            f"{measure} {with_interval(each.value, each.interval)}"
            for measure, each in zip(finding.piece.measures, finding.evidence, strict=True)
        ]
        row = _row(finding.evidence[0], finding.notebook, finding.verdict, more, where)
        return [replace(row, value="; ".join(differences), what=finding.piece.question)]
    return [_row(each, finding.notebook, finding.verdict, more, where) for each in finding.evidence]


def _row(evidence: Evidence, notebook: str, verdict: str, remark: str, where: Where) -> VerdictRow:
    seeds = evidence.seeds
    return VerdictRow(
        notebook=notebook,
        href=where(notebook, evidence),
        what=evidence.note or "a difference",
        value="undefined"
        if evidence.value is None
        else with_interval(evidence.value, evidence.interval),
        n=number(evidence.n),
        draws=number(len(seeds) if isinstance(seeds, list) else seeds),
        verdict=verdict,
        symbol=SYMBOLS[verdict],
        remark=remark,
    )
