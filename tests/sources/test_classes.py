"""Labels that are not what they seem: spellings, several a cell, quantities, dates."""

import pytest

from helpers import UserError
from helpers.sources.classes import check_classes, fold, plain_numbers, several, spellings
from helpers.sources.columns import columns
from helpers.sources.health import examine
from helpers.sources.rows import Rows


def read(labels):
    values = [{"text": f"text {i}", "label": label} for i, label in enumerate(labels)]
    return columns(Rows("x.csv", "line", range(len(values)), values), "text", "label")[1]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "1.0", "0", "0.0", "1."], ["1", "1", "0", "0", "1"]),
        (["-1", "-1.0", "+2.5", "2.50"], ["-1", "-1", "2.5", "2.5"]),
        (["1e2", "100", "1"], ["100", "100", "1"]),
        (["01", "1.0"], ["01", "1.0"]),  # codes
        (["1.0", "1.1", "beta"], ["1.0", "1.1", "beta"]),  # versions
        (["nan", "1.0"], ["nan", "1.0"]),
    ],
)
def test_numbers_are_one_class_in_any_form(labels, expected):
    assert read(labels) == expected
    assert plain_numbers(labels) == expected


def test_spellings_are_told_and_folded_into_the_most_frequent():
    labels = ["Positive"] * 3 + ["positive", "POSITIVE"] + ["very  bad", "very_bad", "very-bad"]
    assert spellings(labels) == [
        ["Positive", "positive", "POSITIVE"], ["very  bad", "very_bad", "very-bad"],
    ]  # fmt: skip
    assert set(fold(labels)) == {"Positive", "very  bad"}
    assert spellings(["c", "C++", "a", "b"]) == []


def warnings(labels):
    return examine([f"text {i}" for i in range(len(labels))], labels).warnings()


def test_a_class_in_two_spellings_is_warned_of():
    assert warnings(["good", "bad"] * 20 + ["Good", "BAD"] * 10) == [
        "4 labels may be 2 classes, some of them written in several ways ('good', 'Good'; 'bad', "
        "'BAD'); make each class one."
    ]


def test_several_labels_a_cell_are_warned_of():
    cells = ["price", "price,quality", "quality, service", "service", "price,service"]
    assert warnings(cells * 10) == [
        "It looks like several labels a text: 5 labels are combinations of 3 (price, quality, "
        "service) with ',' between; here each combination counts as a class of its own, so keep "
        "one label a text, or ask yes or no of each in a column of its own."
    ]


@pytest.mark.parametrize(
    "labels",
    [
        ["health/fitness", "health/medicine", "sport"],
        ["arts, culture", "news, politics", "sport, leisure"],
        ["R&D", "Q&A", "sales"],
        ["a|b"],
    ],
)
def test_names_with_a_mark_in_them_are_one_label(labels):
    assert several(dict.fromkeys(labels, 9)) is None


@pytest.mark.parametrize("mark", [",", ";", "|", "/", "+", "&"])
def test_any_mark_may_stand_between(mark):
    cells = [f"a{mark}b", "a", f"b {mark} c", "c"]
    assert several(dict.fromkeys(cells, 9)) == (mark, ["a", "b", "c"])


def test_lists_written_as_text_are_several_labels():
    cells = ["['a', 'b']", "['b', 'c']", "['a']", "['c']"]
    assert several(dict.fromkeys(cells, 9)) == (",", ["a", "b", "c"])


def test_quantities_are_refused_with_a_reason():
    with pytest.raises(UserError) as error:
        read([f"{i * 0.37:.2f}" for i in range(60)])
    assert str(error.value) == (
        "The label column 'label' of x.csv holds 60 different numbers with decimals (0, 0.37, "
        "0.74, …): a quantity to be estimated (regression), and only classes are told apart here; "
        "group them into a few, such as low, middle and high."
    )


@pytest.mark.parametrize("dates", [["2024-01-03", "2024-02-05"], ["3.1.2024", "5/2/2024"]])
def test_dates_are_refused_with_a_reason(dates):
    with pytest.raises(UserError) as error:
        read(dates)
    assert str(error.value) == (
        f"The label column 'label' of x.csv holds dates ({dates[0]}, {dates[1]}, …), not classes; "
        "group them into a few, such as years."
    )


def test_grades_and_numbers_of_classes_are_classes():
    check_classes([f"{i / 2}" for i in range(2, 11)], "stars", "x.csv")
    check_classes([str(i) for i in range(150)], "intent", "x.csv")
