"""The book: the executed notebooks and what they measured, as pages that need no network.

Every page stands alone: its styles, its figures, its formulas (MathML), its charts (SVG) and the
fonts that it needs are in the file. A Content-Security-Policy keeps the browser from running or
loading anything, whatever a text of a data set may hold; only the page of the search runs a script,
our own, known by its hash. What the pages hold: :mod:`helpers.report.site`.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from helpers import UserError
from helpers.report import site
from helpers.report.pages import Page, page_of
from helpers.runs.schema import Record, load_record


def build(
    notebooks: Sequence[Path],
    records: Sequence[Path],
    out: Path,
    sources: Sequence[site.Source] = (),
) -> Path:
    """Write ``out/index.html`` and a page per executed notebook; return the path of the index.

    `notebooks` are executed notebooks named as in the repository (``06_bert_finetuning.ipynb``)
    or lying in a folder named so; `records` are the JSON files that their runs wrote. Each
    notebook needs a record: only a record says that a run came to its end. `sources` are the
    texts and weights that the page of references names.

    The report is written beside `out` and put in its place when it is whole, so a report that is
    there already stays until then. The same notebooks and records give the same bytes.

    Raises:
        UserError: for a missing or broken notebook or record, for a notebook never executed or
            without a record, for a formula or chart that cannot be shown (notebook, cell and
            formula are named), and for a folder `out` that holds something other than a report.

    >>> build([], [], Path("report"))
    Traceback (most recent call last):
        ...
    helpers.UserError: There is nothing to report on: no notebooks were given; run some first.
    """
    if not notebooks:
        raise UserError("There is nothing to report on: no notebooks were given; run some first.")
    loaded = [load_record(path) for path in sorted(records)]
    loaded.sort(key=lambda record: record.notebook)
    pages = _pages(notebooks, loaded)
    return _replace(out, site.render(pages, loaded, sources))


def _pages(notebooks: Sequence[Path], records: Sequence[Record]) -> list[Page]:
    """Return the pages, in the notebooks' order."""
    known = {record.notebook for record in records}
    named = []
    for path in notebooks:
        name = next((name for name in (path.stem, path.parent.name) if name in known), None)
        if name is None:
            if not path.exists():
                raise UserError(f"There is no notebook {path}.")
            raise UserError(
                f"The notebook {path} has no record, so its run did not come to its end: run it "
                "again, and give its record to the report."
            )
        named.append((name, path))
    named.sort(key=lambda pair: (pair[0], str(pair[1])))
    # A sweep runs one notebook several times: one page each.
    runs = Counter(name for name, _ in named)
    files = [
        f"{name}.html" if runs[name] == 1 else f"{name}-{path.stem.removeprefix(name)}.html"
        for name, path in named
    ]
    if len(set(files)) < len(files):
        twice = next(file for file, count in Counter(files).items() if count > 1)
        raise UserError(f"Two notebooks would make the same page {twice}; give each one once.")
    links: dict[str, str] = {}
    for (name, path), file in zip(named, files, strict=True):
        links.setdefault(name, file)
        links.setdefault(path.stem, file)
    return [
        page_of(path, name, file, links) for (name, path), file in zip(named, files, strict=True)
    ]


def _replace(out: Path, files: dict[str, str]) -> Path:
    """Put a folder with `files` in the place of the report at `out`, whole or not at all."""
    out = out.absolute()
    new, old = (out.with_name(f".{out.name}.{state}") for state in ("new", "old"))
    try:
        if old.exists() and not out.exists():  # killed between the two renames below
            old.rename(out)
        _refuse_foreign(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text, encoding="utf-8")
        if out.exists():
            out.rename(old)
        new.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise UserError(
            f"Cannot write the report to {out}: {error.strerror or error}; free some space or "
            "name another folder."
        ) from None
    return out / "index.html"


def _refuse_foreign(out: Path) -> None:
    """Raise unless `out` is free, empty or a report: replacing a folder deletes what is in it."""
    if not out.exists():
        return
    index = out / "index.html"
    ours = index.is_file() and f'content="{site.GENERATOR}"' in index.read_text(errors="replace")
    if not ours and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            f"{out} holds something other than a report and is left alone; name another folder."
        )
