"""Evidence: what one run measured about one claim of the document, as its record keeps it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["supported", "contradicted", "undecided"]


class Part(BaseModel):
    """A part of a record: no unknown field, no nan."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Bounds(Part):
    """An interval as `helpers.evaluation.significance` gives it; an end not known is null."""

    value: float | None = None
    low: float | None
    high: float | None
    n: int | None = None
    level: float | None = None
    method: str | None = None
    df: float | None = None  # degrees of freedom, where they are finite


class Evidence(Part):
    """What one run says about one claim of the document."""

    claim: str
    value: int | float | None
    interval: Bounds | None = None
    n: int | None = None
    seeds: int | list[int] | None = None
    verdict: Verdict
    note: str = ""
