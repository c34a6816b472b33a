"""From the evidence in many records to one verdict a claim, corrected for how many were asked.

Every primary question (a piece of a claim, ``data/claims.yaml``) is decided by its own difference,
with the p-value of the verdict that it gets (:mod:`helpers.evaluation.decision`). Asking many
questions at a level of 5 % finds something by chance; so all questions of a report are taken
together, by Holm's steps, and what does not survive becomes "undecided". A difference that cannot
carry a verdict (too few draws, an arm that learned nothing, no cheaper where the claim is about
cost) is shown with the reason, and asks nothing. Where a piece names several measures, the question
is whether they agree (:mod:`helpers.evaluation.agreement`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from helpers import UserError
from helpers.claims.evidence import Evidence, Measured
from helpers.claims.outlook import interval_of, outlook, outlook_of_measures
from helpers.claims.statements import Claim, Piece, load_claims
from helpers.evaluation.agreement import agreement, agreement_of_all, tells_apart
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import LEVEL, Decision, combine, decide, surviving

__all__ = ["LEVEL", "Finding", "Judgement", "interval_of", "judge"]

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


class Record(Protocol):
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
        reason: why nothing may be decided, in words; "" where something may.
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
            found = "found" if self.verdict == "supported" else "not found"
            return f"{found} in {len(asked)} cases"
        if self.claim.combine == "telling":
            asked = [finding for finding in asked if finding.tells]
        supported = sum(finding.verdict == "supported" for finding in asked)
        return f"{supported} of {len(asked)}" if asked else ""

    @property
    def unit(self) -> str:
        """What :attr:`tally` counts."""
        return "comparisons" if self.claim.combine == "telling" else "tasks"


def judge(records: Sequence[Record], claims: dict[str, Claim] | None = None) -> list[Judgement]:
    """Return one judgement a claim, in the document's order.

    Args:
        records: of the notebooks; of two that hold the same difference the values must agree.
        claims: by id; None takes ``data/claims.yaml``.

    Raises:
        UserError: a record speaks of an unknown claim, or two records measured one question
            differently.
    """
    claims = load_claims() if claims is None else claims
    spoken = {evidence.claim for record in records for evidence in record.claims}
    unknown = sorted(spoken - set(claims))
    if unknown:
        raise UserError(f"The records speak of a claim that is not known: {unknown[0]}.")
    measured = _measured(records)
    findings = {
        name: [_finding(name, piece, measured) for piece in claim.pieces]
        for name, claim in claims.items()
    }
    questions: dict[tuple[object, ...], Decision] = {}
    for name, found in findings.items():
        for key, decision in _questions(claims[name], found):
            questions.setdefault(key, decision)
    survived = surviving(questions)
    judged = []
    for name, claim in claims.items():
        kept = tuple(_corrected(claim, found, survived) for found in findings[name])
        shown = tuple(
            (record.notebook, evidence)
            for record in records
            for evidence in record.claims
            if evidence.claim == name and evidence.measured is None
        )
        judged.append(Judgement(claim, _overall(claim, kept, survived, shown), kept, shown))
    return judged


Place = tuple[str, str, str, str, int, str]
"""Claim, study, arm, the other arm, labels, measure: where a difference belongs."""


def _measured(records: Sequence[Record]) -> dict[Place, tuple[str, Evidence]]:
    found: dict[Place, tuple[str, Evidence]] = {}
    for record in records:
        for evidence in record.claims:
            where = evidence.measured
            if where is None:
                continue
            pair = (where.arm, where.than, where.labels)
            place = (evidence.claim, where.study, *pair, where.asked)
            if place in found and found[place][1] != evidence:
                raise UserError(
                    f"{found[place][0]} and {record.notebook} measured {evidence.note} of "
                    f"{evidence.claim} differently: judge one set of records."
                )
            found.setdefault(place, (record.notebook, evidence))
    return found


def _finding(claim: str, piece: Piece, measured: dict[Place, tuple[str, Evidence]]) -> Finding:
    found = [
        measured.get((claim, piece.study, piece.arm, than, piece.labels, measure))
        for than in piece.than
        for measure in piece.measures or (piece.measure,)
    ]
    there = [each for each in found if each is not None]
    if len(there) < len(found):
        return Finding(piece)
    notebook, evidence = there[0][0], tuple(each for _, each in there)
    reason = next(filter(None, (_reason(piece, each) for each in evidence)), "")
    decision = None
    if not reason:
        sign = 1 if piece.gain == "supports" else -1
        gains = [_times(interval_of(each), sign) for each in evidence]
        decision = (
            agreement(gains, piece.smallest)
            if piece.measures
            else combine([decide(gain, piece.smallest) for gain in gains])
        )
    return Finding(piece, notebook, evidence, decision, reason)


def _times(gain: Interval, sign: int) -> Interval:
    return gain if sign > 0 else replace(gain, value=-gain.value, low=-gain.high, high=-gain.low)


def _reason(piece: Piece, evidence: Evidence) -> str:
    """Return why a difference may decide nothing; "" where it may."""
    where, draws = evidence.measured, evidence.seeds
    assert where is not None
    draws = len(draws) if isinstance(draws, list) else draws or 0
    idle = [arm for arm, learned in where.learned.items() if not learned]
    if idle:
        return f"{idle[0].replace('_', ' ')} did not learn: it is no better than the floor"
    if draws < piece.draws:
        return f"{draws} draws, where a verdict needs {piece.draws}"
    if (evidence.n or 0) < piece.items:
        return f"{evidence.n or 0} items, where a verdict needs {piece.items}"
    places = list(where.devices.values())
    if places and any(place != places[0] for place in places):
        return f"its arms were made on different devices: {', '.join(map(' and '.join, places))}"
    if piece.cheaper and not _cheaper(where):
        return "the arm was not trained with fewer operations"
    if piece.of and not where.gained:
        return f"{piece.of.replace('_', ' ')} has no gain from transfer that could be kept"
    if piece.of and not (where.bytes_ratio is not None and where.bytes_ratio < 1):
        return f"its stored model is not smaller than that of {piece.of.replace('_', ' ')}"
    if not interval_of(evidence).has_p:
        return "its interval has no p-value"
    return ""


def _cheaper(where: Measured) -> bool:
    return where.cost_ratio is not None and where.cost_ratio < 1


def _key(piece: Piece) -> tuple[object, ...]:
    """Return what makes two questions one: the same difference, held to the same size."""
    measures = piece.measures or (piece.measure,)
    asked = (piece.study, piece.arm, piece.than, piece.labels, measures)
    return (*asked, piece.gain, piece.smallest, piece.keeps, piece.of)


def _questions(
    claim: Claim, findings: Sequence[Finding]
) -> list[tuple[tuple[object, ...], Decision]]:
    """Return what a claim asks of chance: each piece, or all of them in one.

    In one, a piece that is not measured counts as one of which nothing is known: what it could
    still change is not decided without it.
    """
    decided = [(f, f.decision) for f in findings if f.decision is not None]
    if not decided:
        return []
    if claim.combine == "each":
        return [(_key(finding.piece), decision) for finding, decision in decided]
    pieces = [finding.decision or NOT_KNOWN for finding in findings]
    if claim.combine == "telling":
        whole = agreement_of_all([(decision, finding.tells) for finding, decision in decided])
    elif claim.combine == "exists":
        whole = combine(pieces, "any")
        if whole.verdict != "supported":  # that no case was found does not say that there is none
            whole = replace(whole, verdict="undecided", p=whole.above)
    else:
        whole = combine(pieces, claim.combine)
    return [((claim.id,), whole)]


def _corrected(
    claim: Claim, finding: Finding, survived: dict[tuple[object, ...], Decision]
) -> Finding:
    if finding.decision is None or claim.combine != "each":
        return finding
    return replace(finding, decision=survived[_key(finding.piece)])


def _overall(
    claim: Claim,
    findings: Sequence[Finding],
    survived: dict[tuple[object, ...], Decision],
    shown: Sequence[tuple[str, Evidence]],
) -> Overall:
    """Return the verdict on a claim.

    Of questions that stand each on its own: the verdict that all of them share; "depends" where
    decided ones differ; "undecided" where one of them is.
    """
    verdicts = {finding.verdict for finding in findings if finding.decision is not None}
    if not verdicts:
        measured = shown or any(finding.evidence for finding in findings)
        return "not judged" if measured else "not measured"
    if claim.combine != "each":
        return survived[claim.id,].verdict
    if len(verdicts) == 1:
        return next(iter(verdicts))
    return "depends" if len(verdicts - {"undecided"}) > 1 else "undecided"
