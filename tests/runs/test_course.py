"""The way through the course: every notebook is on it, links lead somewhere, outputs stay."""

import re

import pytest
from nbformat import v4

from helpers import ROOT, UserError
from helpers.runs.course import BOTTOM, TOP, around, glossary, lessons, top, with_links

NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]


def test_every_notebook_is_on_the_way_in_its_order():
    assert list(lessons()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_the_neighbours(name):
    targets = re.findall(r"\]\((\S+)\.ipynb\)", around(name))
    at = NAMES.index(name)
    neighbours = NAMES[max(at - 1, 0) : at] + NAMES[at + 1 : at + 2]
    assert set(targets) - {NAMES[0]} == set(neighbours) - {NAMES[0]}
    assert at == 0 or NAMES[0] in targets
    assert all((ROOT / "notebooks" / f"{target}.ipynb").exists() for target in targets)
    assert top(name).endswith(around(name)) and str(lessons()[name].minutes) in top(name)


def test_links_are_written_once_and_nothing_else_changes():
    ran = v4.new_code_cell("1", execution_count=1, outputs=[v4.new_output("stream", text="1")])
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# 07 Measuring"), ran])
    for _ in range(2):
        with_links(notebook, "07_metric_evaluation")
    assert [cell.get("id") for cell in notebook.cells][1] == TOP
    assert notebook.cells[-1].id == BOTTOM and len(notebook.cells) == 4
    assert notebook.cells[2] == ran and notebook.cells[2].outputs == ran.outputs


def test_what_is_not_on_the_way_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"The course has no notebook '07_metric'\. Did you mean"):
        top("07_metric")
    with pytest.raises(UserError, match=r"07_metric_evaluation does not begin with its title"):
        with_links(v4.new_notebook(), "07_metric_evaluation")
    wrong = tmp_path / "course.yaml"
    for content in ("- a", "01_a: {title: A}", "01_a: ["):
        wrong.write_text(content)
        lessons.cache_clear()
        with pytest.raises(UserError, match="holds no course"):
            lessons(wrong)
    wrong.write_text("01_a: {title: A, sections: all, minutes: 1, needs: ['02']}")
    lessons.cache_clear()
    with pytest.raises(UserError, match="01_a needs 02, which does not come before it"):
        lessons(wrong)
    lessons.cache_clear()


def test_the_glossary_has_each_term_once_with_its_chinese():
    terms = glossary()
    assert len(terms) >= 60 and len({entry.term for entry in terms}) == len(terms)
    for entry in terms:
        assert re.search(r"[\u4e00-\u9fff]", entry.chinese), entry.term
        assert entry.means.endswith(".") and "\n" not in entry.means


def test_no_glossary_is_a_sentence(tmp_path):
    wrong = tmp_path / "glossary.yaml"
    for content in ("term", "- {term: a}", "- ["):
        wrong.write_text(content)
        glossary.cache_clear()
        with pytest.raises(UserError, match="holds no glossary"):
            glossary(wrong)
    glossary.cache_clear()
