"""The anatomy of every notebook: executed top to bottom, one parameters cell, short cells."""

import re

import nbformat
import pytest

from helpers import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    nb = nbformat.read(request.param, as_version=4)
    nb.path = request.param
    return nb


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def test_is_valid_and_named_by_its_title(notebook):
    nbformat.validate({k: v for k, v in notebook.items() if k != "path"})
    assert notebook.cells[0].source.startswith(f"# {notebook.path.stem[:2]} ")
    assert "**Question" in notebook.cells[0].source
    assert "From the document" in notebook.cells[0].source


def test_was_executed_top_to_bottom(notebook):
    assert [cell.execution_count for cell in code(notebook)] == list(
        range(1, len(code(notebook)) + 1)
    )


def test_has_outputs_and_no_error(notebook):
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert len(outputs) >= 5
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
    assert max(len(cell.source.splitlines()) for cell in code(notebook)) <= 25


def test_carries_no_traces_of_the_machine_that_ran_it(notebook):
    assert not {"papermill", "widgets"} & set(notebook.metadata)
    assert not [c.id for c in notebook.cells if {"papermill", "execution"} & set(c.metadata)]
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    text = nbformat.writes(nbformat.from_dict({k: v for k, v in notebook.items() if k != "path"}))
    assert str(ROOT) not in text


def test_every_figure_has_alternative_text(notebook):
    for cell in code(notebook):
        for output in cell.outputs:
            for kind in {"image/png", "image/svg+xml"} & set(output.get("data", {})):
                assert len(output.metadata[kind]["alt"]) > 20


def test_no_widget_captures_what_cells_show(notebook):
    """nbclient answers such a widget while the cell runs, and may then miss the cell's end.

    It waits for ever: https://github.com/jupyter/nbclient/issues/312.
    """
    for cell in code(notebook):
        assert not re.search(
            r"\binteract(ive|_manual)?\(|widgets\.Output|%matplotlib widget", cell.source
        )


def test_uses_chinese_terms_beside_the_english(notebook):
    assert re.search(r"[\u4e00-\u9fff]", "".join(cell.source for cell in notebook.cells))


def test_every_notebook_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.stem for path in NOTEBOOKS if path.name not in readme] == []
