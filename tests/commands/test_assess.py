"""`assess` on a file that the project has never seen: one command, a report, a model that works."""

import json

import numpy as np
import pytest

from helpers import UserError
from helpers.__main__ import main
from helpers.commands.assess import assess
from helpers.runs.schema import load_record
from helpers.transfer import tuning

QUICK = {"models": "minilm:1", "strategies": "linear_probe", "budget": 1, "labels": "[8,32]"}


def write(path, n=90):
    rng = np.random.default_rng(0)
    words = {"<b>fruit</b>": "apple pear plum cherry", "tool": "hammer saw nail drill"}
    rows = [
        {
            "body": f"<script>x</script> {' '.join(rng.choice(words[kind].split(), 6))} {i}",
            "kind": kind,
        }
        for i, kind in enumerate(list(words) * (n // 2))
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_a_file_is_assessed_with_one_command(tmp_path, capsys):
    file, out = write(tmp_path / "things.jsonl"), tmp_path / "out"
    changes = [word for pair in QUICK.items() for word in ("-p", pair[0], str(pair[1]))]
    columns = ["--text", "body", "--label", "kind", "--unlabelled", str(file)]
    code = main(["assess", str(file), *columns, "--out", str(out), "--json", *changes])
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert set(found) == {"recommendation", "report", "record", "model", "predictions"}
    assert load_record(out / "record.json").parameters["train_file"] == str(file)
    assert "`minilm:1`" in found["recommendation"]
    answers = [json.loads(line) for line in (out / "predictions.jsonl").open(encoding="utf-8")]
    truth = [json.loads(line)["kind"] for line in file.open(encoding="utf-8")]
    assert np.mean([row["label"] == kind for row, kind in zip(answers, truth, strict=True)]) > 0.9
    assert len(tuning.load(out / "model").head.bias) == 2
    pages = "".join(path.read_text(encoding="utf-8") for path in (out / "report").glob("*.html"))
    assert "<script>x" not in pages and "<b>fruit" not in pages and "fruit" in pages


def test_mistakes_are_told_before_anything_runs(tmp_path):
    file = write(tmp_path / "things.jsonl")
    nothing = {"train": str(file), "test": "", "unlabelled": ""}
    with pytest.raises(UserError, match="Did you mean 'models'"):
        assess(nothing, {"modles": "minilm"}, tmp_path / "out")
    with pytest.raises(UserError, match=r"There is no file .*things\.csv"):
        assess(nothing | {"train": str(tmp_path / "things.csv")}, {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
