"""Which notebook runs with which parameters: a profile or a grid, checked before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers import ROOT, UserError, nearest
from helpers.runs.parameters import Parameter, check_against, parameters_hash, read_parameters

PROFILES = ("quick", "full", "retrain")
SOLUTIONS = "solutions"
"""The folder of solutions: notebooks that take no parameters and leave no record."""
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


def plan(profile: str = "quick", grid: Path | str | None = None) -> list[PlannedRun]:
    """Return the runs of a profile, or of a grid where one is told.

    "quick" is every notebook at its defaults; "full" takes the values of
    ``notebooks/profiles/full.yaml``, which may give a notebook several settings; "retrain" is
    "quick" with every trial trained here, whatever comes with the project. What a grid file
    holds: :mod:`helpers.runs.grid`.

    Raises UserError, one sentence, on the first thing that could not run.
    """
    if grid is not None:
        from helpers.runs.grid import read_grid  # it needs this module

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


def plan_run(notebook: Path, values: Mapping[str, Any]) -> PlannedRun:
    """Return the run of ``notebook`` with ``values``, checked."""
    return checked(notebook, read_parameters(notebook), values)


def all_notebooks() -> list[Path]:
    """Return the project's notebooks in order; a UserError when there are none."""
    found = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    if not found:
        raise UserError(f"There are no notebooks (NN_name.ipynb) in {ROOT / 'notebooks'}.")
    return found


def all_solutions() -> list[Path]:
    """Return the notebooks that solve the exercises, in order; none of them is a lesson."""
    return sorted((ROOT / "notebooks" / SOLUTIONS).glob("[0-9]*.ipynb"))


def find_lesson_or_solution(name: str) -> Path:
    """Return the notebook that ``name`` means; "solutions/06" means the solutions of lesson 06."""
    path = Path(name)
    if path.parent.name != SOLUTIONS:
        return find_notebook(name)
    lesson = find_notebook(path.stem)
    solution = ROOT / "notebooks" / SOLUTIONS / lesson.name
    if not solution.exists():
        raise UserError(f"There are no solutions to the exercises of {lesson.stem}.")
    return solution


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
    number = stem.zfill(2)  # a 6 for 06
    if stem.isdigit() and any(found.startswith(f"{number}_") for found in names):
        raise UserError(f"There is no notebook {name!r}. Did you mean '{number}'?")
    raise UserError(f"There is no notebook {name!r}.{nearest(stem, names)}")


def load_yaml(path: Path) -> Any:
    """Return what the YAML file ``path`` holds; a key that stands twice is refused."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_OnceLoader)  # noqa: S506
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"Cannot read {path}: {why}.") from None
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
        settings[name] = [
            given or {} for given in (values if isinstance(values, list) else [values])
        ]
        for given in settings[name]:
            if not isinstance(given, dict):
                raise UserError(
                    f"{path.name}: {name} must map parameters to values, not {given!r}."
                )
    return settings


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
