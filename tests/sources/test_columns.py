"""Which columns are read: guessed where it is plain, several joined, else advice for the door."""

import pytest

from helpers import UserError
from helpers.base import doors
from helpers.sources.columns import Chosen, choose_columns, columns
from helpers.sources.rows import Rows


def rows(n=12, **cells):
    values = [{name: made(i) for name, made in cells.items()} for i in range(n)]
    return Rows("x.csv", "line", range(2, n + 2), values)


def text(i):
    return f"some words of text number {i}"


def label(i):
    return "ab"[i % 2]


GUESSED = [
    ({"review": text, "sentiment": label}, ("review",), "sentiment"),
    ({"Text": text, "LABEL": label}, ("Text",), "LABEL"),
    ({"id": str, "tweet": text, "topic": label}, ("tweet",), "topic"),
    ({"v1": label, "v2": text}, ("v2",), "v1"),
    ({"text": text, "score": lambda i: i % 2}, ("text",), "score"),
]


@pytest.mark.parametrize(("cells", "texts", "label_column"), GUESSED)
def test_plain_columns_are_guessed_and_told(cells, texts, label_column):
    found = choose_columns(rows(**cells), "text", "label")
    assert (found.texts, found.label) == (texts, label_column)
    assert len(found.notes) == 1 and label_column in found.notes[0]


def test_what_was_guessed_is_told_in_a_sentence():
    assert choose_columns(rows(review=text, sentiment=label), "text", "label").notes == (
        "The texts of x.csv are taken from its column 'review', the classes from 'sentiment'.",
    )
    assert choose_columns(rows(text=text, sentiment=label), "text", "label").notes == (
        "The classes of x.csv are taken from its column 'sentiment'.",
    )
    assert choose_columns(rows(text=text, label=label), "text", "label") == Chosen(
        ("text",), "label"
    )


@pytest.mark.parametrize(
    ("cells", "text_column", "label_column", "says"),
    [
        ({"review": text, "comment": text, "label": label}, "text", "label", "no text column 'text'"),
        ({"review": text, "label": label}, "body", "label", "no text column 'body'"),
        ({"text": text, "sentiment": label}, "text", "klass", "no label column 'klass'"),
        ({"text": text, "topic": label, "class": label}, "text", "label", "no label column 'label'"),
        ({"v1": label, "v2": text, "v3": text}, "text", "label", "no text column 'text'"),
        ({"text": text, "number": str}, "text", "label", "no label column 'label'"),
    ],
)  # fmt: skip
def test_what_is_not_plain_or_was_named_is_not_guessed(cells, text_column, label_column, says):
    with pytest.raises(UserError, match=says):
        choose_columns(rows(**cells), text_column, label_column)


DOORS = [
    (doors.COMMAND_LINE, "x.csv has no text column 'text'; its columns are one, two, three (name one of them with --text)."),
    (doors.NOTEBOOK, "x.csv has no text column 'text'; its columns are one, two, three (set text_column to one of them)."),
    (doors.FILE, "x.csv has no text column 'text'; its columns are one, two, three (name the column of texts 'text' in the file)."),
]  # fmt: skip


@pytest.mark.parametrize(("door", "says"), DOORS)
def test_advice_comes_in_the_words_of_the_door(door, says):
    with doors.through(door), pytest.raises(UserError) as error:
        choose_columns(rows(one=text, two=text, three=label), "text", "label")
    assert str(error.value) == says


PAIRS = [
    (doors.COMMAND_LINE, "x.csv has no column 'text', but a pair of them, 'premise' and 'hypothesis': read both with --text premise hypothesis."),
    (doors.NOTEBOOK, "x.csv has no column 'text', but a pair of them, 'premise' and 'hypothesis': read both with text_column 'premise hypothesis'."),
    (doors.FILE, "x.csv has no column 'text', but a pair of them, 'premise' and 'hypothesis': join both into one column 'text' in the file."),
]  # fmt: skip


@pytest.mark.parametrize(("door", "says"), PAIRS)
def test_a_pair_of_sentences_is_refused_with_the_way_to_read_it(door, says):
    pairs = rows(premise=text, hypothesis=text, label=label)
    with doors.through(door), pytest.raises(UserError) as error:
        choose_columns(pairs, "text", "label")
    assert str(error.value) == says


@pytest.mark.parametrize(
    "pair", [("question", "sentence"), ("Sentence1", "Sentence2"), ("question", "answer")]
)
def test_one_half_of_a_pair_is_never_taken_for_the_text(pair):
    with pytest.raises(UserError, match=f"a pair of them, '{pair[0]}' and '{pair[1]}'"):
        choose_columns(rows(**{name: text for name in pair}, label=label), "text", "label")


def test_several_columns_are_joined():
    pairs = rows(premise=text, hypothesis=label, gold=label)
    assert columns(pairs, "premise hypothesis", "gold")[0][1] == "some words of text number 1 | b"


def test_names_of_columns_may_hold_blanks():
    pairs = rows(**{"Review Title": label, "Review Text": text, "Review": text, "label": label})
    assert choose_columns(pairs, "Review Text", "label").texts == ("Review Text",)
    both = choose_columns(pairs, "Review Title Review Text", "label").texts
    assert both == ("Review Title", "Review Text")
    with pytest.raises(UserError, match="no text column 'Review Body'"):
        choose_columns(pairs, "Review Body", "label")


def test_a_text_that_is_empty_in_one_of_two_columns_is_named():
    pairs = rows(premise=text, hypothesis=lambda i: "" if i == 3 else "b", label=label)
    with pytest.raises(UserError) as error:
        columns(pairs, "premise hypothesis", "label")
    assert str(error.value) == (
        "The text in line 5 of x.csv ('hypothesis') is empty; remove such items or fill them in."
    )


def test_a_file_without_a_header_is_told_by_its_first_line():
    cells = {"this is the first of the texts here": text, "x": label, "y": label}
    with pytest.raises(UserError) as error:
        choose_columns(rows(**cells), "text", "label")
    assert str(error.value).endswith("set text_column to one of them; its first line must name the columns).")  # fmt: skip
