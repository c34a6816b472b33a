"""The report as a small site: which pages it has, and what each of them is made of.

``index.html`` has the verdicts; beside it stand a page a notebook, the claims in detail, all
numbers, glossary, references, how it was made, and a search. Every page is whole in itself, with
its styles, pictures and fonts, so it can be opened from a disk without a network, or sent alone.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bs4
import jinja2
from markupsafe import Markup

from helpers.claims.evidence import Evidence
from helpers.claims.statements import CLAIMS, load_claims
from helpers.report import opening, search, summary
from helpers.report.fonts import font_faces_of
from helpers.report.pages import Page
from helpers.report.places import anchor_of
from helpers.report.repeat import repeat_command
from helpers.report.verdict_rows import by_verdict, verdicts
from helpers.runs.course import GLOSSARY, glossary
from helpers.runs.schema import Record
from helpers.show import numbers

GENERATOR = "helpers.report.book"
TEMPLATES = Path(__file__).parent / "templates"
PARTS = (
    ("index.html", "Verdicts"),
    ("index.html#notebooks", "Notebooks"),
    ("claims.html", "Claims"),
    ("results.html", "Numbers"),
    ("glossary.html", "Glossary"),
    ("references.html", "References"),
    ("origin.html", "How it was made"),
)
"""The pages that every page leads to, beside the search."""

_FONTS = "/* fonts of this page */"

Source = Mapping[str, str]
"""``name``, ``title``, ``citation`` and ``licence`` of a text or of weights."""


def render(
    pages: Sequence[Page], records: Sequence[Record], sources: Sequence[Source] = ()
) -> dict[str, str]:
    """Return the text of every file of the report by its name.

    Args:
        pages: of the notebooks, in their order.
        records: of their runs.
        sources: texts and weights, for the page of references.
    """
    by_name = {page.notebook: page for page in reversed(pages)}
    judged = verdicts(records, load_claims() if CLAIMS.exists() else {}, _where(by_name))
    known = glossary() if GLOSSARY.exists() else ()
    terms = [(search.anchor(entry.term), entry) for entry in known]
    runs = _runs(records, by_name)
    make = _maker(pages, by_name)
    files = {
        "index.html": make(
            "index.html",
            claims=judged,
            judged_any=any(claim.evidence for claim in judged),
            groups=by_verdict(judged),
            opening=opening.opening(records),
            opening_page=by_name.get(opening.NOTEBOOK),
        ),
        "claims.html": make("claims.html", claims=judged),
        "results.html": make("results.html", results=summary.results(records)),
        "glossary.html": make("glossary.html", terms=terms),
        "references.html": make("references.html", readings=_readings(pages), sources=sources),
        "origin.html": make(
            "origin.html",
            cost=summary.costs(records),
            origin=summary.origin_of_records(records),
            versions=summary.versions(records),
            runs=runs,
        ),
    }
    script = (TEMPLATES / "search.js").read_text(encoding="utf-8")
    found = search.entries(pages, judged, known)
    files["search.html"] = make(
        "search.html",
        index=search.as_script(found),
        script=script,
        script_source=search.allowed(script),
    )
    for place, page in enumerate(pages):
        files[page.file] = make(
            page.file,
            template="page.html",
            page=page,
            previous=pages[place - 1] if place else None,
            next=pages[place + 1] if place + 1 < len(pages) else None,
            runs=[run for run in runs if run["notebook"] == page.notebook],
        )
    faces = font_faces_of(list(files.values()))
    return {
        file: text.replace(_FONTS, its, 1)
        for (file, text), its in zip(files.items(), faces, strict=True)
    }


def _maker(pages: Sequence[Page], by_name: Mapping[str, Page]) -> Callable[..., str]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    css = (TEMPLATES / "book.css").read_text(encoding="utf-8")
    common = {
        "generator": GENERATOR,
        "css": Markup(f"{_FONTS}\n{css}"),  # noqa: S704 - our own file
        "site": True,
        "script_source": "",
        "parts": PARTS,
        "pages": pages,
        "by_name": by_name,
    }

    def make(file: str, template: str = "", **what: Any) -> str:
        found = environment.get_template(f"{template or file}.j2")
        return found.render(**(common | {"file": file} | what))

    return make


def _where(by_name: Mapping[str, Page]) -> Callable[[str, Evidence], str]:
    """Return what finds the address of the cell that shows a difference."""

    def where(notebook: str, evidence: Evidence) -> str:
        page = by_name.get(notebook)
        if page is None:
            return ""
        anchor = anchor_of(evidence, page.code)
        return f"{page.file}#{anchor}" if anchor else page.file

    return where


def _runs(records: Sequence[Record], by_name: Mapping[str, Page]) -> list[dict[str, Any]]:
    """Return what the pages say about each run."""
    return [
        {
            "notebook": record.notebook,
            "setting": setting,
            "date": numbers.date(record.provenance.started),
            "commit": (record.provenance.git_commit or "")[:12],
            "time": numbers.duration(record.cost.wall_seconds),
            "memory": numbers.gigabytes(record.cost.peak_memory_mb),
            "command": repeat_command(record, by_name[record.notebook].defaults)
            if record.notebook in by_name
            else repeat_command(record, {}),
            "parameters": [
                (name, numbers.as_typed(value)) for name, value in record.parameters.items()
            ],
            "hashes": sorted(record.provenance.hashes.items()),
        }
        for record, setting in zip(records, summary.settings(records), strict=True)
    ]


def _readings(pages: Sequence[Page]) -> list[tuple[Page, str]]:
    """Return what each notebook names as its sources, as it stands there: clean HTML."""
    found = []
    for page in pages:
        shown: list[str] = []
        for cell in page.cells:
            if "Sources" not in cell and "Read on" not in cell:
                continue  # parsing the cells of code takes seconds
            soup = bs4.BeautifulSoup(cell, "html.parser")
            prose = soup.find("div", class_="text", recursive=False)
            inside = False
            for element in prose.find_all(True, recursive=False) if prose else []:
                if element.name in ("h1", "h2", "h3"):
                    inside = element.get_text().strip(" ¶\n") in ("Sources", "Read on")
                elif inside or element.get_text().startswith("Read on."):
                    shown.append(str(element))
        if shown:
            found.append((page, "".join(shown)))
    return found
