"""``python -m helpers compare``: from two files to a finding, or one sentence."""

import csv
import json
import shutil

import numpy as np
import pytest

from helpers.__main__ import main


@pytest.fixture
def write(tmp_path):
    def written(name, values, column="predicted_label"):
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as target:
            csv.writer(target).writerows([["id", column], *enumerate(values)])
        return str(path)

    return written


@pytest.fixture
def files(write):
    rng = np.random.default_rng(0)
    truth = rng.choice(["good", "bad", "fair"], 300)
    said = [np.where(rng.random(300) < q, truth, "good") for q in (0.9, 0.6)]
    return [write("a.csv", said[0]), write("b.csv", said[1]), write("t.csv", truth, "label")]


def log(path, values):
    rows = [{"doc_id": i, "doc": {}, "target": "x", "filtered_resps": ["x"], "filter": "none",
             "metrics": ["exact_match"], "exact_match": value}
            for i, value in enumerate(values)]  # fmt: skip
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(path)


def test_the_better_one_is_named_with_its_classes(files, capsys):
    a, b, truth = files
    assert main(["compare", a, b, "--truth", truth]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"A is {a}, B is {b}: 300 items, paired by 'id'.\n")
    assert "accuracy: A is better, by 0." in out and "macro F1: A is better, by 0." in out
    assert "nan" not in out
    assert {line.split()[-1] for line in out.splitlines()[-3:]} == {"good", "bad", "fair"}


def test_as_json_the_same_stands_alone_on_stdout(files, capsys):
    a, b, truth = files
    assert main(["compare", a, b, "--truth", truth, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["items"] == 300 and len(found["classes"]) == 3
    accuracy = found["scores"][0]
    assert accuracy["low"] < accuracy["difference"] < accuracy["high"]
    assert accuracy["finding"] == "A is better" and accuracy["items_needed"] < 300
    assert found["p_equal_accuracy"] < 0.001


def test_logs_of_lm_eval_need_no_truth(tmp_path, capsys):
    rng = np.random.default_rng(0)
    files = [log(tmp_path / f"{name}.jsonl", (rng.random(40) < q).astype(float).tolist())
             for name, q in (("a", 0.6), ("b", 0.5))]  # fmt: skip
    assert main(["compare", *files]) == 0
    out = capsys.readouterr().out
    assert "40 items, paired by 'doc_id'" in out
    assert "exact_match: undecided. To find a difference as large as this one" in out
    assert "items (there are 40); to find one of 0.01, about " in out


def test_answers_that_are_no_class_are_told(write, files, capsys):
    truth = files[2]
    a = write("x.csv", [*["good"] * 290, *["", "odd"] * 5])
    assert main(["compare", a, files[1], "--truth", truth]) == 0
    out = capsys.readouterr().out
    assert "5 answers of A are empty and count as wrong." in out
    assert "5 answers of A are no class of the truth ('odd') and count as wrong." in out


def test_mistakes_are_sentences(write, files, tmp_path, capsys):
    a, b, truth = files

    def refusal(*words):
        assert main(["compare", *words]) == 2
        out, err = capsys.readouterr()
        assert not out
        return err

    assert refusal(a, b) == (
        "error: Name the file of true classes with --truth; only two sample logs of lm-eval need "
        "none.\n"
    )
    one = log(tmp_path / "l.jsonl", [1.0, 0.0])
    assert refusal(a, one).endswith("lm-eval need none (only l.jsonl is a log).\n")
    same = f"error: {a} and {a} hold the same: a system cannot be compared with itself.\n"
    assert refusal(a, a, "--truth", truth) == same
    copy = str(shutil.copy(a, tmp_path / "copy.csv"))
    assert refusal(a, copy, "--truth", truth).endswith("cannot be compared with itself.\n")
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert refusal(a, str(empty), "--truth", truth) == f"error: {empty} is empty.\n"
    assert refusal(a, b, "--truth", str(empty)) == f"error: {empty} is empty.\n"
    short = write("short.csv", ["good", "bad"], "label")
    assert "short.csv lacks 298 of the items of a.csv (the first: id '2')" in refusal(
        a, b, "--truth", short
    )
    assert refusal(a, b, "--truth", truth, "--label", "class").startswith(
        "error: t.csv has no label column 'class'; its columns are id, label"
    )
    assert "must be above 0, not 0." in refusal(a, b, "--truth", truth, "--smallest", "0")
    assert "There is no file " in refusal(a, b, "--truth", str(tmp_path / "none.csv"))
