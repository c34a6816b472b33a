"""The project's notebooks, found by their names or the beginning of one."""

from pathlib import Path

from helpers import ROOT, UserError, nearest

SOLUTIONS = "solutions"
"""The folder of solutions: notebooks that take no parameters and leave no record."""


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
