"""The classification task on a small corpus of its own and on the real encoder."""

import json

import numpy as np
import pytest
import sklearn.metrics
import torch
from transformers import AutoModel

from helpers import UserError
from helpers.sources.corpora import load_texts
from helpers.sources.weights import load_model, load_tokenizer
from helpers.tasks.classification import TextClassification


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "news.jsonl"
    # Texts of their own numbers, so that none is a near duplicate of another.
    rows = [
        {
            "text": " ".join(f"w{(i * 7 + k * k) % 97}{'ab'[i % 2]}" for k in range(8)),
            "label": "ab"[i % 2],
        }
        for i in range(80)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return load_texts(path)


@pytest.fixture(scope="module")
def task(corpus):
    return TextClassification(corpus, max_length=16)


def test_encoding_cuts_at_max_length_and_keeps_the_special_tokens(task):
    tokenizer = load_tokenizer("minilm")
    encoded = task.encode(task.items("train"), tokenizer)
    assert max(map(len, encoded["input_ids"])) == 16
    assert all(ids[0] == tokenizer.cls_token_id for ids in encoded["input_ids"])
    assert all(ids[-1] == tokenizer.sep_token_id for ids in encoded["input_ids"])


def test_a_batch_is_padded_to_its_own_longest_text(task):
    tokenizer = load_tokenizer("minilm")
    rows = [
        {"input_ids": [101, 7, 102], "attention_mask": [1, 1, 1], "labels": 1},
        {"input_ids": [101, 102], "attention_mask": [1, 1], "labels": 0},
    ]
    batch = task.collator(tokenizer)(rows)
    assert batch["input_ids"].shape == (2, 3)
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["labels"].tolist() == [1, 0]


def test_a_tokenizer_without_a_padding_token_pads_too(task):
    tokenizer = load_tokenizer("minilm")
    tokenizer.pad_token = None
    tokenizer.eos_token = "[SEP]"
    rows = [{"input_ids": [5] * n, "attention_mask": [1] * n, "labels": 0} for n in (1, 3)]
    assert task.collator(tokenizer)(rows)["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]


def test_the_loss_is_cross_entropy(task):
    model = task.build_model("minilm", pretrained=True, seed=0).eval()
    ids = torch.tensor([[101, 2023, 102], [101, 2003, 102]])
    labels = torch.tensor([1, 0])
    with torch.inference_mode():
        out = model(ids, torch.ones_like(ids), labels)
    probability = out.logits.double().softmax(1)[torch.arange(2), labels]
    assert out.loss.item() == pytest.approx(-probability.log().mean().item(), abs=1e-5)


def test_pretrained_is_pretrained_and_scratch_is_not(task):
    reference = load_model("minilm", AutoModel).state_dict()
    pretrained = task.build_model("minilm", pretrained=True, seed=1).backbone.state_dict()
    scratch = task.build_model("minilm", pretrained=False, seed=1).backbone.state_dict()
    name = "encoder.layer.0.attention.self.query.weight"
    assert pretrained[name].equal(reference[name])
    assert not scratch[name].equal(reference[name])
    assert {k: v.shape for k, v in scratch.items()} == {k: v.shape for k, v in pretrained.items()}


def test_a_seed_decides_every_random_weight(task):
    one, same, other = (
        task.build_model("minilm", pretrained=False, seed=s).state_dict() for s in (5, 5, 6)
    )
    assert all(one[k].equal(same[k]) for k in one)
    assert not one["head.weight"].equal(other["head.weight"])


def test_scores_are_scikit_learns(task):
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 2, 50), rng.integers(0, 2, 50)
    scores = task.score(predicted, truth)
    assert scores["accuracy"] == sklearn.metrics.accuracy_score(truth, predicted)
    for name in ("precision", "recall", "f1"):
        oracle = getattr(sklearn.metrics, f"{name}_score")(truth, predicted, average="macro")
        assert scores[name] == pytest.approx(oracle)


def test_more_items_than_there_are_is_a_sentence(task):
    with pytest.raises(UserError, match="were asked for, but the split has"):
        task.items("train", 5000)


def test_a_text_longer_than_the_model_is_a_sentence(corpus):
    with pytest.raises(UserError, match="max_length 1024 is more than the 512 positions"):
        TextClassification(corpus, max_length=1024).build_model("minilm", pretrained=False, seed=0)


def test_a_corpus_without_labels_is_a_sentence(tmp_path):
    path = tmp_path / "plain.json"
    rows = [{"text": " ".join(f"u{i}x{k}" for k in range(8))} for i in range(30)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(UserError, match="has no labels; text classification needs a label column"):
        TextClassification(load_texts(path, label_column=None))
