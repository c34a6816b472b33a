"""Entities in HTML: coloured, named in words, and whatever the text holds stays text."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.report.markdown_html import clean
from helpers.show import highlight as page
from helpers.show.highlight import highlight, in_brackets, show
from helpers.tasks.tags import TYPES, Span


class Elements(HTMLParser):
    def __init__(self, markup):
        super().__init__()
        self.tags, self.marks, self.text, self.depth = [], [], "", 0
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "mark":
            self.marks.append(["", dict(attrs)])
        self.depth += tag == "mark"

    def handle_endtag(self, tag):
        self.depth -= tag == "mark"

    def handle_data(self, data):
        self.text += data
        if self.depth:
            self.marks[-1][0] += data


def test_every_entity_is_coloured_and_names_its_type():
    found = Elements(highlight("江泽民在北京", [Span(4, 6, "LOC"), Span(0, 3, "PER")]))
    assert [text for text, _ in found.marks] == ["江泽民 PER", "北京 LOC"]
    assert found.text == "江泽民 PER在北京 LOC"
    styles = [attributes["style"] for _, attributes in found.marks]
    assert page.COLOURS["PER"] in styles[0]
    assert page.COLOURS["LOC"] in styles[1]
    assert found.marks[0][1]["class"] == "entity entity-per"


def test_each_type_has_a_colour_of_its_own_that_can_be_read():
    assert set(page.COLOURS) == set(TYPES)
    assert len({*page.COLOURS.values(), page.OTHER}) == len(TYPES) + 1

    def light(colour):  # WCAG 2, relative luminance
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (*page.COLOURS.values(), page.OTHER):
        assert (light(colour) + 0.05) / (light(page.INK) + 0.05) >= 7


@pytest.mark.parametrize("spans", [[], [(0, 6, "PER")], [(2, 40, "LOC")]])
def test_markup_in_the_text_is_text(spans):
    text = '</p><script>alert("1")</script><img src=x onerror="x()">&amp;'
    markup = highlight(text, spans)
    found = Elements(markup)
    assert set(found.tags) <= {"p", "mark", "small"}
    assert "<script" not in markup
    labels = "".join(f" {name}" for *_, name in spans)
    assert sorted(found.text) == sorted(text + labels)


def test_a_type_of_another_name_is_shown_and_escaped():
    found = Elements(highlight("北京", [(0, 2, '"><script>')]))
    assert found.tags == ["p", "mark", "small"]
    assert found.marks[0][0] == '北京 "><script>'
    assert found.marks[0][1]["class"] == "entity entity-other"


def test_what_acts_is_written_out():
    markup = highlight("a\u202eb\x1b[31m", [(1, 2, "PER")])
    assert "&lt;U+202E&gt;" in markup
    assert "&lt;U+001B&gt;" in markup
    assert "\u202e" not in in_brackets("a\u202eb", [])


def test_the_report_keeps_words_classes_and_labels():
    found = Elements(clean(highlight("在北京<b>", [(1, 3, "LOC")])))
    assert found.text == "在北京 LOC<b>"
    assert found.marks[0][1]["class"] == "entity entity-loc"


@given(st.text(max_size=20), st.data())
def test_the_text_is_all_there(text, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = [(a, b, "PER") for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    plain = Elements(highlight(text, [])).text
    assert Elements(highlight(text, spans)).text.replace(" PER", "") == plain.replace(" PER", "")


def test_characters_may_be_a_list():
    assert highlight(list("在北京"), [(1, 3, "LOC")]) == highlight("在北京", [(1, 3, "LOC")])


@pytest.mark.parametrize(
    "spans", [[(0, 3, "PER"), (2, 4, "LOC")], [(2, 9, "LOC")], [(1, 1, "PER")]]
)
def test_spans_that_do_not_fit_are_a_sentence(spans):
    with pytest.raises(UserError, match=r"overlaps another entity|does not lie in a text of 6"):
        highlight("江泽民在北京", spans)


def test_show_says_the_same_in_words(capsys):
    show([("江泽民在北京", iter([(0, 3, "PER")])), ("好", [])], "Found")
    assert capsys.readouterr().out == "Found\n[江泽民 PER]在北京\n好\n"
