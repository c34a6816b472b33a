"""From the evidence in many records to one verdict a claim, corrected for how many were asked.

A notebook reports evidence: a difference with its interval, and what the claim's rule
(``data/claims.yaml``, written before the runs) says of it. Asking many questions at a level of 5 %
finds something by chance; so all intervals of a report are taken together, by Holm's procedure,
and evidence that does not survive it becomes "undecided".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from helpers import ROOT, UserError
from helpers.evaluation.families import holm, p_of_interval
from helpers.evaluation.intervals import Interval
from helpers.runs.claims import Claim, load_claims
from helpers.runs.schema import Evidence, Record, Verdict, interval_of, load_record

LEVEL = 0.05
"""The chance of any false finding in one report that is put up with."""

Overall = Literal["supported", "contradicted", "depends", "undecided", "not measured"]


@dataclass(frozen=True)
class Weighed:
    """One piece of evidence: whose it is, its p-value among all others, what is left of it.

    Attributes:
        notebook: whose record holds it.
        record: place of that record in the list that was given.
        evidence: as the notebook reported it.
        p: Holm's adjusted p-value over all evidence, in [0, 1]; 1 where there is no interval.
        verdict: the notebook's, or "undecided" where it did not survive.
    """

    notebook: str
    record: int
    evidence: Evidence
    p: float
    verdict: Verdict

    @property
    def interval(self) -> Interval:
        """The evidence's value and bounds, for a figure."""
        return _interval(self.evidence)


@dataclass(frozen=True)
class Decision:
    """What all evidence together says of one claim."""

    claim: Claim
    verdict: Overall
    evidence: list[Weighed]


def decide(records: Sequence[Record], claims: dict[str, Claim] | None = None) -> list[Decision]:
    """Return one decision a claim, in the document's order.

    A claim is *supported* where some of its evidence supports it and none contradicts it,
    *contradicted* the other way round; it *depends* where there is both: then the claim, as the
    document states it, holds for one case and not for another. It is *undecided* where no evidence
    is left that decides, and *not measured* without evidence.
    """
    claims = load_claims() if claims is None else claims
    found = [(place, one) for place, record in enumerate(records) for one in record.claims]
    adjusted = _adjusted([(place, _interval(one)) for place, one in found])
    by_claim: dict[str, list[Weighed]] = {}
    for i, (place, one) in enumerate(found):
        verdict: Verdict = one.verdict if adjusted[i] <= LEVEL else "undecided"
        by_claim.setdefault(one.claim, []).append(
            Weighed(records[place].notebook, place, one, adjusted[i], verdict)
        )
    unknown = set(by_claim) - set(claims)
    if unknown:
        raise UserError(f"The records speak of a claim that is not known: {sorted(unknown)[0]}.")
    return [
        Decision(claim, _overall(by_claim.get(name, [])), by_claim.get(name, []))
        for name, claim in claims.items()
    ]


def _adjusted(found: Sequence[tuple[int, Interval]]) -> list[float]:
    """Return Holm's adjusted p-value of each interval, given with the place of its record.

    Evidence without bounds asks nothing of chance, and does not make the others pay for it; one
    comparison that speaks of two claims is one question.
    """
    asked = list(dict.fromkeys(one for one in found if one[1].defined))
    if not asked:
        return [1.0] * len(found)
    p = dict(zip(asked, holm([p_of_interval(one) for _, one in asked]).tolist(), strict=True))
    return [p.get(one, 1.0) for one in found]


def _overall(evidence: Iterable[Weighed]) -> Overall:
    said = {one.verdict for one in evidence}
    if not said:
        return "not measured"
    if {"supported", "contradicted"} <= said:
        return "depends"
    return next((one for one in ("supported", "contradicted") if one in said), "undecided")


def _interval(evidence: Evidence) -> Interval:
    found = interval_of(evidence)
    # Records from before mean squares were stored: what says nothing of its chance was taken as
    # normal. Such evidence leaves the verdicts with those records.
    return found if found.has_p else replace(found, df=float("inf"))


def read_records(places: Iterable[Path | str]) -> list[Record]:
    """Return the records in files and folders (and the folders below them), by notebook.

    A relative place starts at the project's root.

    Raises:
        UserError: there is no such place, no record in a folder, or a file is no record.
    """
    records = []
    for place in (ROOT / one for one in places):
        if not place.exists():
            raise UserError(f"There is no file or folder {place} to read records from.")
        files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        if not files:
            raise UserError(
                f"There is no record (.json) in {place}; run the other notebooks first."
            )
        records += [load_record(path) for path in files]
    return sorted(records, key=lambda record: record.notebook)
