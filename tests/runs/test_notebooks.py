"""Notebooks are found by their names, and what is meant is said where it is not clear."""

import pytest

from helpers import UserError
from helpers.runs import notebooks
from helpers.runs.notebooks import (
    all_notebooks,
    all_solutions,
    find_lesson_or_solution,
    find_notebook,
)


@pytest.fixture
def root(project, monkeypatch):
    monkeypatch.setattr(notebooks, "ROOT", project.root)
    project.add("02_takes_a_while", "03_takes_more")
    return project.root


def test_a_solution_is_found_by_its_lesson_and_is_no_lesson(root):
    place = root / "notebooks" / "solutions" / "02_takes_a_while.ipynb"
    with pytest.raises(UserError, match="no solutions to the exercises of 02_takes_a_while"):
        find_lesson_or_solution("solutions/02")
    place.parent.mkdir()
    place.write_text("{}")
    assert all_solutions() == [place] and place not in all_notebooks()
    for name in ("solutions/02", "notebooks/solutions/02_takes_a_while.ipynb"):
        assert find_lesson_or_solution(name) == place
    assert find_lesson_or_solution("02") == root / "notebooks" / place.name
    with pytest.raises(UserError, match="There is no notebook '77'"):
        find_lesson_or_solution("solutions/77")


def test_a_notebook_is_found_by_file_name_and_beginning(root, monkeypatch):
    place = root / "notebooks" / "02_takes_a_while.ipynb"
    for name in ("02", "02_takes", "02_takes_a_while", "02_takes_a_while.ipynb", str(place)):
        assert find_notebook(name) == place
    monkeypatch.chdir(root / "notebooks")
    assert find_notebook("notebooks/02_takes_a_while.ipynb") == place
    with pytest.raises(UserError, match=r"There is no notebook 'x.ipynb'"):
        find_notebook("x.ipynb")
