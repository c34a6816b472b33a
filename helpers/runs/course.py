"""The course: which notebook follows which, how long each takes, what one should know before."""

import re
from functools import cache
from pathlib import Path

import yaml
from nbformat import NotebookNode, v4
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from helpers import ROOT, UserError, nearest

COURSE = ROOT / "data" / "course.yaml"
GLOSSARY = ROOT / "data" / "glossary.yaml"
TOP, BOTTOM = "course-top", "course-bottom"
"""Ids of the cells that hold the way through the course."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lesson(_Part):
    """One notebook of the course.

    Attributes:
        title: in a few words.
        sections: of the document that it takes up.
        minutes: to read and run it, about.
        needs: numbers of the notebooks that one should know before.
    """

    title: str
    sections: str
    minutes: int = Field(ge=1)
    needs: tuple[str, ...]


class Term(_Part):
    """One entry of the glossary.

    Attributes:
        term: in English.
        chinese: the same in Chinese.
        means: in one line.
    """

    term: str
    chinese: str
    means: str = Field(max_length=160)


@cache
def lessons(path: Path = COURSE) -> dict[str, Lesson]:
    """Return the notebooks of the course by name, in order.

    Raises:
        UserError: the file is none of a course; a notebook needs one that does not come before it.

    >>> lessons()["07_metric_evaluation"].needs
    ('06',)
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = {name: Lesson.model_validate(entry) for name, entry in content.items()}
    except (OSError, yaml.YAMLError, ValidationError, AttributeError) as error:
        raise UserError(f"{path} holds no course: {str(error).splitlines()[0]}.") from None
    numbers = [name[:2] for name in found]
    for name, lesson in found.items():
        for number in lesson.needs:
            if number not in numbers[: numbers.index(name[:2])]:
                raise UserError(f"{path}: {name} needs {number}, which does not come before it.")
    return found


@cache
def glossary(path: Path = GLOSSARY) -> tuple[Term, ...]:
    """Return the terms of the course, in alphabetical order.

    Raises:
        UserError: the file is no glossary.

    >>> next(entry.chinese for entry in glossary() if entry.term == "fine-tuning")
    '微调'
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        terms = [Term.model_validate(entry) for entry in content]
    except (OSError, yaml.YAMLError, ValidationError, TypeError) as error:
        raise UserError(f"{path} holds no glossary: {str(error).splitlines()[0]}.") from None
    return tuple(sorted(terms, key=lambda entry: entry.term.lower()))


def top(name: str) -> str:
    """Return what stands below a notebook's title: time, what one should know, where one is.

    Raises:
        UserError: a notebook that the course does not have.

    >>> print(top("01_derivation").splitlines()[0])
    **Time** about 45 minutes. **You should know** nothing from here.
    """
    known = lessons()
    if name not in known:
        raise UserError(f"The course has no notebook '{name}'.{nearest(name, known)}")
    files = {each[:2]: each for each in known}
    needed = ", ".join(_link(files[number]) for number in known[name].needs)
    way = f"**Time** about {known[name].minutes} minutes. "
    return f"{way}**You should know** {needed or 'nothing from here'}.\n\n{around(name)}"


def around(name: str) -> str:
    """Return links to the notebook before, to the start, and to the one after.

    >>> around("16_your_data").count("](")
    2
    """
    order = list(lessons())
    at = order.index(name)
    before = f"← {_link(order[at - 1])}" if at > 1 else ""
    after = f"{_link(order[at + 1])} →" if at + 1 < len(order) else ""
    return " · ".join(filter(None, [before, _link(order[0]) if at else "", after]))


def with_links(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return a notebook with the way through the course below its title and at its end.

    Cells of an earlier call are replaced; all others, with their outputs, stay as they are. The
    notebook is changed in place.

    Args:
        notebook: its first cell is its title.
        name: of the notebook, as the course has it.

    Raises:
        UserError: as :func:`top`; a notebook without a title.
    """
    cells = [cell for cell in notebook.cells if cell.get("id") not in (TOP, BOTTOM)]
    if not cells or not re.match(r"# \d\d ", cells[0].source):
        raise UserError(f"{name} does not begin with its title, `# {name[:2]} …`.")
    above, below = top(name), around(name)
    cells.insert(1, v4.new_markdown_cell(above, id=TOP))
    notebook.cells = [*cells, v4.new_markdown_cell(below, id=BOTTOM)]
    return notebook


def _link(name: str) -> str:
    return f"[{name[:2]} {lessons()[name].title}]({name}.ipynb)"
