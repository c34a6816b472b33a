"""Evidence: a measured difference that bears on a claim, as the record of a run keeps it.

Where the trials of a study are stored, it is gathered from their comparison by the rules of
``data/claims.yaml`` (:mod:`helpers.claims.gathering`) and says nothing itself: verdicts are given
over all records together (:mod:`helpers.claims.verdicts`). A notebook whose study is not stored yet
reports a number and what it says of it; that is shown and never counted.
"""

import dataclasses
import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Said = Literal["supported", "contradicted", "undecided"]


class Part(BaseModel):
    """A part of a record: no unknown field, no nan."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Squares(Part):
    """Mean squares of a difference over draws and items: all that its p-value needs."""

    draw: float
    item: float
    rest: float
    draws: int
    items: int


class Bounds(Part):
    """An interval as `helpers.evaluation` gives it; an end that is not known is null."""

    value: float | None = None
    low: float | None
    high: float | None
    n: int | None = None
    level: float | None = None
    method: str | None = None
    df: float | None = None  # degrees of freedom, where they are finite
    squares: Squares | None = None  # of an interval over draws and items; older records have none


class Measured(Part):
    """Which difference a piece of evidence is, and what its judgement asks for besides its size.

    Attributes:
        study: in which it was measured.
        arm: the arm in question.
        than: the one that it was held against.
        labels: labelled items of both.
        measure: of the score.
        asked: the measure that the question names; "" where it is the study's own.
        learned: for each of the two (where a share is kept: of ``of`` and ``than``), whether it
            beats the study's floor, interval above zero.
        cost_ratio: operations of training of ``arm`` over those of ``than``; null where unknown.
        overlap: share of labelled items that two draws have in common, the mean over pairs.
        devices: for each of the two, where its trials were made; empty where that is not known.
        keeps: where it is not 0, the value is what ``arm`` has above this share of the gain of
            ``of`` over ``than``.
        of: see ``keeps``.
        gained: whether ``of`` is above ``than``, interval above zero; null where nothing is kept.
        bytes_ratio: bytes of the stored model of ``arm`` over those of ``of``; null where unknown.
    """

    study: str
    arm: str
    than: str
    labels: int
    measure: str
    asked: str = ""
    learned: dict[str, bool]
    cost_ratio: float | None
    overlap: float
    devices: dict[str, list[str]] = Field(default={})
    keeps: float = 0.0
    of: str = ""
    gained: bool | None = None
    bytes_ratio: float | None = None


class Evidence(Part):
    """What one run says about one claim of the document."""

    claim: str
    value: int | float | None
    interval: Bounds | None = None
    n: int | None = None
    seeds: int | list[int] | None = None
    verdict: Said | None = None  # what older records say of it themselves; never counted
    note: str = ""
    measured: Measured | None = None  # of a study whose trials are stored


def as_python(value: Any) -> Any:
    """Return numpy scalars and arrays as Python numbers and lists, all else as it is.

    >>> import numpy
    >>> as_python(numpy.float32(0.5)), as_python("text")
    (0.5, 'text')
    """
    if type(value).__module__.partition(".")[0] in ("numpy", "torch") and hasattr(value, "tolist"):
        return value.tolist()
    return value


def bounds(interval: Any) -> Bounds | None:
    """Return an interval of `helpers.evaluation` as part of a record.

    An end that is infinite or not a number is not known: null.
    """
    if interval is None or isinstance(interval, Bounds):
        return interval

    def end(name: str) -> float | None:
        value = as_python(getattr(interval, name, None))
        return float(value) if value is not None and math.isfinite(value) else None

    count = as_python(getattr(interval, "n", None))
    squares = getattr(interval, "squares", None)
    return Bounds(
        value=end("value"),
        low=end("low"),
        high=end("high"),
        n=None if count is None else int(count),
        level=end("level"),
        method=getattr(interval, "method", None),
        df=end("df"),
        squares=None if squares is None else Squares(**dataclasses.asdict(squares)),
    )
