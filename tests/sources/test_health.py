"""Examination of texts: repetitions, two labels, lengths, scripts, warnings."""

import pytest

from helpers.sources.health import examine


def test_repetitions_and_contradictions_are_counted():
    found = examine(["a b", "A  B", "a c", "a c", "d"], ["x", "y", "x", "x", "y"])
    assert (found.items, found.repeated, found.disagreeing) == (5, 2, 2)
    assert found.classes == {"x": 3, "y": 2} and found.imbalance == 1.5


def test_lengths_are_characters():
    found = examine(["a" * n for n in range(1, 101)], ["x", "y"] * 50)
    assert found.characters == (1, 51, 95, 100)


@pytest.mark.parametrize(
    ("text", "script"),
    [("hello", "LATIN"), ("你好", "CJK"), ("привет", "CYRILLIC"), ("مرحبا", "ARABIC")],
)
def test_scripts_have_their_unicode_names(text, script):
    assert examine([text, "1"], ["x", "y"]).scripts == {script: 1.0}


def test_without_letters_there_is_no_script():
    assert examine(["1", "2"], ["x", "y"]).scripts == {}


def test_warnings_name_what_is_wrong_and_nothing_else():
    fine = examine([f"text {i}" for i in range(40)], ["x", "y"] * 20)
    assert fine.warnings() == []
    bad = examine([f"text {i // 2}" for i in range(200)], ["x"] * 190 + ["y"] * 5 + ["z"] * 5)
    assert [line.split()[0] for line in bad.warnings()] == ["100", "2", "2", "The"]
    assert "2 of 3 labels have fewer than 10 items (y, z)" in bad.warnings()[2]
    assert "38 times" in bad.warnings()[3]
