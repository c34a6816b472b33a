"""`assess` on a file that the project has never seen: one command, a report, a model that works."""

import json

import numpy as np
import pytest

from helpers import UserError
from helpers.__main__ import main
from helpers.commands.assess import assess
from helpers.delivery import folder
from helpers.runs.schema import load_record

QUICK = {"models": "minilm:1", "fine_tune": "false"}


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
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert code == 0 and " s left] TF-IDF of words: " in said.err
    assert set(found) == {"recommendation", "report", "record", "model", "predictions"}
    assert load_record(out / "record.json").parameters["train_file"] == str(file)
    assert found["recommendation"].startswith("Take the model in this folder: ")
    tried = json.loads((out / "answer.json").read_text(encoding="utf-8"))["candidates"]
    assert "frozen minilm:1" in [row["candidate"] for row in tried]
    answers = [json.loads(line) for line in (out / "predictions.jsonl").open(encoding="utf-8")]
    truth = [json.loads(line)["kind"] for line in file.open(encoding="utf-8")]
    assert (
        np.mean([row["predicted_label"] == kind for row, kind in zip(answers, truth, strict=True)])
        > 0.9
    )
    model, facts = folder.load(out / "model")
    assert facts["labels"] == ["<b>fruit</b>", "tool"]
    texts = [row["body"] for row in answers]
    sure = [round(float(share), 4) for share in model.probabilities(texts).max(1)]
    assert sure == [row["probability"] for row in answers]
    target = tmp_path / "labelled.csv"
    words = ["predict", found["model"], str(file), "--text", "body", "--out", str(target)]
    assert main(words) == 0 and len(target.read_text(encoding="utf-8").splitlines()) == 91
    pages = "".join(path.read_text(encoding="utf-8") for path in (out / "report").glob("*.html"))
    assert "<script>x" not in pages and "<b>fruit" not in pages and "fruit" in pages


def test_mistakes_are_told_before_anything_runs(tmp_path):
    file = write(tmp_path / "things.jsonl")
    nothing = {"train": str(file), "test": "", "unlabelled": ""}
    with pytest.raises(UserError, match="Did you mean 'models'"):
        assess(nothing, {"modles": "minilm"}, tmp_path / "out")
    with pytest.raises(UserError, match=r"There is no file .*things\.csv"):
        assess(nothing | {"train": str(tmp_path / "things.csv")}, {}, tmp_path / "out")
    with pytest.raises(UserError, match="lora_rank is 8, but nothing is fine-tuned: set fine_tune"):
        assess(nothing, {"lora_rank": 8, "fine_tune": "false"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
