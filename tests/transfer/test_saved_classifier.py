"""A classifier to take away: same logits when read back, whole or not at all."""

import json

import numpy as np
import pytest

from helpers import UserError
from helpers.transfer import finetuning, tuning
from helpers.transfer.saved_classifier import make_room, save_classifier

pytestmark = pytest.mark.parametrize("target", ["bert"], indirect=True)


def save(target, folder, model=None):
    model = model or target.task.build_model(target.model, pretrained=True, seed=0)
    path = save_classifier(
        model, target.tokenizer, folder, corpus=target.task.corpus, base=target.model,
        strategy="full", labels=16, max_length=target.task.max_length, measured="*0.9*",
    )  # fmt: skip
    return model, path


def test_what_is_read_back_says_the_same(target, tmp_path):
    model, folder = save(target, tmp_path / "model")
    rows = target.task.encode(target.task.items("train"), target.tokenizer)
    collator = target.task.collator(target.tokenizer)
    both = [
        finetuning.predict(one, rows, collator, device="cpu")
        for one in (model, tuning.load(folder))
    ]
    np.testing.assert_allclose(*both, atol=1e-6)
    names = {path.name for path in folder.iterdir()}
    assert {"model.safetensors", "head.safetensors", "labels.json", "tokenizer.json"} <= names
    assert not any(name.endswith((".bin", ".pt", ".pkl")) for name in names)
    assert json.loads((folder / "labels.json").read_text()) == target.task.corpus.label_names


def test_the_card_shows_names_as_text(target, tmp_path):
    _, folder = save(target, tmp_path / "model")
    card = (folder / "README.md").read_text(encoding="utf-8")
    for name in target.task.corpus.label_names:
        assert any(
            line.startswith("    ") and json.dumps(name) in line for line in card.splitlines()
        )
    assert "*0.9*" in card and target.task.corpus.fingerprint in card


def test_a_classifier_is_replaced_and_nothing_else_is(target, tmp_path):
    save(target, tmp_path / "model")
    save(target, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "monday.txt").write_text("rain")
    with pytest.raises(UserError, match="diary exists and is no classifier; name a new folder"):
        save(target, tmp_path / "diary")
    assert (tmp_path / "diary" / "monday.txt").read_text() == "rain"


def test_room_is_made_or_refused(target, tmp_path):
    assert make_room(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"out cannot be the folder .*file/x: Not a directory\."):
        make_room(tmp_path / "file" / "x")
