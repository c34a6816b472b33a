"""A planned run: one notebook with one setting, checked before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import ROOT
from helpers.runs.parameters import Parameter, check_against, parameters_hash, read_parameters

RECORDS = "records"
"""The parameter of a notebook that judges by the records of others, and is run after them."""


@dataclass(frozen=True)
class PlannedRun:
    """One notebook with one setting; its files are `build/runs/<name>/<digest>.*`.

    Attributes:
        notebook: its file.
        values: of all parameters.
        given: of those that differ from the defaults.
        minutes: after which it is ended; None: never.
        retries: how often it is tried again when it failed.
        gpus: how many it needs.
    """

    notebook: Path
    values: dict[str, Any]
    given: dict[str, Any]
    minutes: float | None = None
    retries: int = 0
    gpus: int = 0

    @property
    def name(self) -> str:
        """Return the notebook's name."""
        return self.notebook.stem

    @property
    def digest(self) -> str:
        """Return the hash of the setting."""
        return parameters_hash(self.values)

    @property
    def label(self) -> str:
        """Return what a line of progress calls this run: the name and what is not default."""
        shown = {name: value for name, value in self.given.items() if name != RECORDS}
        return " ".join([self.name, *(f"{name}={value}" for name, value in shown.items())])

    @property
    def reads(self) -> list[Path]:
        """Return the records of other runs that this one reads, which must be there first."""
        named = [ROOT / place for place in self.given.get(RECORDS, [])]
        return [path for path in named if path.is_relative_to(ROOT / "build" / "runs")]

    def file(self, suffix: str, root: Path = ROOT) -> Path:
        """Return the file of this run that ends in ``suffix``: .ipynb, .json, .log or .tsv."""
        return root / "build" / "runs" / self.name / f"{self.digest}{suffix}"


def plan_run(notebook: Path, values: Mapping[str, Any]) -> PlannedRun:
    """Return the run of ``notebook`` with ``values``, checked."""
    return checked(notebook, read_parameters(notebook), values)


def checked(
    notebook: Path,
    declared: Mapping[str, Parameter],
    values: Mapping[str, Any],
    **needs: Any,
) -> PlannedRun:
    """Return the run of ``notebook``, whose parameters are ``declared``, with ``values``.

    ``needs`` are the further attributes of a :class:`PlannedRun`.
    """
    read = check_against(notebook.stem, declared, values)
    given = {
        name: value
        for name, value in read.items()
        if name != "record" and value != declared[name].default
    }
    return PlannedRun(notebook, read, given, **needs)
