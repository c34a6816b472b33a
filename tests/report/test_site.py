"""Every page of the report of all notebooks: whole in itself, readable by all, nothing dangling."""

import base64
import io
import itertools
import re
from functools import cache
from urllib.parse import unquote

import bs4
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from helpers import ROOT
from helpers.report import fonts, search
from helpers.report.site import TEMPLATES

NOTEBOOKS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
OTHERS = ["index", "claims", "results", "glossary", "references", "origin", "search"]
PAGES = [f"{name}.html" for name in (*OTHERS, *NOTEBOOKS)]
of_every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def read(whole_report):
    """Return what reads a page of the report: its text, parsed."""

    @cache
    def page(name):
        text = (whole_report / name).read_text(encoding="utf-8")
        return bs4.BeautifulSoup(text, "lxml")

    return page


@pytest.mark.slow  # it builds them
def test_the_report_has_these_pages(whole_report):
    assert {path.name for path in whole_report.iterdir()} == set(PAGES)


@of_every_page
def test_a_page_is_light(whole_report, name):
    most = 400_000 if name == "index.html" else 1_000_000
    assert (whole_report / name).stat().st_size <= most


@of_every_page
def test_a_page_asks_for_nothing(whole_report, read, name):
    page = read(name)
    assert page.find_all(["link", "iframe", "object", "embed", "base", "audio", "video"]) == []
    for element in page.find_all(src=True):
        assert element["src"].startswith("data:image/"), element["src"][:60]
    for style in page.find_all("style"):
        assert not re.search(r"@import|url\((?!data:|#)", style.string)
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    run = [each for each in page.find_all("script") if each.get("type") != "application/json"]
    assert len(run) == (name == "search.html") and ("script-src" in policy) == bool(run)
    for script in run:
        assert search.allowed(script.string) in policy


@of_every_page
def test_pictures_are_there_and_described(read, name):
    for picture in read(name).find_all("img"):
        assert len(picture["alt"]) > 3 and "\\" not in picture["alt"], picture["alt"]
        data = base64.b64decode(picture["src"].partition(",")[2])
        if "svg" not in picture["src"][:30]:
            assert min(Image.open(io.BytesIO(data)).size) > 20
    for drawing in read(name).find_all("svg"):
        labels = [drawing.find(id=label) for label in drawing.get("aria-labelledby", "").split()]
        assert drawing.get("aria-label") or any(each and each.get_text() for each in labels)


@of_every_page
def test_no_formula_is_left_raw(whole_report, name):
    page = bs4.BeautifulSoup((whole_report / name).read_text(encoding="utf-8"), "lxml")
    for element in page.find_all(["pre", "code", "style", "script", "math"]):
        element.decompose()
    text = page.get_text(" ")
    assert not re.search(r"\\(?:[a-zA-Z]{2,}\b|[()\[\]])", text)
    assert not re.search(r"\$[^$\n]{0,80}[_^{}][^$\n]{0,80}\$", text)


@of_every_page
def test_links_within_the_report_lead_somewhere(whole_report, read, name):
    for link in read(name).find_all("a", href=True):
        file, _, anchor = link["href"].partition("#")
        if re.match(r"https?://|mailto:", file):
            continue
        target = read(file or name) if (whole_report / (file or name)).exists() else None
        assert target is not None, link
        assert not anchor or target.find(id=unquote(anchor)) is not None, link


@of_every_page
def test_ids_are_unique_and_headings_in_order(read, name):
    page = read(name)
    ids = [element["id"] for element in page.find_all(id=True)]
    assert len(ids) == len(set(ids)), {each for each in ids if ids.count(each) > 1}
    levels = [int(heading.name[1]) for heading in page.find_all(re.compile(r"h[1-6]\Z"))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels


@of_every_page
def test_everything_has_a_name(read, name):
    page = read(name)
    assert page.html["lang"] == "en" and page.main["id"] == "main"
    assert page.find("a", class_="skip")["href"] == "#main"
    for field in page.find_all("input", type=lambda kind: kind != "checkbox"):
        assert page.find("label", {"for": field["id"]}).get_text(strip=True)
    for control in page.find_all(["button", "a", "summary"]):
        assert control.get("aria-label") or control.get_text(strip=True) or control.find("img")
    for nav in page.find_all("nav"):
        assert nav["aria-label"]
    for table in page.find_all("table"):
        assert table.find("caption") or table.parent.get("aria-label")
    for chinese in page.select("dt > span, p.lead > span"):
        assert chinese["lang"] == "zh"


def test_titles_tell_the_pages_apart(read):
    titles = [read(name).title.get_text() for name in PAGES]
    assert len(set(titles)) == len(PAGES) and all(titles)


@of_every_page
def test_no_chinese_character_is_a_box(whole_report, name):
    text = (whole_report / name).read_text(encoding="utf-8")
    shown = fonts.chinese_in(bs4.BeautifulSoup(text, "lxml").body.get_text())
    face = re.search(rf'"{fonts.HAN}";src:url\(data:font/woff;base64,([^)]+)\)', text)
    if shown:
        font = TTFont(io.BytesIO(base64.b64decode(face[1])))
        assert shown <= {chr(sign) for sign in font.getBestCmap()}
        assert "SIL Open Font License" in font["name"].getDebugName(13)
    assert f'"{fonts.HAN}"' in (TEMPLATES / "book.css").read_text(encoding="utf-8")


def test_a_claim_leads_to_the_cell_that_shows_its_number(read):
    links = read("claims.html").select("td.evidence a")
    rows = [row for row in links if "[" in row.get_text() and ";" not in row.get_text()]
    assert len(rows) > 40
    showing = 0
    for row in rows:
        file, _, anchor = row["href"].partition("#")
        assert anchor.startswith("cell-"), row
        shown = read(file).find(id=anchor).get_text(" ").replace("-", "−")
        showing += row.get_text().replace("−0.000", "0.000") in shown
    # the others are drawn or only recorded there
    assert showing / len(rows) > 0.6


def test_verdicts_come_first_and_every_claim_has_one_row(read):
    page = read("index.html")
    assert page.find(class_="opening").find_all(class_="bar")[0].dt.get_text().startswith("Pretr")
    rows = page.select("ol.claims > li")
    assert [row["id"] for row in rows] == [f"C{n:02}" for n in range(1, 21)]
    for row in rows:
        assert row.select_one(".judged .verdict").get_text(strip=True)
        assert row.select_one(".measured").get_text(strip=True)
    told = sum(
        int(re.search(r"\d+", group.get_text())[0]) for group in page.select(".tally .verdict")
    )
    assert told == 20


@pytest.mark.parametrize("name", [f"{name}.html" for name in NOTEBOOKS])
def test_a_notebook_ends_with_the_command_that_repeats_it(read, name):
    command = read(name).footer.pre.get_text()
    assert command.startswith(f".venv/bin/python -m helpers run {name[:2]}")


# Colours, as WCAG 2 reckons them.


def colours(dark):
    css = (TEMPLATES / "book.css").read_text(encoding="utf-8").partition("@media print")[0]
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[: 2 if dark else 1]
    return {
        name: value
        for block in blocks
        for name, value in re.findall(r"--([\w-]+): (#\w{6})", block)
    }


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_stand_out_from_their_ground(dark):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    found = colours(dark)
    words = [name for name in found if name in ("ink", "quiet", "link", "good", "bad", "open")]
    code = [name for name in found if name.startswith("code-")]
    assert len(words) == 6 and len(code) == 4
    for ground in ("paper", "panel", "mark"):
        for name in words + code:
            assert contrast(found[name], found[ground]) >= 4.5, (name, ground)
    for bar in ("bar", "bar-other"):
        assert contrast(found[bar], found["panel"]) >= 2, bar  # its number stands beside it
    assert contrast(found["quiet"], found["paper"]) >= 3  # the frame of a field
