from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import UserError
from helpers.evaluation.significance import Interval
from helpers.show import tables


def example():
    return pd.DataFrame(
        {
            "strategy": ["full", "linear_probe", "majority"],
            "labels": [64, 1024, 0],
            "F1": [0.91249, -0.00001, np.nan],
            "gain": [Interval(0.1, 0.05, 0.15, 9, 0.95, ""), None, Interval(0, 0, 0, 1, 0.95, "")],
            "ok": [True, False, np.True_],
        }
    )


class Elements(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.cells, self.open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_html_reads_back_as_the_same_table():
    page = tables.to_html(example(), "Results")
    cells = Elements(page).cells
    assert cells[:5] == ["strategy", "labels", "F1", "gain", "ok"]
    assert cells[5:10] == ["full", "64", "0.912", "0.100 [0.050, 0.150]", "yes"]
    assert cells[10:15] == ["linear_probe", "1024", "-1.0e-05", "–", "no"]


def test_html_is_accessible_scrollable_and_aligned():
    found = Elements(tables.to_html(example(), "Results of <R8>"))
    tags = dict(found.tags)
    assert tags["div"] == {
        "class": "table-scroll",
        "role": "region",
        "aria-label": "Results of <R8>",
        "tabindex": "0",
        "style": "overflow-x:auto",
    }
    assert "measured" in tags["table"]["class"] and "mathjax_ignore" in tags["table"]["class"]
    assert "caption" in tags
    heads = [attrs for tag, attrs in found.tags if tag == "th"]
    assert {attrs["scope"] for attrs in heads} == {"col"}
    sides = [attrs["style"] for attrs in heads]
    assert [s.split(":")[1] for s in sides] == ["left", "right", "right", "right", "left"]
    assert not found.open


def test_text_is_aligned_rounded_and_whole():
    assert tables.to_text(example(), "Results", digits={"F1": 1, "gain": 2}).splitlines() == [
        "Results",
        "strategy      labels        F1               gain  ok",
        "full              64       0.9  0.10 [0.05, 0.15]  yes",
        "linear_probe    1024  -1.0e-05                  –  no",
        "majority           0         –  0.00 [0.00, 0.00]  yes",
    ]
    long = "word " * 400
    wide = pd.DataFrame({f"column {i}": [long] for i in range(20)})
    text = tables.to_text(wide, "Wide")
    assert len(text.splitlines()) == 3
    assert text.count("word word") and "…" not in text and "..." not in text


@pytest.mark.parametrize(
    ("value", "digits", "cell"),
    [
        (0.0005, 3, "0.001"),  # what Python's rounding of 0.0005 gives
        (-0.0, 3, "0.000"),
        (1e-17, 3, "0.000"),
        (2e-5, 3, "2.0e-05"),
        (2e-5, 5, "0.00002"),
        (float("inf"), 3, "∞"),
        (float("-inf"), 3, "-∞"),
        (np.float32(0.5), 1, "0.5"),
        (np.int64(12345678), 3, "12345678"),
        (pd.NaT, 3, "–"),
        (pd.NA, 3, "–"),
    ],
)
def test_cells(value, digits, cell):
    frame = pd.DataFrame({"x": pd.Series([value], dtype=object)})
    assert tables.to_text(frame, "c", digits=digits).splitlines()[-1] == cell


def test_hostile_text_is_shown_as_text():
    hostile = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "&lt;b&gt;",
        "\x1b[31mred\x07",
        "\u202egnp.exe\u2066",
        "two\r\nlines\ttab",
        "costs $5 or $6",
        "broken \ud800 half",  # pandas' own strings refuse it, objects carry it
    ]
    frame = pd.DataFrame(
        {"<b>text</b>": hostile}, index=pd.Index(["<i>"] * 8, name="<u>"), dtype=object
    )
    page = tables.to_html(frame, "<script>caption</script>")
    found = Elements(page)
    known = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in found.tags} <= known
    assert found.cells[0:2] == ["<u>", "<b>text</b>"]
    assert "<script>alert(1)</script>" in found.cells
    assert "&lt;b&gt;" in found.cells
    for text in (page, tables.to_text(frame, "<script>caption</script>")):
        text.encode("utf-8")
        assert not set("\x1b\x07\r\t\u202e\u2066") & set(text)
        assert "U+202E" in text and "U+001B" in text and "U+D800" in text
    assert len(tables.to_text(frame, "c").splitlines()) == 10


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_stays_in_its_cell(values):
    frame = pd.DataFrame({"text": values, "n": range(len(values))})
    found = Elements(tables.to_html(frame, "Any"))
    assert found.cells[2::2] == [tables.safe(value) for value in values]
    assert len(tables.to_text(frame, "Any").split("\n")) == len(values) + 2


def test_index_and_column_levels():
    frame = pd.DataFrame(
        [[1, 2.0]],
        index=pd.MultiIndex.from_tuples([("r8", 16)], names=["corpus", "labels"]),
        columns=pd.MultiIndex.from_tuples([("probe", "n"), ("probe", "F1")]),
    )
    header, row = tables.to_text(frame, "Levels").splitlines()[1:]
    assert header.split("  ")[0] == "corpus" and "probe / n" in header and "probe / F1" in header
    assert row.split() == ["r8", "16", "1", "2.000"]
    found = Elements(tables.to_html(frame, "Levels"))
    assert [a.get("scope") for t, a in found.tags if t == "th"].count("row") == 2


def test_chinese_takes_two_columns_a_character():
    frame = pd.DataFrame({"name": ["迁移学习", "ab"], "n": [1, 22]})
    lines = tables.to_text(frame, "Wide").splitlines()
    assert lines[2:] == ["迁移学习   1", "ab        22"]


def test_no_rows_say_so():
    empty = pd.DataFrame({"a": [], "b": []})
    assert tables.to_text(empty, "None").splitlines()[-1] == "(no rows)"
    assert "(no rows)" in tables.to_html(empty, "None")


def test_series_and_lists_of_rows_are_tables():
    assert "16" in tables.to_text(pd.Series([16], name="n"), "Series")
    assert "16" in tables.to_text([{"n": 16}], "Rows")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tables.to_text(example(), ""), "needs a caption"),
        (lambda: tables.to_html(pd.DataFrame(), "Nothing"), "no columns"),
        (lambda: tables.to_text(example(), "c", digits=-1), "digits must be"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, says):
    with pytest.raises(UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
