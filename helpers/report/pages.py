"""One executed notebook as the content of one page: what a reader sees of each cell."""

import base64
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.highlight import Highlight2HTML

from helpers import ROOT, UserError
from helpers.report.markdown_html import Prose, clean
from helpers.report.mathml import split_latex
from helpers.report.pictures import smaller
from helpers.report.places import CodeCell
from helpers.runs.parameters import parse_cell

LONG_CODE = 15
"""Cells with more lines than this are folded."""

_TALL = 1.6
"""Height over width from which a picture runs over several sheets of paper."""

_WIDGET = "application/vnd.jupyter.widget-view+json"
_PARAMETERS = {
    "parameters": "Parameters and their defaults",
    "injected-parameters": "Parameters of this run",
}


@dataclass(frozen=True)
class Page:
    """An executed notebook, ready for the template; all HTML in it is clean."""

    notebook: str
    file: str
    title: str
    title_html: str
    question_html: str
    cells: list[str]
    headings: list[tuple[int, str, str]]  # level, id, HTML
    code: list[CodeCell]  # what shows a number can be looked up there
    defaults: Mapping[str, Any]  # of its parameters


def page_of(path: Path, notebook: str, file: str, pages: Mapping[str, str]) -> Page:
    """Return the page of the executed notebook at `path`.

    `notebook` is its name in messages, `file` that of its page, and `pages` maps the notebooks
    of the book to their pages: links between notebooks become links between pages, links to
    other files of the project lose the link and keep the words.

    Raises:
        UserError: for a file that is no notebook, that was never executed, or that holds a formula
            or a chart which cannot be shown.
    """
    content = _read(path, notebook)
    folder = path.parent if path.parent.name == "notebooks" else ROOT / "notebooks"
    link = _links(pages)
    prose = Prose(notebook, path=str(folder), link=link)
    language = content.metadata.get("language_info", {}).get("pygments_lexer", "ipython3")
    highlight = Highlight2HTML(pygments_lexer=language)
    cells, coded = [], []
    for number, cell in enumerate(content.cells, start=1):
        where = f"cell {cell.get('id', number)}"
        if cell.cell_type == "markdown":
            shown = prose.render(cell.source, where=where, attachments=cell.get("attachments"))
            cells.append(f'<div class="text">{shown}</div>')
        elif cell.cell_type == "code" and cell.source.strip():
            outputs = [
                _output(output, prose, link, where) for output in _joined(cell.get("outputs", []))
            ]
            code = _code(cell, str(highlight(cell.source)))
            anchor = f"cell-{cell.get('id', number)}"
            cells.append(f'<div class="cell" id="{anchor}">{code}{"".join(outputs)}</div>')
            coded.append(CodeCell(anchor, cell.source, _words(cell.get("outputs", []))))
    titles = [heading for heading in prose.headings if heading[0] == 1]
    headings = prose.headings
    if len(titles) > 1:  # a notebook in several lessons: one title, the rest a level below it
        first = headings.index(titles[0])
        headings = [
            (level if place == first else min(level + 1, 6), anchor, text)
            for place, (level, anchor, text) in enumerate(headings)
        ]
        cells = _lowered(cells, titles[0][1])
    title_html = titles[0][2] if titles else html.escape(notebook)
    return Page(
        notebook=notebook,
        file=file,
        title=html.unescape(re.sub(r"<[^>]*>", "", title_html)),
        title_html=title_html,
        question_html=_question(cells[0] if cells else ""),
        cells=cells,
        headings=[heading for heading in headings if heading[0] in (2, 3)],
        code=coded,
        defaults=_defaults(content),
    )


def _lowered(cells: list[str], title: str) -> list[str]:
    """Return the cells with every heading a level lower, but that with the id `title`.

    >>> _lowered(['<h1 id="a">A</h1>', '<h1 id="b">B</h1><h2>C</h2>'], "a")
    ['<h1 id="a">A</h1>', '<h2 id="b">B</h2><h3>C</h3>']
    """
    heading = re.compile(r"<h([1-6])\b([^>]*)>(.*?)</h\1>", re.DOTALL)

    def lower(found: re.Match[str]) -> str:
        if f'id="{html.escape(title)}"' in found[2]:
            return found[0]
        level = min(int(found[1]) + 1, 6)
        return f"<h{level}{found[2]}>{found[3]}</h{level}>"

    return [heading.sub(lower, cell) for cell in cells]


def _defaults(content: nbformat.NotebookNode) -> dict[str, Any]:
    """Return the values in the cell tagged `parameters`; of a notebook without one, nothing."""
    for cell in content.cells:
        if "parameters" in cell.metadata.get("tags", []):
            try:
                return {name: one.default for name, one in parse_cell(cell.source).items()}
            except UserError:  # a foreign notebook's own way; its page is shown all the same
                return {}
    return {}


def _words(outputs: list[Any]) -> str:
    """Return what a cell shows as plain text."""
    kinds = ("text/plain", "text/markdown")
    return "\n".join(
        _text(output.get("text", ""))
        + " ".join(_text(output.get("data", {}).get(kind, "")) for kind in kinds)
        for output in outputs
    )


def _read(path: Path, notebook: str) -> nbformat.NotebookNode:
    try:
        content = nbformat.read(str(path), as_version=4)
    except FileNotFoundError:
        raise UserError(f"There is no notebook {path}.") from None
    except (OSError, UnicodeDecodeError, ValueError, AttributeError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is not a Jupyter notebook: {reason}") from None
    code = [cell for cell in content.cells if cell.cell_type == "code" and cell.source.strip()]
    if code and not any(cell.get("execution_count") for cell in code):
        raise UserError(f"{notebook} has not been executed ({path}): run it, then build the book.")
    return content


def _links(pages: Mapping[str, str]) -> Callable[[str], str | None]:
    def link(url: str) -> str | None:
        if re.match(r"(https?://|mailto:|#)", url, re.IGNORECASE):
            return url
        file, _, fragment = url.partition("#")
        path = Path(unquote(file))
        name = path.stem
        if path.suffix != ".ipynb" or name not in pages or path.parent.name == "solutions":
            return None
        return pages[name] + (f"#{fragment}" if fragment else "")

    return link


def _question(first_cell: str) -> str:
    """Return the question a notebook answers: in its first cell the first question, or sentence."""
    paragraphs = re.findall(r"<p>(.*?)</p>", first_cell, re.DOTALL)
    asked = [text for text in paragraphs if re.search(r"\?\s*(</\w+>)*\s*\Z", text.strip())]
    chosen = (asked or paragraphs or [""])[0]
    chosen = re.sub(
        r"\A\s*<strong>(The )?question[.:]?</strong>[.:]?", "", chosen, flags=re.IGNORECASE
    )
    return re.sub(r"</?a\b[^>]*>", "", chosen).strip()


def _code(cell: nbformat.NotebookNode, highlighted: str) -> str:
    tags = cell.metadata.get("tags", [])
    label = next((text for tag, text in _PARAMETERS.items() if tag in tags), "")
    highlighted = highlighted.replace("<pre>", '<pre tabindex="0">', 1)
    lines = cell.source.count("\n") + 1
    if lines > LONG_CODE and not label:
        return (
            f'<details class="code"><summary>Code ({lines} lines)</summary>{highlighted}</details>'
        )
    head = f'<p class="label">{label}</p>' if label else ""
    return f'<div class="code{" parameters" if label else ""}">{head}{highlighted}</div>'


def _joined(outputs: list[Any]) -> list[Any]:
    """Return the outputs, standard output in one piece and standard error left out."""
    kept: list[Any] = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name != "stdout":
                continue
            if kept and kept[-1].output_type == "stream":
                kept[-1] = nbformat.from_dict({**kept[-1], "text": kept[-1].text + output.text})
                continue
        kept.append(output)
    return kept


def _output(
    output: nbformat.NotebookNode, prose: Prose, link: Callable[[str], str | None], where: str
) -> str:
    if output.output_type == "stream":
        # A carriage return rewrites its line, as a terminal shows it.
        text = re.sub(r"[^\n]*\r(?!\n|\Z)", "", output.text)
        return _pre(text)
    if output.output_type == "error":
        return _pre("\n".join(output.get("traceback", [])), "output error")
    data = output.get("data", {})
    if _WIDGET in data:  # nothing moves on paper; the notebook has a static figure beside it
        return ""
    metadata = output.get("metadata", {})
    if "text/html" in data:
        return f'<div class="output">{clean(_text(data["text/html"]), link)}</div>'
    if "text/markdown" in data:
        shown = prose.render(_text(data["text/markdown"]), where=where)
        return f'<div class="output text">{shown}</div>'
    if "text/vnd.mermaid" in data:
        return prose.chart(_text(data["text/vnd.mermaid"]), where=where)
    if "text/latex" in data:
        return f'<div class="output">{_latex(_text(data["text/latex"]), prose, where)}</div>'
    for kind in ("image/svg+xml", "image/png", "image/jpeg"):
        if kind in data:
            return _figure(kind, data, metadata)
    return _pre(_text(data["text/plain"])) if "text/plain" in data else ""


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _pre(text: str, name: str = "output") -> str:
    if not text.strip():
        return ""
    return f'<pre class="{name}" tabindex="0">{ansi2html(text)}</pre>'


def _latex(latex: str, prose: Prose, where: str) -> str:
    parts = [
        html.escape(text) if block is None else prose.formula(text, block=block, where=where)
        for text, block in split_latex(latex)
    ]
    return "".join(parts)


def _figure(kind: str, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    about = {**metadata, **metadata.get(kind, {})}
    plain = _text(data.get("text/plain", "")).strip()
    # matplotlib's own text is "<Figure size …>": no description.
    alt = str(about.get("alt") or ("" if plain.startswith("<") else plain))
    alt = alt or "A figure without a description"
    if kind == "image/svg+xml":
        # As an image, an SVG runs no script and loads nothing.
        source = base64.b64encode(_text(data[kind]).encode()).decode("ascii")
    else:
        source = re.sub(r"\s", "", _text(data[kind]))
    if not re.fullmatch(r"[A-Za-z0-9+/=]*", source):
        return _pre(alt)
    width = about.get("width")
    size = f' style="width:{width}px"' if isinstance(width, int) else ""
    tall = ""
    if kind == "image/png":
        picture = smaller(source)
        kind, source = picture.kind, picture.data
        if picture.width and not size:  # the place is kept free while the page loads
            size = f' width="{picture.width}" height="{picture.height}"'
        tall = " tall" if picture.height > _TALL * picture.width else ""
    return (
        f'<figure class="output{tall}"><img src="data:{kind};base64,{source}" '
        f'alt="{html.escape(alt)}"{size}></figure>'
    )
