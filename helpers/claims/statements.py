"""The statements of the document and the rules that judge them: `data/claims.yaml`, checked."""

import datetime
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from helpers import ROOT, UserError, nearest

CLAIMS = ROOT / "data" / "claims.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Defaults(_Part):
    """What holds for a piece that says nothing else.

    Attributes:
        smallest: smallest difference that matters, in the unit of the measure.
        draws: so many draws, at least, carry a verdict.
        items: so many scored items, at least.
    """

    smallest: float = Field(gt=0)
    draws: int = Field(ge=2)
    items: int = Field(ge=2)


class StudyRule(_Part):
    """What is asked of a study before a difference in it counts.

    Attributes:
        floor: the arm that has learned nothing; one that does not beat it proves nothing.
        overlap: largest share of labelled items that two of its draws may have in common.
    """

    floor: str
    overlap: float = Field(ge=0, le=1)


class Piece(_Part):
    """One primary question of a claim, on one task: does an arm score higher than others?

    Attributes:
        task: whose it is, for the reader.
        study: where it is measured, a key of :attr:`Rules.studies`.
        arm: the arm in question.
        than: the arms that it is held against; it must beat all of them.
        labels: labelled items of all of them.
        measure: of which measure, by name; "" is the study's own score.
        gain: what a higher score of the arm does to the claim.
        smallest: smallest difference that matters.
        draws: so many, at least, carry a verdict.
        items: so many scored items, at least.
        cheaper: whether the arm must also have been trained with fewer operations.
        keeps: where it is above 0, the arm must keep more than this share of what ``of`` has above
            each of ``than``, instead of being above them.
        of: the arm whose gain is to be kept; its stored model must be larger than the arm's.
        measures: of the score; with them the question is whether all of them agree about which of
            the two arms is better (:mod:`helpers.evaluation.agreement`). None: the study's measure.
    """

    task: str
    study: str
    arm: str
    than: tuple[str, ...] = Field(min_length=1)
    labels: int = Field(ge=1)
    measure: str = ""
    gain: Literal["supports", "contradicts"] = "supports"
    smallest: float = Field(gt=0)
    draws: int = Field(ge=2)
    items: int = Field(ge=2)
    cheaper: bool = False
    measures: tuple[str, ...] = ()
    keeps: float = Field(default=0.0, ge=0, lt=1)
    of: str = ""

    @model_validator(mode="after")
    def _of_one_pair(self) -> Self:
        """Refuse measures without a pair of arms about which they could agree."""
        if self.measures and (len(set(self.measures)) < 2 or len(self.than) > 1):
            raise ValueError(
                "measures are at least two, held against each other on one pair of arms: one name "
                "in than"
            )
        if self.measures and (self.gain != "supports" or self.cheaper):
            raise ValueError("measures agree whichever arm is better: no gain and no cheaper")
        return self

    @model_validator(mode="after")
    def _whose(self) -> Self:
        """Refuse a share of a gain that is nobody's."""
        if bool(self.keeps) != bool(self.of):
            raise ValueError(
                f"the piece of '{self.arm}' names {'keeps' if self.keeps else 'of'} alone; keeps "
                "and of go together"
            )
        if self.keeps and (self.measure or self.measures):
            raise ValueError("a share of a gain is asked of the study's own score, not a measure")
        return self

    def arms_of(self, than: str) -> tuple[str, ...]:
        """Return the arms that it asks for where it is held against ``than``."""
        return (self.arm, than, *([self.of] if self.of else []))

    @property
    def arms(self) -> tuple[str, ...]:
        """All arms that it asks for."""
        return tuple(dict.fromkeys(arm for than in self.than for arm in self.arms_of(than)))

    @property
    def question(self) -> str:
        """The comparison in words.

        >>> load_claims()["C11"].pieces[0].question
        'news, 128 labels: fine tuned − tfidf'
        """
        against = " and ".join(self.than)
        asked = f"{self.arm} − {against}"
        if self.of:
            asked = f"{self.arm} keeps {self.keeps:g} of {self.of} − {against}"
        words = f"{self.task}, {self.labels:,} labels: {asked}"
        if self.measure:
            words += f", {self.measure}"
        if self.measures:
            words += f" by {', '.join(self.measures[:-1])} and {self.measures[-1]}"
        return words.replace("_", " ")


class Earlier(_Part):
    """A rule that was changed: its wording, until when it held, and why it was changed."""

    until: datetime.date
    rule: str
    reason: str


class Claim(_Part):
    """One statement: where the document makes it, what it is taken to say, what decides.

    Attributes:
        id: "C01" and so on.
        section: of the document.
        statement: in our words.
        reading: what it is taken to say.
        pieces: its primary questions; none where nothing is measured yet.
        combine: how they combine: each on its own ("k of m"), all, any of them; "exists": any of
            them shows it, and that none does is no sign that no other case would; or "telling",
            where measures are held against each other: all of those in which one of them tells the
            arms apart.
        missing: what of the reading is not measured, in words.
        earlier: rules that it had before.
    """

    id: str
    section: str
    statement: str
    reading: str
    pieces: tuple[Piece, ...] = ()
    combine: Literal["each", "all", "any", "exists", "telling"] = "each"
    missing: str = ""
    earlier: tuple[Earlier, ...] = ()

    @model_validator(mode="after")
    def _tells(self) -> Self:
        """Refuse to combine by what measures tell where a piece names none, and other mixtures."""
        if any(bool(piece.measures) != (self.combine == "telling") for piece in self.pieces):
            raise ValueError("combine: telling goes with pieces that name measures, all of them")
        return self


class Rules(_Part):
    """The whole file.

    Attributes:
        defaults: of the pieces.
        studies: by name.
        claims: in the document's order.
    """

    defaults: Defaults
    studies: dict[str, StudyRule]
    claims: tuple[Claim, ...]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: object) -> object:
        """Give each piece the defaults that it does not name."""
        if not isinstance(given, dict) or not isinstance(given.get("defaults"), dict):
            return given
        claims = [
            claim | {"pieces": [given["defaults"] | piece for piece in claim["pieces"]]}
            if isinstance(claim, dict) and claim.get("pieces")
            else claim
            for claim in given.get("claims") or []
        ]
        return given | {"claims": claims}

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse a piece of a study that the file does not name."""
        for claim in self.claims:
            for piece in claim.pieces:
                if piece.study not in self.studies:
                    raise ValueError(
                        f"{claim.id} names the study '{piece.study}', which is not among the "
                        f"studies.{nearest(piece.study, self.studies)}"
                    )
        return self


@cache
def load_rules(path: Path = CLAIMS) -> Rules:
    """Return the rules.

    Raises:
        UserError: the file is none of rules; it says which entry is wrong.

    >>> load_rules().studies["topics"].floor
    'majority'
    """
    try:
        return Rules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole file"
        message = first["msg"].removeprefix("Value error, ")
        stop = "" if message.endswith((".", "?")) else "."
        raise UserError(f"{path} holds no rules of claims: {place}: {message}{stop}") from None
    except (OSError, yaml.YAMLError, TypeError) as error:
        raise UserError(f"{path} holds no rules of claims: {str(error).splitlines()[0]}.") from None


def load_claims(path: Path = CLAIMS) -> dict[str, Claim]:
    """Return the claims by id, in the document's order.

    >>> load_claims()["C02"].section
    '1.2, 3.3'
    """
    return {claim.id: claim for claim in load_rules(path).claims}


def claim(name: str) -> Claim:
    """Return the claim ``name``; a UserError names the known ones.

    >>> claim("C2")
    Traceback (most recent call last):
    helpers.UserError: There is no claim 'C2' in data/claims.yaml. Did you mean 'C20'?
    """
    claims = load_claims()
    if name not in claims:
        raise UserError(
            f"There is no claim {name!r} in data/claims.yaml.{nearest(str(name), claims)}"
        )
    return claims[name]
