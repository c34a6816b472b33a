"""``python -m helpers fold``: a copy with one spelling a class, or a sentence."""

import csv
import json

import pytest

from helpers.__main__ import main
from helpers.sources.readers import columns, read_file

LABELS = ["good", "Good", "GOOD ", "good", "bad", " bad", "bad", "Bad"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, delimiter=";").writerows(
            [["text", "label", "n"], *([f"a text, {i}", each, i] for i, each in enumerate(LABELS))]
        )
    return path


def test_the_copy_has_one_spelling_a_class_and_all_else(file, capsys):
    assert main(["fold", str(file)]) == 0
    out, err = capsys.readouterr()
    copy = file.with_name("mine.folded.csv")
    assert out == f"{copy}\n"
    assert err.splitlines() == ["good: 'Good' (1), 'GOOD ' (1)", "bad: ' bad' (1), 'Bad' (1)"]
    rows = read_file(copy)
    assert columns(rows, "text", "label")[1] == ["good"] * 4 + ["bad"] * 4
    assert [row["n"] for row in rows.values] == list("01234567")
    assert rows.values[3]["text"] == "a text, 3"


def test_objects_stay_objects(tmp_path):
    path = tmp_path / "mine.json"
    made = [{"text": "a", "label": label, "more": [1]} for label in ("x", "X", "x")]
    path.write_text(json.dumps(made), encoding="utf-8")
    assert main(["fold", str(path), "--out", str(tmp_path / "new.jsonl")]) == 0
    found = read_file(tmp_path / "new.jsonl").values
    assert found == [{"text": "a", "label": "x", "more": [1]}] * 3


def test_mistakes_are_sentences(file, tmp_path, capsys):
    def refusal(*words):
        assert main(["fold", *words]) == 2
        return capsys.readouterr().err

    assert refusal(str(file), "--label", "lable") == (
        "error: mine.csv has no label column 'lable'; its columns are text, label, n (name one of "
        "them with --label).\n"
    )
    assert main(["fold", str(file)]) == 0
    capsys.readouterr()
    copy = file.with_name("mine.folded.csv")
    assert refusal(str(file)) == f"error: {copy} is there already; name another file with --out.\n"
    assert refusal(str(copy)) == (
        "error: Each class in 'label' of mine.folded.csv has one spelling already.\n"
    )
