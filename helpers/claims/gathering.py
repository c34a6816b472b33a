"""Evidence from a comparison: the differences that the rules of the claims ask of a study."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from helpers import UserError, nearest
from helpers.claims.evidence import Evidence, Measured, bounds
from helpers.claims.statements import Piece, Rules, StudyRule, load_rules
from helpers.evaluation.bounds import Interval
from helpers.evaluation.comparison import Comparison, Key
from helpers.evaluation.retention import beyond_share


@dataclass(frozen=True)
class _Known:
    """What is known of each arm and label count besides its scores; see :func:`gather`."""

    flops: Mapping[Key, float]
    sizes: Mapping[Key, float]
    made_on: Mapping[Key, Sequence[str]]


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
    sizes: Mapping[Key, float] | None = None,
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
        sizes: bytes of the stored model by arm and label count.
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
    known = _Known(flops or {}, sizes or {}, made_on or {})
    for claim, piece in asked:
        if complete:
            _check_arms(claim, piece, rule, main)
        _check_draws(piece, rule, overlap[piece.labels])
        named = piece.measures or (piece.measure,)
        scores = {name: _measure(claim, piece, name, by_name) for name in named}
        for than in piece.than:
            if not main.has(*piece.arms_of(than), rule.floor, labels=piece.labels):
                continue
            learned = _learned(piece, than, rule, main)
            shared = overlap[piece.labels]
            found += [
                _evidence(claim, piece, than, main, name, scored, learned, shared, known)
                for name, scored in scores.items()
                if scored.has(piece.arm, than, labels=piece.labels)
            ]
    return found


def _learned(piece: Piece, than: str, rule: StudyRule, arms: Comparison) -> dict[str, bool]:
    """Return of each of two arms whether it beats the floor by the study's own measure.

    A network that compression has brought down to the floor is no failed reference: it is the
    answer. There, what it is held against must have learned.
    """
    return {
        arm: arms.difference(arm, rule.floor, piece.labels).low > 0
        for arm in ((piece.of, than) if piece.of else (piece.arm, than))
        if arm != rule.floor
    }


def _check_arms(claim: str, piece: Piece, rule: StudyRule, arms: Comparison) -> None:
    for arm in (*piece.arms, rule.floor):
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
    known: _Known,
) -> Evidence:
    n = piece.labels
    if piece.of:
        tables = arms.aligned((piece.arm, n), (piece.of, n), (than, n))
        made, whole, scratch = (_one_number(table, arms) for table in tables)
        gain = beyond_share(made, whole, scratch, piece.keeps)
        what = f"{piece.arm} keeps {piece.keeps:g} of {piece.of} − {than}"
    else:
        gain = scored.difference(piece.arm, than, n)
        what = f"{piece.arm} − {than}"
    draws = gain.squares.draws if gain.squares else len(arms.of(piece.arm, n))
    return Evidence(
        claim=claim,
        value=gain.value if math.isfinite(gain.value) else None,
        interval=bounds(gain),
        n=scored.items,
        seeds=draws,
        note=f"{piece.task}, {n:,} labels: {what}, {scored.measure}".replace("_", " "),
        measured=Measured(
            study=piece.study,
            arm=piece.arm,
            than=than,
            labels=n,
            measure=scored.measure,
            asked=asked,
            learned=learned,
            cost_ratio=_ratio(known.flops, (piece.arm, n), (than, n)),
            overlap=overlap,
            devices={
                arm: sorted(known.made_on[arm, n])
                for arm in piece.arms_of(than)
                if (arm, n) in known.made_on
            },
            keeps=piece.keeps,
            of=piece.of,
            gained=arms.difference(piece.of, than, n).low > 0 if piece.of else None,
            bytes_ratio=_ratio(known.sizes, (piece.arm, n), (piece.of, n)),
        ),
    )


def _one_number(table: npt.NDArray[Any], arms: Comparison) -> npt.NDArray[Any]:
    """Return (draws, items) of a table of one number an item.

    Raises:
        UserError: the measure is no mean of items, so a share of a gain is not linear in them.
    """
    if table.shape[2] != 1:
        raise UserError(f"A share of a gain is asked of the mean of items, not of {arms.measure}.")
    result: npt.NDArray[Any] = table[..., 0]
    return result


def _ratio(costs: Mapping[Key, float], arm: Key, other: Key) -> float | None:
    """Return the cost of one arm over another's; None where one of them is not known."""
    if arm not in costs or not costs.get(other):
        return None
    return costs[arm] / costs[other]
