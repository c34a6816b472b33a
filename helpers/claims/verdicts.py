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
from dataclasses import replace

from helpers import UserError
from helpers.claims.evidence import Evidence, Measured
from helpers.claims.findings import NOT_KNOWN, Finding, Judgement, Overall, RecordLike
from helpers.claims.outlook import interval_of
from helpers.claims.statements import Claim, Piece, load_claims
from helpers.evaluation.agreement import agreement, agreement_of_all
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import LEVEL, Decision, combine, decide, surviving

__all__ = ["LEVEL", "Finding", "Judgement", "interval_of", "judge"]


def judge(records: Sequence[RecordLike], claims: dict[str, Claim] | None = None) -> list[Judgement]:
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


def _measured(records: Sequence[RecordLike]) -> dict[Place, tuple[str, Evidence]]:
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
    idle = [_idle_reference(each) for each in evidence]
    if piece.measures or all(idle):
        idle = [False] * len(evidence)  # then nothing is left that could decide
    reasons = list(zip([_reason(piece, each) for each in evidence], idle, strict=True))
    reason = next((why for why, out in reasons if why and not out), "")
    decision = None
    if not reason:
        sign = 1 if piece.gain == "supports" else -1
        gains = [_times(interval_of(each), sign) for each in evidence]
        if piece.measures:
            decision = agreement(gains, piece.smallest)
        else:
            pairs = zip(gains, idle, strict=True)
            decision = combine(
                [NOT_KNOWN if out else decide(gain, piece.smallest) for gain, out in pairs]
            )
        reason = next((f"{why}, and is left out" for why, out in reasons if out), "")
    return Finding(piece, notebook, evidence, decision, reason)


def _idle_reference(evidence: Evidence) -> bool:
    """Tell whether the arm that it was held against, and that one alone, did not learn.

    Such a reference supports nothing; others of the same question may still contradict.
    """
    where = evidence.measured
    assert where is not None
    return [arm for arm, learned in where.learned.items() if not learned] == [where.than]


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
