"""The shape of a record, one pydantic model; reading, writing and comparing its JSON file."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from helpers import UserError
from helpers.base.files import write_atomically
from helpers.evaluation.bounds import Interval
from helpers.evaluation.generalized import MeanSquares

SCHEMA_VERSION: Literal[1] = 1
Verdict = Literal["supported", "contradicted", "undecided"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Squares(_Part):
    """Mean squares of a difference over draws and items: all that its p-value needs."""

    draw: float
    item: float
    rest: float
    draws: int
    items: int


class Bounds(_Part):
    """An interval as `helpers.evaluation.significance` gives it; an end not known is null."""

    value: float | None = None
    low: float | None
    high: float | None
    n: int | None = None
    level: float | None = None
    method: str | None = None
    df: float | None = None  # degrees of freedom, where they are finite
    squares: Squares | None = None  # of an interval over draws and items; older records have none


class Metric(_Part):
    """One measured number and what it was measured on."""

    name: str
    value: int | float | None
    interval: Bounds | None = None
    n: int | None = None
    seed: int | None = None
    split: str | None = None
    dataset: str | None = None
    model: str | None = None
    strategy: str | None = None
    labels: int | None = None


class Evidence(_Part):
    """What one run says about one claim of the document."""

    claim: str
    value: int | float | None
    interval: Bounds | None = None
    n: int | None = None
    seeds: int | list[int] | None = None
    verdict: Verdict
    note: str = ""


class Cost(_Part):
    """What the run took; never compared."""

    wall_seconds: float
    peak_memory_mb: float
    peak_gpu_memory_mb: float | None = None
    tokens: int = 0
    flops: float = 0.0


class Provenance(_Part):
    """Where the record comes from; never compared."""

    git_commit: str | None
    git_dirty: bool | None
    python: str
    packages: dict[str, str]
    hashes: dict[str, str]
    platform: str
    cpu: str
    gpu: str | None
    threads: int
    seeds: dict[str, int]
    started: str


class Record(_Part):
    """Everything that one run of a notebook leaves behind."""

    schema_version: Literal[1] = SCHEMA_VERSION
    notebook: str
    parameters: dict[str, Any]
    metrics: list[Metric]
    claims: list[Evidence]
    trials: list[str] = []  # keys of the stored trials that it read
    cost: Cost
    provenance: Provenance


def load_record(path: Path | str) -> Record:
    """Return the record in the file ``path``; a UserError says what is wrong with the file."""
    try:
        return Record.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no record {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the record {path}: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole file"
        raise UserError(f"{path} is no record of a run: {place}: {first['msg']}.") from None


def save_record(record: Record, path: Path | str) -> None:
    """Write ``record`` as JSON, whole or not at all; a full disk is a UserError."""
    text = json.dumps(record.model_dump(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(Path(path), text + "\n")


def comparable(record: Record) -> str:
    """Return ``record`` without cost and provenance as canonical JSON: what two runs share."""
    kept = record.model_dump(exclude={"cost", "provenance"})
    return json.dumps(kept, sort_keys=True, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Return numpy scalars and arrays as Python numbers and lists, all else as it is.

    >>> import numpy
    >>> plain(numpy.float32(0.5)), plain("text")
    (0.5, 'text')
    """
    if type(value).__module__.partition(".")[0] in ("numpy", "torch") and hasattr(value, "tolist"):
        return value.tolist()
    return value


def number(value: Any, what: str) -> int | float | None:
    """Return ``value`` as a finite Python number; None stays None, NaN is a UserError.

    >>> number(float("nan"), "metric 'loss'")
    Traceback (most recent call last):
    helpers.UserError: metric 'loss' is nan: the run diverged, or the measure is undefined here; record None for an undefined value.
    """  # noqa: E501
    value = plain(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if not isinstance(value, bool | float):
        raise UserError(f"{what} must be one number, not {value!r}.")
    if not math.isfinite(value):
        raise UserError(
            f"{what} is {value}: the run diverged, or the measure is undefined here; record "
            "None for an undefined value."
        )
    return float(value)


def bounds(interval: Any) -> Bounds | None:
    """Return an interval of `helpers.evaluation.significance` as part of a record.

    An end that is infinite or not a number is not known: null.
    """
    if interval is None or isinstance(interval, Bounds):
        return interval

    def end(name: str) -> float | None:
        value = plain(getattr(interval, name, None))
        return float(value) if value is not None and math.isfinite(value) else None

    count = plain(getattr(interval, "n", None))
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


def interval_of(evidence: Evidence | Metric) -> Interval:
    """Return the interval that a record holds, with what its p-value needs; bounds may be nan.

    An interval of an older record, without mean squares, has the degrees of freedom that were
    stored, and no p-value where there were none.

    >>> stored = Bounds(low=0.1, high=0.3, level=0.95, df=4.0)
    >>> interval_of(Metric(name="gain", value=0.2, interval=stored)).p().__round__(4)
    0.0051
    """
    nan = float("nan")
    stored, value = evidence.interval, evidence.value
    if stored is None or value is None:
        return Interval(nan if value is None else value, nan, nan, 0, 0.95, "none")
    low, high = (nan if end is None else end for end in (stored.low, stored.high))
    squares = None if stored.squares is None else MeanSquares(**stored.squares.model_dump())
    shown = stored.n or 0, stored.level or 0.95, stored.method or ""
    return Interval(value, low, high, *shown, df=stored.df, squares=squares)
