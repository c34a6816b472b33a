"""The shape of a record, one pydantic model; reading, writing and comparing its JSON file."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from helpers import ROOT, UserError
from helpers.base.files import write_atomically
from helpers.claims.evidence import Bounds, Evidence, Part, as_python

SCHEMA_VERSION: Literal[1] = 1


class Metric(Part):
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


class Cost(Part):
    """What the run took; never compared."""

    wall_seconds: float
    peak_memory_mb: float
    peak_gpu_memory_mb: float | None = None
    tokens: int = 0
    flops: float = 0.0


class Provenance(Part):
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


class Record(Part):
    """Everything that one run of a notebook leaves behind."""

    schema_version: Literal[1] = SCHEMA_VERSION
    notebook: str
    parameters: dict[str, Any]
    metrics: list[Metric]
    claims: list[Evidence]
    trials: list[str] = Field(default=[])  # keys of the stored trials that it read
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
        if first["loc"] == ("schema_version",):
            raise UserError(
                f"{path} is a record of format {first['input']}, and this version of the project "
                f"reads format {SCHEMA_VERSION}: run its notebook again."
            ) from None
        place = ".".join(map(str, first["loc"])) or "the whole file"
        raise UserError(f"{path} is no record of a run: {place}: {first['msg']}.") from None


def read_records(places: Iterable[Path | str]) -> list[Record]:
    """Return the records in files and folders (and the folders below them), by notebook.

    A relative place starts at the project's root.

    Raises:
        UserError: there is no such place, no record in a folder, or a file is no record.
    """
    records = []
    for place in (ROOT / name for name in places):
        if not place.exists():
            raise UserError(f"There is no file or folder {place} to read records from.")
        files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        if not files:
            raise UserError(
                f"There is no record (.json) in {place}; run the other notebooks first."
            )
        records += [load_record(path) for path in files]
    return sorted(records, key=lambda record: record.notebook)


def save_record(record: Record, path: Path | str) -> None:
    """Write ``record`` as JSON, whole or not at all; a full disk is a UserError."""
    text = json.dumps(record.model_dump(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(Path(path), text + "\n")


def comparable(record: Record) -> str:
    """Return ``record`` without cost and provenance as canonical JSON: what two runs share."""
    kept = record.model_dump(exclude={"cost", "provenance"})
    return json.dumps(kept, sort_keys=True, ensure_ascii=False, allow_nan=False)


def finite_number(value: Any, what: str) -> int | float | None:
    """Return ``value`` as a finite Python number; None stays None, NaN is a UserError.

    >>> finite_number(float("nan"), "metric 'loss'")
    Traceback (most recent call last):
    helpers.UserError: metric 'loss' is nan: the run diverged, or the measure is undefined here; record None for an undefined value.
    """  # noqa: E501
    value = as_python(value)
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
