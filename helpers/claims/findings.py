"""What is found of a question and judged of a claim, as a reader gets it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from helpers.claims.evidence import Evidence
from helpers.claims.outlook import interval_of, outlook, outlook_of_measures
from helpers.claims.statements import Claim, Piece
from helpers.evaluation.agreement import tells_apart
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import Decision

Overall = Literal[
    "supported",
    "contradicted",
    "depends",
    "no difference",
    "undecided",
    "not judged",
    "not measured",
]

NOT_KNOWN = Decision("undecided", p=1.0, above=1.0, below=1.0, alike=1.0)
"""What is known of a question that nothing was measured for."""


class RecordLike(Protocol):
    """What is read of a run's record: whose it is, and its evidence."""

    @property
    def notebook(self) -> str:
        """Name of the notebook."""

    @property
    def claims(self) -> Sequence[Evidence]:
        """Its evidence."""


@dataclass(frozen=True)
class Finding:
    """What was measured for one primary question, and what it decides.

    Attributes:
        piece: the question.
        notebook: whose record holds the evidence; "" where there is none.
        evidence: one difference for each arm that it was held against, or for each measure.
        decision: after the correction; None where nothing may be decided.
        reason: why nothing may be decided, or what was left out, in words; "" where nothing was.
    """

    piece: Piece
    notebook: str = ""
    evidence: tuple[Evidence, ...] = ()
    decision: Decision | None = None
    reason: str = ""

    @property
    def verdict(self) -> Overall:
        """The verdict on this question."""
        if not self.evidence:
            return "not measured"
        return "not judged" if self.decision is None else self.decision.verdict

    @property
    def intervals(self) -> list[Interval]:
        """The differences with their bounds."""
        return [interval_of(each) for each in self.evidence]

    @property
    def tells(self) -> bool:
        """Whether one of its differences alone says which arm is better."""
        return self.decision is not None and tells_apart(self.intervals, self.piece.smallest)

    @property
    def outlook(self) -> str:
        """What would decide an undecided question, in one sentence; "" for others.

        Of several measures: what each of them says alone.
        """
        if self.decision is None or self.decision.verdict != "undecided":
            return ""
        undefined = [each for each in self.evidence if each.value is None and each.interval]
        if undefined:
            return f"Its difference is {undefined[0].interval.method}."  # type: ignore[union-attr]
        gains = self.intervals
        if self.piece.measures:
            return outlook_of_measures(self.piece.measures, gains, self.piece.smallest)
        gain = min(gains, key=lambda each: abs(each.value))
        return outlook(gain, self.piece.smallest)


@dataclass(frozen=True)
class Judgement:
    """What all evidence together says of one claim.

    Attributes:
        claim: which.
        verdict: on it.
        findings: one for each of its questions.
        shown: evidence of notebooks whose study is not stored, with the notebook; never counted.
    """

    claim: Claim
    verdict: Overall
    findings: tuple[Finding, ...] = ()
    shown: tuple[tuple[str, Evidence], ...] = field(default=())

    @property
    def tally(self) -> str:
        """How many of the questions that were asked support the claim: "2 of 3".

        Of a claim that something exists, whether it was found: "not found in 12 cases". Where
        measures are held against each other, of those in which one tells the arms apart.
        """
        asked = [finding for finding in self.findings if finding.decision is not None]
        if self.claim.combine == "exists" and asked:
            found = "found among" if self.verdict == "supported" else "not found in"
            return f"{found} {len(asked)} cases"
        if self.claim.combine == "telling":
            asked = [finding for finding in asked if finding.tells]
        supported = sum(finding.verdict == "supported" for finding in asked)
        return f"{supported} of {len(asked)}" if asked else ""

    @property
    def unit(self) -> str:
        """What :attr:`tally` counts."""
        return {"telling": "comparisons", "exists": ""}.get(self.claim.combine, "tasks")
