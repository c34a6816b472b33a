"""The command that links notebooks: it changes text alone, and names what it does not know."""

import nbformat
import pytest
from nbformat import v4

from helpers.commands import course
from helpers.runs.course import BOTTOM, TOP


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "07_metric_evaluation.ipynb"
    ran = v4.new_code_cell("1", execution_count=1, outputs=[v4.new_output("stream", text="1")])
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell("# 07 Measuring"), ran]), path)
    return path


def test_a_file_is_linked_and_keeps_its_outputs(notebook, capsys):
    assert course.main([str(notebook)]) == 0
    linked = nbformat.read(notebook, as_version=4)
    assert [linked.cells[at].id for at in (1, -1)] == [TOP, BOTTOM]
    assert linked.cells[2].outputs[0].text == "1"
    assert capsys.readouterr().out == "1 notebooks linked.\n"
    before = notebook.read_bytes()
    assert course.main([str(notebook)]) == 0 and notebook.read_bytes() == before


def test_an_unknown_notebook_is_one_line(capsys):
    assert course.main(["77"]) == 2
    assert capsys.readouterr().err.startswith("error: There is no notebook '77'.")
