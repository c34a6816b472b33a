"""Evidence from a comparison: the differences that the rules of the claims ask of a study."""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from helpers import UserError, nearest
from helpers.claims.evidence import Evidence, Measured, bounds
from helpers.claims.statements import Piece, Rules, StudyRule, load_rules
from helpers.evaluation.bounds import Interval
from helpers.evaluation.comparison import Comparison, Key


class Differences(Protocol):
    """What gives differences between arms: a comparison of items, or of training curves."""

    @property
    def measure(self) -> str:
        """Name of the score."""

    @property
    def items(self) -> int:
        """How many items it stands on."""

    def has(self, *arms: str, labels: int) -> bool:
        """Tell whether these arms were measured with so many labels."""

    def difference(self, arm: str, other: str, labels: int) -> Interval:
        """Return the score of one arm minus another's."""


def gather(
    study: str,
    arms: Comparison | Mapping[str, Comparison],
    *,
    overlap: Mapping[int, float],
    flops: Mapping[Key, float] | None = None,
    made_on: Mapping[Key, Sequence[str]] | None = None,
    complete: bool = True,
    others: Mapping[str, Differences] | None = None,
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
        others: other measures of the same trials, by the name that a piece's ``measure`` has.
        rules: None takes ``data/claims.yaml``.

    Returns:
        One piece of evidence for each claim and comparison; none where an arm of it is missing.

    Raises:
        UserError: the rules do not know the study; they name an arm that a complete one does not
            have, or a measure that was not handed over; its draws overlap more than they declare.
    """
    rules = load_rules() if rules is None else rules
    if study not in rules.studies:
        raise UserError(f"data/claims.yaml has no study '{study}'.{nearest(study, rules.studies)}")
    rule = rules.studies[study]
    several = not isinstance(arms, Comparison)
    by_name: Mapping[str, Differences] = (
        arms if isinstance(arms, Mapping) else {"": arms, **(others or {})}
    )
    main = next(iter(arms.values())) if isinstance(arms, Mapping) else arms
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
        named = piece.measures or (piece.measure,)
        scores = {name: _measure(claim, piece, name, by_name) for name in named}
        for than in piece.than:
            if not main.has(piece.arm, than, rule.floor, labels=piece.labels):
                continue
            learned = _learned(piece, than, rule, main)
            found += [
                _evidence(
                    claim, piece, than, main, name, scored, learned, overlap[piece.labels],
                    flops or {}, made_on or {},
                )
                for name, scored in scores.items()
                if scored.has(piece.arm, than, labels=piece.labels)
            ]  # fmt: skip
    return found


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


def _measure(
    claim: str, piece: Piece, name: str, measures: Mapping[str, Differences]
) -> Differences:
    if name not in measures:
        known = [name for name in measures if name]
        hint = nearest(name, known) if known else " It has its own score only."
        raise UserError(
            f"{claim} asks for the measure '{name}' of the study '{piece.study}', which "
            f"has none of that name.{hint}"
        )
    return measures[name]


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
    asked: str,
    scored: Differences,
    learned: dict[str, bool],
    overlap: float,
    flops: Mapping[Key, float],
    made_on: Mapping[Key, Sequence[str]],
) -> Evidence:
    n = piece.labels
    gain = scored.difference(piece.arm, than, n)
    costs = flops.get((piece.arm, n)), flops.get((than, n))
    known = costs[0] is not None and costs[1]
    draws = gain.squares.draws if gain.squares else len(arms.of(piece.arm, n))
    return Evidence(
        claim=claim,
        value=gain.value if math.isfinite(gain.value) else None,
        interval=bounds(gain),
        n=scored.items,
        seeds=draws,
        note=f"{piece.task}, {n:,} labels: {piece.arm} − {than}, {scored.measure}".replace(
            "_", " "
        ),
        measured=Measured(
            study=piece.study,
            arm=piece.arm,
            than=than,
            labels=n,
            measure=scored.measure,
            asked=asked,
            learned=learned,
            cost_ratio=costs[0] / costs[1] if known else None,  # type: ignore[operator]
            overlap=overlap,
            devices={
                arm: sorted(made_on[arm, n]) for arm in (piece.arm, than) if (arm, n) in made_on
            },
        ),
    )
