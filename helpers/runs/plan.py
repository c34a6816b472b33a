"""The runs of a profile or of a grid, each checked before anything runs."""

from pathlib import Path
from typing import Any

from helpers import ROOT, UserError, nearest
from helpers.base.yaml_files import load_yaml
from helpers.runs.grid import read_grid
from helpers.runs.notebooks import all_notebooks
from helpers.runs.parameters import read_parameters
from helpers.runs.planned import RECORDS, PlannedRun, plan_run

PROFILES = ("quick", "full", "retrain")


def plan(profile: str = "quick", grid: Path | str | None = None) -> list[PlannedRun]:
    """Return the runs of a profile, or of a grid where one is told.

    "quick" is every notebook at its defaults; "full" takes the values of
    ``notebooks/profiles/full.yaml``, which may give a notebook several settings; "retrain" is
    "quick" with every trial trained here, whatever comes with the project. What a grid file
    holds: :mod:`helpers.runs.grid`.

    Raises UserError, one sentence, on the first thing that could not run.
    """
    if grid is not None:
        return _unique(read_grid(Path(grid)))
    if profile not in PROFILES:
        raise UserError(f"There is no profile {profile!r}.{nearest(profile, PROFILES)}")
    notebooks = all_notebooks()
    settings: dict[str, list[dict[str, Any]]] = {}
    if profile == "retrain":
        again = {"trials": "fresh", "minutes": 6000.0}
        settings = {path.stem: [again] for path in notebooks if "trials" in read_parameters(path)}
    elif profile != "quick":
        settings = _profile(ROOT / "notebooks" / "profiles" / f"{profile}.yaml", notebooks)
    return _after_others(
        _unique(
            [
                plan_run(path, values)
                for path in notebooks
                for values in settings.get(path.stem, [{}])
            ]
        )
    )


def _profile(path: Path, notebooks: list[Path]) -> dict[str, list[dict[str, Any]]]:
    entries = load_yaml(path) or {}
    if not isinstance(entries, dict):
        raise UserError(f"{path.name} must map notebooks to their parameters.")
    known = [notebook.stem for notebook in notebooks]
    settings = {}
    for name, values in entries.items():
        if name not in known:
            raise UserError(f"{path.name}: there is no notebook {name!r}.{nearest(name, known)}")
        settings[name] = [
            given or {} for given in (values if isinstance(values, list) else [values])
        ]
        for given in settings[name]:
            if not isinstance(given, dict):
                raise UserError(
                    f"{path.name}: {name} must map parameters to values, not {given!r}."
                )
    return settings


def _after_others(runs: list[PlannedRun]) -> list[PlannedRun]:
    """Give the notebooks that read records those of the other runs, unless they were told some."""
    reading = [run for run in runs if RECORDS in run.values and RECORDS not in run.given]
    done = [run.file(".json", ROOT) for run in runs if run not in reading]
    records = [str(path.relative_to(ROOT)) for path in done]
    if not records:
        return runs
    return [
        plan_run(run.notebook, run.given | {RECORDS: records}) if run in reading else run
        for run in runs
    ]


def _unique(runs: list[PlannedRun]) -> list[PlannedRun]:
    """Return ``runs`` without repetitions: two spellings of one setting are one run."""
    return list({(run.name, run.digest): run for run in runs}.values())
