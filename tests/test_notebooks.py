"""The anatomy of every notebook: executed top to bottom, one parameters cell, short cells.

A lesson asks three exercises, and a notebook of solutions answers them.
"""

import re
from urllib.parse import unquote

import nbformat
import pytest

from helpers import ROOT
from helpers.runs.notebooks import all_notebooks, all_solutions

NOTEBOOKS, SOLUTIONS = all_notebooks(), all_solutions()
ASKS_NOTHING = {"00_start_here"}
LESSONS = [path for path in NOTEBOOKS if path.stem not in ASKS_NOTHING]
ANCHOR = re.compile(r"^#+ (.+)$", re.MULTILINE)


def read(path):
    nb = nbformat.read(path, as_version=4)
    nb.path = path
    return nb


def name(path):
    return str(path.relative_to(ROOT / "notebooks").with_suffix(""))


@pytest.fixture(params=NOTEBOOKS, ids=name)
def notebook(request):
    return read(request.param)


@pytest.fixture(params=SOLUTIONS, ids=name)
def solution(request):
    return read(request.param)


@pytest.fixture(params=[*NOTEBOOKS, *SOLUTIONS], ids=name)
def executed(request):
    return read(request.param)


def prose(nb):
    return "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")


def exercises(nb):
    """The text of each exercise of a lesson, from its number to its link."""
    (cell,) = (cell for cell in nb.cells if cell.id == "exercises")
    return re.split(r"^\*\*(?=\d\*\* )", cell.source, flags=re.MULTILINE)[1:]


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def test_is_valid_and_named_by_its_title(notebook):
    nbformat.validate({k: v for k, v in notebook.items() if k != "path"})
    assert notebook.cells[0].source.startswith(f"# {notebook.path.stem[:2]} ")
    assert "**Question" in notebook.cells[0].source
    assert "From the document" in notebook.cells[0].source


def test_was_executed_top_to_bottom(executed):
    assert [cell.execution_count for cell in code(executed)] == list(
        range(1, len(code(executed)) + 1)
    )


def test_has_outputs_and_no_error(executed):
    outputs = [output for cell in code(executed) for output in cell.outputs]
    assert len(outputs) >= 5 or executed.path in SOLUTIONS
    assert not [one for one in outputs if one.output_type == "error"]
    assert not [one for one in outputs if one.get("name") == "stderr"]


def test_parameters_come_first_and_the_run_is_opened_next(notebook):
    first, second = code(notebook)[:2]
    assert first.metadata.tags == ["parameters"]
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells) == 1
    assert f'open_run("{notebook.path.stem}", globals())' in second.source
    assert re.search(r"run\.close\(\)\s*$", code(notebook)[-1].source)


def test_everything_is_imported_before_the_run_is_opened(notebook):
    # Seeds and threads are fixed by open_run for what is loaded by then.
    later = "\n".join(cell.source for cell in code(notebook)[2:])
    assert not re.findall(r"^(?:import|from) .*", later, re.MULTILINE)


def test_cells_are_short_enough_to_read(notebook):
    heights = [len(cell.source.splitlines()) for cell in code(notebook)]
    assert max(heights[:2]) <= 25  # parameters, imports
    assert max(heights[2:]) <= 15


def test_carries_no_traces_of_the_machine_that_ran_it(executed):
    assert not {"papermill", "widgets"} & set(executed.metadata)
    assert not [c.id for c in executed.cells if {"papermill", "execution"} & set(c.metadata)]
    assert len({cell.id for cell in executed.cells}) == len(executed.cells)
    text = nbformat.writes(nbformat.from_dict({k: v for k, v in executed.items() if k != "path"}))
    assert str(ROOT) not in text


def test_every_figure_has_alternative_text(executed):
    for cell in code(executed):
        for output in cell.outputs:
            for kind in {"image/png", "image/svg+xml"} & set(output.get("data", {})):
                assert len(output.metadata[kind]["alt"]) > 20


def test_no_widget_captures_what_cells_show(executed):
    """nbclient answers such a widget while the cell runs, and may then miss the cell's end.

    It waits for ever: https://github.com/jupyter/nbclient/issues/312.
    """
    for cell in code(executed):
        assert not re.search(
            r"\binteract(ive|_manual)?\(|widgets\.Output|%matplotlib widget", cell.source
        )


def test_uses_chinese_terms_beside_the_english(notebook):
    assert re.search(r"[\u4e00-\u9fff]", "".join(cell.source for cell in notebook.cells))


def test_every_notebook_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.stem for path in NOTEBOOKS if path.name not in readme] == []


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_lesson_asks_three_exercises_with_hints_and_links_to_their_solutions(path):
    asked = exercises(read(path))
    assert [text[0] for text in asked] == ["1", "2", "3"]
    for number, text in enumerate(asked, start=1):
        assert text.count("<details><summary>Hint</summary>\n\n") == text.count("</details>") == 1
        link = f"[Solution {number}](solutions/{path.name}#Exercise-{number})"
        assert text.rstrip().endswith(link)


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_every_exercise_has_a_solution(path):
    solved = ANCHOR.findall(prose(read(path.parent / "solutions" / path.name)))[1:]
    assert solved == [f"Exercise {n}" for n in range(1, len(exercises(read(path))) + 1)]


def test_solutions_are_of_lessons_and_those_to_come_are_named():
    assert {path.stem for path in SOLUTIONS} == {path.stem for path in LESSONS}
    assert {path.stem for path in NOTEBOOKS} >= ASKS_NOTHING


def test_a_solution_says_whose_it_is_and_repeats_the_exercise_in_one_line(solution):
    title, back = solution.cells[0].source.split("\n\n", 1)
    assert re.fullmatch(rf"# {solution.path.stem[:2]} .+: solutions", title)
    assert f"(../{solution.path.name}#Exercises)" in back
    for cell in solution.cells:
        if cell.source.startswith("## Exercise"):
            _, empty, line, *_ = cell.source.split("\n")
            assert empty == "" and line.startswith("*")


def test_the_code_of_a_solution_is_read_at_a_glance(solution):
    for cell in code(solution):
        lines = cell.source.splitlines()
        assert len(lines) <= 15, cell.id
        assert max(map(len, lines)) <= 100, cell.id
        assert "# fmt:" not in cell.source


def test_links_to_notebooks_lead_to_what_is_there(executed):
    for file, anchor in re.findall(r"\]\(([^)#:]+\.ipynb)(?:#([^)]*))?\)", prose(executed)):
        target = executed.path.parent / unquote(file)
        assert target.exists(), file
        if anchor:
            headings = ANCHOR.findall(prose(read(target)))
            assert anchor in [heading.replace(" ", "-") for heading in headings], anchor
