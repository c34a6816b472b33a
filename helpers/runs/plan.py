"""Which notebook runs with which parameters: a profile or a grid, checked before anything runs."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers import ROOT, UserError, nearest
from helpers.runs.parameters import Parameter, check_against, parameters_hash, read_parameters

PROFILES = ("quick", "full")
RECORDS = "records"
"""The parameter of a notebook that judges by the records of others, and is run after them."""


@dataclass(frozen=True)
class PlannedRun:
    """One notebook with one setting; its files are `build/runs/<name>/<digest>.*`."""

    notebook: Path
    values: dict[str, Any]
    given: dict[str, Any]

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
        told = {name: value for name, value in self.given.items() if name != RECORDS}
        return " ".join([self.name, *(f"{name}={value}" for name, value in told.items())])

    @property
    def reads(self) -> list[Path]:
        """Return the records of other runs that this one reads, which must be there first."""
        named = [ROOT / one for one in self.given.get(RECORDS, [])]
        return [path for path in named if path.is_relative_to(ROOT / "build" / "runs")]

    def file(self, suffix: str, root: Path = ROOT) -> Path:
        """Return the file of this run that ends in ``suffix``: .ipynb, .json, .log or .tsv."""
        return root / "build" / "runs" / self.name / f"{self.digest}{suffix}"


def plan(profile: str = "quick", grid: Path | str | None = None) -> list[PlannedRun]:
    """Return the runs of a profile, or of a grid where one is told.

    "quick" is every notebook at its defaults; "full" takes the values of
    ``notebooks/profiles/full.yaml``, which may give a notebook several settings. A grid file names
    a notebook and lists of values; every combination is one run::

        notebook: 06_bert_finetuning
        parameters:
          labels: [[16], [64]]
          seed: [0, 1]

    Raises UserError, one sentence, on the first thing that could not run.
    """
    if grid is not None:
        return _unique([run for entry in _grids(Path(grid)) for run in _combinations(*entry)])
    if profile not in PROFILES:
        raise UserError(f"There is no profile {profile!r}.{nearest(profile, PROFILES)}")
    notebooks = all_notebooks()
    settings: dict[str, list[dict[str, Any]]] = {}
    if profile != "quick":
        settings = _profile(ROOT / "notebooks" / "profiles" / f"{profile}.yaml", notebooks)
    return _after_others(
        _unique(
            [plan_run(path, one) for path in notebooks for one in settings.get(path.stem, [{}])]
        )
    )


def plan_run(notebook: Path, values: Mapping[str, Any]) -> PlannedRun:
    """Return the run of ``notebook`` with ``values``, checked."""
    return _checked(notebook, read_parameters(notebook), values)


def all_notebooks() -> list[Path]:
    """Return the project's notebooks in order; a UserError when there are none."""
    found = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    if not found:
        raise UserError(f"There are no notebooks (NN_name.ipynb) in {ROOT / 'notebooks'}.")
    return found


def find_notebook(name: str) -> Path:
    """Return the notebook that ``name`` means: a file, a name, or the start of one ("06")."""
    path = Path(name)
    if path.suffix == ".ipynb":
        place = path if path.exists() else ROOT / path
        if place.exists():
            return place.resolve()
    names = {found.stem: found for found in all_notebooks()}
    stem = path.stem if path.suffix == ".ipynb" else name
    starting = [found for found in names if found.startswith(stem) and stem]
    if stem in names or len(starting) == 1:
        return names[stem if stem in names else starting[0]]
    if starting:
        raise UserError(f"{name!r} may mean {' or '.join(starting)}; write more of the name.")
    raise UserError(f"There is no notebook {name!r}.{nearest(stem, names)}")


def load_yaml(path: Path) -> Any:
    """Return what the YAML file ``path`` holds; a key that stands twice is refused."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceLoader)  # noqa: S506
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {path}: {error}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None


class _OnceLoader(yaml.SafeLoader):
    """Plain values only; YAML itself would silently take the last of two equal keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if isinstance(key, str) and keys.count(key) > 1:
                raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice{node.start_mark}")
        return super().construct_mapping(node, deep)


def _profile(path: Path, notebooks: list[Path]) -> dict[str, list[dict[str, Any]]]:
    entries = load_yaml(path) or {}
    if not isinstance(entries, dict):
        raise UserError(f"{path.name} must map notebooks to their parameters.")
    known = [notebook.stem for notebook in notebooks]
    settings = {}
    for name, values in entries.items():
        if name not in known:
            raise UserError(f"{path.name}: there is no notebook {name!r}.{nearest(name, known)}")
        settings[name] = [one or {} for one in (values if isinstance(values, list) else [values])]
        for one in settings[name]:
            if not isinstance(one, dict):
                raise UserError(f"{path.name}: {name} must map parameters to values, not {one!r}.")
    return settings


def _grids(path: Path) -> list[tuple[Path, dict[str, list[Any]]]]:
    content = load_yaml(path)
    grids = []
    for entry in content if isinstance(content, list) and content else [content]:
        if not isinstance(entry, dict) or set(entry) - {"notebook", "parameters"}:
            raise UserError(
                f"{path.name}: a grid holds `notebook: NAME` and `parameters: {{name: [values]}}`, "
                f"not {entry!r}."
            )
        if not isinstance(entry.get("notebook"), str):
            raise UserError(f"{path.name}: the grid does not name its notebook.")
        values = entry.get("parameters") or {}
        if not isinstance(values, dict):
            raise UserError(f"{path.name}: parameters must map names to lists of values.")
        for name, listed in values.items():
            if not isinstance(listed, list) or not listed:
                raise UserError(
                    f"{path.name}: {name} must be a list of the values to run, like "
                    f"[{listed if listed not in (None, []) else '…'}], not {listed!r}."
                )
        grids.append((find_notebook(entry["notebook"]), values))
    return grids


def _combinations(notebook: Path, values: dict[str, list[Any]]) -> list[PlannedRun]:
    declared = read_parameters(notebook)
    # one value at a time first: a mistake is named without going through every combination
    for name, listed in values.items():
        for value in listed:
            check_against(notebook.stem, declared, {name: value})
    settings = itertools.product(*values.values())
    return [_checked(notebook, declared, dict(zip(values, one, strict=True))) for one in settings]


def _checked(
    notebook: Path, declared: Mapping[str, Parameter], values: Mapping[str, Any]
) -> PlannedRun:
    checked = check_against(notebook.stem, declared, values)
    given = {
        name: value
        for name, value in checked.items()
        if name != "record" and value != declared[name].default
    }
    return PlannedRun(notebook, checked, given)


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
