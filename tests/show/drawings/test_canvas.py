import base64
import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib as mpl
import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert.filters import get_metadata

from helpers import UserError
from helpers.report import pages
from helpers.report.markdown_html import Prose
from helpers.show import styling
from helpers.show.drawings import boxes, canvas
from helpers.show.drawings.canvas import Box, Canvas

ALT = "Text <b>goes</b> into a model & out."


def example(word="text 文本"):
    made = Canvas(60)
    given = made.box(2, 4, 30, 10, word, kind="data")
    model = made.box(62, 4, 36, 10, "model", kind="trained", bold=True)
    made.arrow(given, model, "tokens", bend=0.1)
    made.tokens(2, 20, list(boxes.KINDS), width=15, kinds=list(boxes.KINDS))
    made.grid(20, 34, [[True, False], [True, True]], rows=["a", "b"], columns=["a", "b"])
    made.bracket(50, 90, 34, "two\nlines")
    made.key(50, 45, {"frozen": "frozen", "new": "new"})
    made.caption("What a model is given.")
    return made


def texts(svg):
    return [each.text for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("}text")]


def test_equal_drawings_are_equal_text_without_date_or_version():
    first, second = (canvas.svg(example().figure, ALT) for _ in range(2))
    assert first == second != canvas.svg(example("another").figure, ALT)
    assert not re.search(r"dc:date|matplotlib", first.lower())


def test_the_style_of_figures_changes_no_drawing(monkeypatch):
    monkeypatch.setattr(styling, "_styled", styling._styled)  # as the style, undone at the end
    with mpl.rc_context():
        mpl.rcdefaults()
        plain = canvas.svg(example().figure, ALT)
        styling.style()
        assert canvas.svg(example().figure, ALT) == plain


def test_text_stays_text_in_fonts_that_have_chinese():
    svg = canvas.svg(example().figure, ALT)
    assert {"text 文本", "model", "tokens", "trained", "ignored"} <= set(texts(svg))
    fonts = set(re.findall(r"font: [^;\"]*|font-family: [^;\"]*", svg))
    assert fonts and all("'Noto Sans CJK SC'" in one and "sans-serif" in one for one in fonts)


def test_the_title_says_what_is_shown_and_nothing_is_loaded():
    root = ElementTree.fromstring(canvas.svg(example().figure, f"  {ALT}\n"))
    assert root.find("{http://www.w3.org/2000/svg}title").text == ALT
    assert not [
        one for one in root.iter() if one.tag.endswith(("script", "}image", "foreignObject"))
    ]


def test_a_drawing_stands_on_its_own_light_panel_six_inches_wide():
    root = ElementTree.fromstring(canvas.svg(example().figure, ALT))
    assert root.get("width") == "432pt"
    first = next(one for one in root.iter() if one.tag.endswith("}path"))
    assert "fill: #ffffff" in first.get("style")


def test_kinds_are_told_apart_without_colour():
    shapes = {
        (look.get("linestyle", "-"), look.get("linewidth", 1.4), look.get("hatch"))
        for name, look in boxes.KINDS.items()
        if name not in ("plain", "data")  # neither is a set of parameters
    }
    assert len(shapes) == len(boxes.KINDS) - 2


def test_spills_finds_text_that_leaves_its_box_or_the_canvas():
    made = example()
    assert canvas.spills(made.figure) == []
    made.box(2, 28, 10, 5, "far too long for it")
    made.text(99, 50, "over the edge", align="left")
    assert canvas.spills(made.figure) == ["far too long for it", "over the edge"]


@pytest.mark.parametrize(
    ("end", "points"),
    [
        (Box(60, 12, 10, 10), ((30, 15), (60, 17))),  # to its right
        (Box(0, 12, 5, 10), ((10, 15), (5, 17))),  # to its left
        (Box(12, 40, 10, 10), ((20, 20), (17, 40))),  # below it
        (Box(12, 0, 10, 5), ((20, 10), (17, 5))),  # above it
        ((50.0, 15.0), ((30, 15), (50, 15))),  # a point
    ],
)
def test_arrows_join_the_sides_that_face_each_other(end, points):
    made = Canvas(60)
    made.arrow(Box(10, 10, 20, 10), end)
    (arrow,) = made.axes.patches
    assert tuple(arrow._posA_posB) == points


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Canvas(0), "must be higher than 0 units, not 0"),
        (lambda: Canvas(9).box(0, 0, 1, 1, kind="thawed"), "no box of kind 'thawed'; there are pl"),
        (lambda: Canvas(9).tokens(0, 0, ["a", "b"], kinds=["data"]), "2 tokens need as many kinds"),
        (lambda: Canvas(9).grid(0, 0, [1, 0]), "rows and columns, not 1 dim"),
        (lambda: Canvas(9).drawing(" "), "needs alt"),
        (lambda: canvas.show(Canvas(9).figure, ""), "needs alt"),
        (lambda: canvas.svg(Canvas(9).figure, None), "needs alt"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def shown():
    """The output of a cell that shows a drawing."""
    code = (
        "from helpers.show.drawings import canvas\n"
        "made = canvas.Canvas(20)\n"
        "made.box(2, 2, 30, 10, '文本 $x$')\n"
        f"canvas.show(*made.drawing({json.dumps(ALT)}))"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    return output


def test_shown_in_a_notebook_as_svg_and_png_with_alternative_text(shown):
    assert shown.output_type == "display_data"
    assert shown.data["text/plain"] == ALT
    assert texts(shown.data["image/svg+xml"]) == ["文本 $x$"]
    assert base64.b64decode(shown.data["image/png"]).startswith(b"\x89PNG")
    for kind in ("image/svg+xml", "image/png"):
        assert get_metadata(shown, "alt", kind) == ALT


def test_comes_through_the_report_as_an_image_with_alternative_text(shown):
    prose = Prose("06_bert_finetuning", path=".", link=lambda url: None)
    page = pages._output(shown, prose, lambda url: None, "cell c1")
    picture = r'<img src="data:image/svg\+xml;base64,([^"]*)" alt="([^"]*)">'
    found = re.fullmatch(f'<figure class="output">{picture}</figure>', page)
    assert base64.b64decode(found[1]).decode() == shown.data["image/svg+xml"]
    assert found[2] == "Text &lt;b&gt;goes&lt;/b&gt; into a model &amp; out."


def test_shown_outside_a_notebook_as_text():
    code = (
        "from helpers.show.drawings import canvas; canvas.show(canvas.Canvas(9).figure, 'A panel.')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("A panel.\n", "")
