"""The index that the report's search page looks words up in: claims, terms and sections of pages.

It is a list in the page itself: a browser reads no second file from a folder without a server.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import bs4

from helpers.report.pages import Page
from helpers.report.verdict_rows import Judged
from helpers.runs.course import Term

MOST = 1_500
"""Characters of a section that can be found; what is longer is cut."""

_NAMED = bs4.SoupStrainer(["caption", "summary", "img"])
"""What of the cells of code is found; building the rest of their trees takes seconds."""

Entry = dict[str, str]
"""``kind`` (claim, term, notebook), ``title``, ``place``, ``url`` and ``text``."""


def entries(pages: Sequence[Page], claims: Iterable[Judged], terms: Iterable[Term]) -> list[Entry]:
    """Return what can be found: claims and terms first, then the sections of the notebooks.

    >>> entries([], [], [Term(term="arm", chinese="对照组", means="One way.")])[0]["url"]
    'glossary.html#arm'
    """
    found = [
        {
            "kind": "claim",
            "title": f"{each.claim.id} {each.claim.statement}",
            "place": each.verdict,
            "url": f"claims.html#{each.claim.id}",
            "text": each.claim.reading,
        }
        for each in claims
    ]
    found += [
        {
            "kind": "term",
            "title": f"{entry.term} {entry.chinese}",
            "place": "Glossary",
            "url": f"glossary.html#{anchor(entry.term)}",
            "text": entry.means,
        }
        for entry in terms
    ]
    for page in pages:
        found += sections(page)
    return found


def anchor(term: str) -> str:
    """Return a term as the id of its place on the page of the glossary.

    >>> anchor("L2-SP (penalty)")
    'l2-sp-penalty'
    """
    return re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def sections(page: Page) -> Iterator[Entry]:
    """Yield a page's sections: the words under a heading, captions, descriptions of pictures."""
    title, url, words = page.title, page.file, []
    for cell in page.cells:
        if not cell.startswith('<div class="text">'):
            soup = bs4.BeautifulSoup(cell, "html.parser", parse_only=_NAMED)
            words += [each.get_text() for each in soup.find_all(["caption", "summary"])]
            words += [str(each.get("alt", "")) for each in soup.find_all("img")]
            continue
        prose = bs4.BeautifulSoup(cell, "html.parser").div
        assert prose
        for element in prose.find_all(True, recursive=False):
            if element.name in ("h1", "h2", "h3") and element.get("id"):
                yield _entry(page, title, url, words)
                for mark in element.find_all("a", class_="anchor"):
                    mark.decompose()
                title, words = " ".join(element.get_text().split()), []
                url = page.file if element.name == "h1" else f"{page.file}#{element['id']}"
            else:
                words.append(element.get_text(" "))
    yield _entry(page, title, url, words)


def _entry(page: Page, title: str, url: str, words: Iterable[str]) -> Entry:
    text = " ".join(" ".join(words).split())
    place = page.title if title != page.title else "Notebook"
    return {"kind": "notebook", "title": title, "place": place, "url": url, "text": text[:MOST]}


def as_script(found: Sequence[Entry]) -> str:
    """Return the index as JSON that can stand inside a ``script`` element.

    >>> as_script([{"title": "</script><script>x()"}])
    '[{"title": "\\\\u003c/script>\\\\u003cscript>x()"}]'
    """
    seen: set[tuple[str, str]] = set()
    once: list[dict[str, Any]] = []
    for entry in found:
        key = (entry.get("url", ""), entry.get("title", ""))
        if (entry.get("text") or entry.get("title")) and key not in seen:
            seen.add(key)
            once.append(entry)
    return json.dumps(once, ensure_ascii=False).replace("<", "\\u003c")


def allowed(script: str) -> str:
    """Return `script` as a source of a Content-Security-Policy: it alone may run.

    >>> allowed("x()")[:12]
    "'sha256-D6IG"
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest())
    return f"'sha256-{digest.decode('ascii')}'"
