"""A grid file: one notebook over combinations of parameters, as many runs as there are.

::

    notebook: 06_bert_finetuning
    parameters:            # every combination of these
      max_length: [32, 64]
      learning_rate: {from: 1e-4, to: 1e-3, points: 3, scale: log}
      batch_size: {from: 8, to: 24, step: 8}
    together:              # lists that go side by side, not crossed with each other
      labels: [[16, 64], [32, 128]]
      tuned_labels: [[64], [128]]
    seeds: 3               # the notebook's seeds or draws; of one with a single seed: 0, 1, 2
    retries: 1             # how often a failed run is tried again
    minutes: 30            # a run that takes longer is ended
    gpus: 1                # what each run needs (none)

A file may hold a list of such grids. Everything is checked before anything runs.
"""

import contextlib
import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from helpers import UserError, nearest
from helpers.base.yaml_files import load_yaml
from helpers.runs.notebooks import find_notebook
from helpers.runs.parameters import Parameter, check_against, read_parameters
from helpers.runs.planned import PlannedRun, checked
from helpers.runs.ranges import shortened

MOST_RUNS = 100_000
_ENDINGS = ("", ".yaml", ".yml", ".json", ".txt")  # JSON is YAML too
_KEYS = ("notebook", "parameters", "together", "seeds", "retries", "minutes", "gpus")
_RANGES = ({"from", "to", "step"}, {"from", "to", "points"}, {"from", "to", "points", "scale"})


def read_grid(path: Path) -> list[PlannedRun]:
    """Return the runs of a grid file.

    Raises:
        UserError: the first thing in it that could not run, with its file and key.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise UserError(
            f"{path} is a file of texts by its ending, not a grid; a grid is a YAML file, as "
            "`python -m helpers sweep --help` shows."
        )
    content = load_yaml(path)
    entries = content if isinstance(content, list) and content else [content]
    return [run for entry in entries for run in _runs(entry, path.name)]


def _runs(entry: Any, file: str) -> list[PlannedRun]:
    if not isinstance(entry, dict) or not {"notebook", "parameters"} & entry.keys():
        raise UserError(
            f"{file}: a grid holds `notebook: NAME` and `parameters: {{name: [values]}}`, "
            f"not {shortened(entry)}."
        )
    for key in entry:
        if key not in _KEYS:
            raise UserError(f"{file}: a grid has no key {key!r}.{nearest(str(key), _KEYS)}")
    if not isinstance(entry.get("notebook"), str):
        raise UserError(f"{file}: the grid does not name its notebook.")
    notebook = find_notebook(entry["notebook"])
    declared = read_parameters(notebook)
    crossed = {
        name: _values(file, name, listed, declared)
        for name, listed in _mapping(file, "parameters", entry).items()
    }
    beside = {
        name: _values(file, name, listed, declared)
        for name, listed in _mapping(file, "together", entry).items()
    }
    seeds = _whole(file, "seeds", entry, least=1)
    seeded = _seeds(file, notebook.stem, declared, seeds) if seeds else {}
    names = [*crossed, *beside, *seeded]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"{file}: {twice[0]} is told twice; leave it in one place.")
    crossed |= seeded
    _check_size(file, crossed, beside)
    # one value at a time first: a mistake is named without going through every combination
    for name, listed in [*crossed.items(), *beside.items()]:
        for value in listed:
            check_against(notebook.stem, declared, {name: value})
    needs: dict[str, Any] = {
        "minutes": _minutes(file, entry),
        "retries": _whole(file, "retries", entry, least=0) or 0,
        "gpus": _whole(file, "gpus", entry, least=0) or 0,
    }
    rows: list[dict[str, Any]] = [{}]
    if beside:
        rows = [
            dict(zip(beside, values, strict=True)) for values in zip(*beside.values(), strict=True)
        ]
    settings = itertools.product(rows, *crossed.values())
    return [
        checked(notebook, declared, dict(zip(crossed, one, strict=True)) | row, **needs)
        for row, *one in settings
    ]


def _mapping(file: str, key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    values = entry.get(key) or {}
    if not isinstance(values, dict):
        raise UserError(f"{file}: {key} must map names to lists of values.")
    return values


def _check_size(
    file: str, crossed: Mapping[str, list[Any]], beside: Mapping[str, list[Any]]
) -> None:
    lengths = {name: len(listed) for name, listed in beside.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise UserError(f"{file}: lists under `together` must be equally long; {counts}.")
    runs = math.prod(map(len, crossed.values())) * max(lengths.values(), default=1)
    if runs > MOST_RUNS:
        raise UserError(
            f"{file}: the grid has {runs:,} runs; at most {MOST_RUNS:,} can be planned."
        )


def _values(file: str, name: str, listed: Any, declared: Mapping[str, Parameter]) -> list[Any]:
    """Return the values of one parameter, written as a list or as a range."""
    if isinstance(listed, dict):
        spaced = _range(file, name, listed)
        if name in declared and declared[name].kind == "int":
            return sorted({round(value) for value in spaced})
        return spaced
    if not isinstance(listed, list) or not listed:
        raise UserError(
            f"{file}: {name} must be a list of the values to run, like "
            f"[{listed if listed not in (None, []) else '…'}], not {listed!r}."
        )
    return listed


def _range(file: str, name: str, given: Mapping[str, Any]) -> list[float]:
    """Return an evenly or logarithmically spaced range, its beginning in it."""
    if set(given) not in _RANGES:
        raise UserError(
            f"{file}: the range of {name} must hold from, to and step, or from, to and points "
            f"(perhaps with scale: log), not {', '.join(map(str, given)) or 'nothing'}."
        )
    number: dict[str, float] = {
        key: _number(file, f"{key} of {name}", given[key]) for key in given if key != "scale"
    }
    first, last = number["from"], number["to"]
    if given.get("scale", "linear") not in ("linear", "log"):
        raise UserError(f"{file}: scale of {name} must be linear or log, not {given['scale']!r}.")
    if not first < last:
        raise UserError(f"{file}: the range of {name} must rise, not go from {first} to {last}.")
    if "step" in number:
        if not number["step"] > 0:
            raise UserError(f"{file}: step of {name} must be above 0, not {number['step']}.")
        n = math.floor((last - first) / number["step"] + 1e-9) + 1
        if n > MOST_RUNS:
            raise UserError(f"{file}: the range of {name} has {n:,} values.")
        return [float(f"{first + i * number['step']:.12g}") for i in range(n)]
    points = given["points"]
    if not isinstance(points, int) or isinstance(points, bool) or not 2 <= points <= MOST_RUNS:
        raise UserError(f"{file}: points of {name} must be a whole number from 2, not {points!r}.")
    if given.get("scale") == "log":
        if not first > 0:
            raise UserError(
                f"{file}: a range with scale: log must begin above 0, {name} at {first}."
            )
        spaced = np.geomspace(first, last, points)
    else:
        spaced = np.linspace(first, last, points)
    return [float(f"{value:.6g}") for value in spaced]


def _seeds(
    file: str, notebook: str, declared: Mapping[str, Parameter], n: int
) -> dict[str, list[Any]]:
    """Return the parameter that stands for seeds, with its values."""
    for name in ("seeds", "draws"):
        if name in declared:
            return {name: [n]}
    if "seed" in declared:
        return {"seed": list(range(n))}
    raise UserError(f"{file}: {notebook} has no parameter seed or seeds; leave `seeds` out.")


def _whole(file: str, key: str, entry: Mapping[str, Any], least: int) -> int | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"{file}: {key} must be a whole number from {least}, not {value!r}.")
    return value


def _minutes(file: str, entry: Mapping[str, Any]) -> float | None:
    if entry.get("minutes") is None:
        return None
    value = _number(file, "minutes", entry["minutes"])
    if not value > 0:
        raise UserError(f"{file}: minutes must be above 0, not {value}.")
    return float(value)


def _number(file: str, what: str, value: Any) -> float:
    if isinstance(value, str):  # YAML takes 1e-5 for a text
        with contextlib.suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{file}: {what} must be a number, not {value!r}.")
    return value
