"""Evidence from a comparison: the differences that the rules of the claims ask of a study."""

from collections.abc import Mapping, Sequence

from helpers import UserError, nearest
from helpers.claims.evidence import Evidence, Measured, bounds
from helpers.claims.statements import Piece, Rules, StudyRule, load_rules
from helpers.evaluation.comparison import Comparison, Key


def gather(
    study: str,
    arms: Comparison | Mapping[str, Comparison],
    *,
    overlap: Mapping[int, float],
    flops: Mapping[Key, float] | None = None,
    made_on: Mapping[Key, Sequence[str]] | None = None,
    complete: bool = True,
    rules: Rules | None = None,
) -> list[Evidence]:
    """Return the differences that the rules ask of a study, of the arms that were measured.

    Args:
        study: name of the study, a key of :attr:`helpers.claims.statements.Rules.studies`.
        arms: its comparison; or its comparisons by measure, the study's own first, for the pieces
            that name measures. A comparison answers the other pieces.
        overlap: by label count, the share of labelled items that two draws have in common.
        flops: operations of training by arm and label count.
        made_on: devices of the trials by arm and label count.
        complete: whether the comparison has all arms of the study.
        rules: None takes ``data/claims.yaml``.

    Returns:
        One piece of evidence for each claim and comparison; none where an arm of it is missing.

    Raises:
        UserError: the rules do not know the study; they name an arm that a complete one does not
            have, or a measure that is not given; its draws overlap more than they declare.
    """
    rules = load_rules() if rules is None else rules
    if study not in rules.studies:
        raise UserError(f"data/claims.yaml has no study '{study}'.{nearest(study, rules.studies)}")
    rule = rules.studies[study]
    several = not isinstance(arms, Comparison)
    by_measure = arms if isinstance(arms, Mapping) else {arms.measure: arms}
    main = next(iter(by_measure.values()))
    asked = [
        (claim.id, piece)
        for claim in rules.claims
        for piece in claim.pieces
        if piece.study == study and piece.labels in main.labels and bool(piece.measures) == several
    ]
    found = []
    for claim, piece in asked:
        if complete:
            _check_arms(claim, piece, rule, main)
        _check_draws(piece, rule, overlap[piece.labels])
        measures = piece.measures or (main.measure,)
        _check_measures(claim, measures, by_measure)
        for than in piece.than:
            if not main.has(piece.arm, than, rule.floor, labels=piece.labels):
                continue
            learned = _learned(piece, than, rule, main)
            found += [
                _evidence(
                    claim, piece, than, by_measure[measure], learned, overlap[piece.labels],
                    flops or {}, made_on or {},
                )
                for measure in measures
            ]  # fmt: skip
    return found


def _check_measures(claim: str, wanted: Sequence[str], there: Mapping[str, Comparison]) -> None:
    for measure in wanted:
        if measure not in there:
            raise UserError(
                f"{claim} asks for the measure '{measure}', of which no comparison was given."
                f"{nearest(measure, there)}"
            )


def _learned(piece: Piece, than: str, rule: StudyRule, arms: Comparison) -> dict[str, bool]:
    """Return of each of two arms whether it beats the floor by the study's own measure."""
    return {
        arm: arms.difference(arm, rule.floor, piece.labels).low > 0
        for arm in (piece.arm, than)
        if arm != rule.floor
    }


def _check_arms(claim: str, piece: Piece, rule: StudyRule, arms: Comparison) -> None:
    for arm in (piece.arm, *piece.than, rule.floor):
        if arm not in arms.arms:
            raise UserError(
                f"{claim} asks for the arm '{arm}' of the study '{piece.study}', which has none of "
                f"that name.{nearest(arm, arms.arms)}"
            )


def _check_draws(piece: Piece, rule: StudyRule, shared: float) -> None:
    if shared > rule.overlap:
        raise UserError(
            f"Two draws of the study '{piece.study}' share {shared:.0%} of their {piece.labels:,} "
            f"labelled items on average, where data/claims.yaml declares at most "
            f"{rule.overlap:.0%}: they are no separate draws."
        )


def _evidence(
    claim: str,
    piece: Piece,
    than: str,
    arms: Comparison,
    learned: dict[str, bool],
    overlap: float,
    flops: Mapping[Key, float],
    made_on: Mapping[Key, Sequence[str]],
) -> Evidence:
    n = piece.labels
    gain = arms.difference(piece.arm, than, n)
    costs = flops.get((piece.arm, n)), flops.get((than, n))
    known = costs[0] is not None and costs[1]
    draws = gain.squares.draws if gain.squares else len(arms.of(piece.arm, n))
    return Evidence(
        claim=claim,
        value=gain.value,
        interval=bounds(gain),
        n=arms.of(piece.arm, n).shape[1],
        seeds=draws,
        note=f"{piece.task}, {n:,} labels: {piece.arm} − {than}, {arms.measure}".replace("_", " "),
        measured=Measured(
            study=piece.study,
            arm=piece.arm,
            than=than,
            labels=n,
            measure=arms.measure,
            learned=learned,
            cost_ratio=costs[0] / costs[1] if known else None,  # type: ignore[operator]
            overlap=overlap,
            devices={
                arm: sorted(made_on[arm, n]) for arm in (piece.arm, than) if (arm, n) in made_on
            },
        ),
    )
