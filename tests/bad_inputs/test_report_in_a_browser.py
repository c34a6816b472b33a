"""A script in a data set never runs in the report; shown in a browser without a network."""

import shutil
import subprocess
from html.parser import HTMLParser

import nbformat
import pytest

from helpers import ROOT
from helpers.report.book import build
from helpers.runs.schema import load_record
from helpers.show import tables

EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")  # fmt: skip


class Tags(HTMLParser):
    """Collects the names of elements and of their attributes."""

    def __init__(self):
        super().__init__()
        self.names, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def page(tmp_path):
    """A report whose every kind of output carries a script."""
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_markdown_cell(f"# 02 Linear transfer\n\n**Question.** Safe? {EVIL}"),
        nbformat.v4.new_code_cell("show()", execution_count=1),
    ]
    texts = [{"text": EVIL, "n": 1}, {"text": "$x$ =1+1 \x1b[31m \u202e", "n": 2}]
    made.cells[1].outputs = [
        nbformat.v4.new_output("display_data", {"text/html": tables.to_html(texts, EVIL), "text/plain": "t"}),
        nbformat.v4.new_output("display_data", {"text/html": EVIL, "text/plain": "raw"}),
        nbformat.v4.new_output("display_data", {"text/markdown": EVIL + tables.literal(EVIL), "text/plain": "m"}),
        nbformat.v4.new_output("display_data", {"application/javascript": "document.title='owned'", "text/plain": "j"}),
        nbformat.v4.new_output("display_data", {"image/svg+xml": f"<svg onload=\"document.title='owned'\">{EVIL}</svg>", "text/plain": "s"}),
        nbformat.v4.new_output("stream", name="stdout", text=EVIL),
    ]  # fmt: skip
    notebook, record = tmp_path / "02_linear_transfer.ipynb", tmp_path / "record.json"
    nbformat.write(made, notebook)
    shipped = ROOT / "data" / "reference" / "quick" / "02_linear_transfer.json"
    found = load_record(shipped)
    found.parameters["corpus"] = EVIL
    record.write_text(found.model_dump_json(), encoding="utf-8")
    build([notebook], [record], tmp_path / "report")
    return tmp_path / "report"


def test_no_script_is_in_the_pages(page):
    for file in page.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        tags = Tags()
        tags.feed(text)
        assert "<script>document" not in text
        # The search's own program is the only one, and its page allows no other by its hash.
        assert ("script" in tags.names) == (file.name == "search.html")
        assert not [name for name in tags.attributes if name.startswith("on")]
        assert "\x1b" not in text and "\u202e" not in text
    assert "document.title" in (page / "02_linear_transfer.html").read_text(encoding="utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("name", ["02_linear_transfer.html", "index.html"])
def test_nothing_runs_in_a_browser(page, name):
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000"]
    done = subprocess.run(
        [*words, "--dump-dom", f"file://{page / name}"], capture_output=True, text=True, timeout=120
    )
    assert "</html>" in done.stdout
    assert "<title>owned" not in done.stdout and "owned</title>" not in done.stdout
