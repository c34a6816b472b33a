"""Candidates learn, plan within their time, and agree with what scikit-learn says."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from transformers import AutoTokenizer, GPT2Config, GPT2Model

from helpers import UserError
from helpers.delivery import folder
from helpers.delivery.candidates import (
    Bag,
    Frozen,
    Largest,
    Static,
    can_be_static,
    load_body_of,
    regressions,
)
from helpers.delivery.models import Linear, vectorizer
from helpers.delivery.tuning import FullTuning, soften
from tests.delivery import made


@pytest.fixture(scope="module")
def labelled():
    texts, names = made.rows(90)
    return texts, np.array([made.NAMES.index(name) for name in names])


@pytest.mark.parametrize("classes", [2, 3])
def test_a_regression_is_the_librarys(classes):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 1 if classes == 3 else 0)
    ours = regressions(x, y, classes, [{"C": 1.0}, {"C": 50.0}])
    for one, strength in zip(ours, (1.0, 50.0), strict=True):
        theirs = LogisticRegression(C=strength, max_iter=5000, tol=1e-8).fit(x, y)
        np.testing.assert_allclose(one.probabilities(x), theirs.predict_proba(x), atol=5e-3)


def test_classes_without_labels_have_no_probability():
    x = np.array([[0.0], [1.0], [2.0]])
    (model,) = regressions(x, np.array([0, 3, 3]), 5, [{"C": 10.0}])
    table = model.probabilities(x)
    assert table.shape == (3, 5) and (table[:, [1, 2, 4]] == 0).all()
    np.testing.assert_allclose(table.sum(1), 1)
    (alone,) = regressions(x, np.array([1, 1, 1]), 3, [{"C": 10.0}])
    assert alone.probabilities(x)[:, 1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_a_bag_learns_and_texts_without_a_word_get_the_shares(unit, labelled):
    texts, labels = labelled
    new, names = made.rows(30, seed=1)
    strong, weak = Bag(unit).fit(texts, labels, 3, [{"C": 1.0}, {"C": 100.0}])
    truth = np.array([made.NAMES.index(name) for name in names])
    for model in (strong, weak):
        assert (model.probabilities(new).argmax(1) == truth).mean() > 0.9
    assert weak.probabilities(new).max(1).mean() > strong.probabilities(new).max(1).mean()
    (blank,) = Bag("words").fit(["?!", "…", "--"], np.array([0, 1, 1]), 2, [{"C": 1.0}])
    np.testing.assert_allclose(blank.probabilities(["?"]), [[1 / 3, 2 / 3]])


def test_plans_keep_within_their_seconds(labelled):
    texts, labels = labelled
    assert Largest().plan(texts, labels, 3, 0.0, 1.0)[1] == 90
    bag = Bag("words")
    assert bag.plan(texts, labels, 3, 1000.0, 2.0)[1] == 90
    assert bag.plan(texts, labels, 3, 1e-6, 2.0)[1] == 0


def test_frozen_vectors_are_read_once_and_have_length_one(encoder, labelled, monkeypatch):
    texts, _ = labelled
    frozen = Frozen(encoder, 32, "float32")
    first = frozen.vectors([texts[1], texts[0], texts[1]])
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(first[0], first[2])
    read = []
    monkeypatch.setattr(frozen, "read", lambda part: read.extend(part) or np.zeros((len(part), 16)))
    frozen.vectors(texts[:3])
    assert read == [texts[2]]


def test_more_tokens_than_positions_are_refused_at_once(encoder):
    with pytest.raises(UserError, match="max_length 64 is more than the 40 positions"):
        Frozen(encoder, 64, "float32")


def test_fine_tuning_learns_and_takes_the_dearest_plan_that_fits(encoder, labelled, monkeypatch):
    texts, labels = labelled
    tuned = FullTuning(encoder, 32, "float32", torch.device("cpu"))
    (model,) = tuned.fit(texts, labels, 3, [{"rate": 3e-3, "epochs": 20}])
    assert (model.probabilities(texts).argmax(1) == labels).mean() > 0.9
    monkeypatch.setattr(tuned, "seconds_a_text", lambda *_: 0.01)
    one_pass = 90 * 0.01  # one epoch over all texts
    settings, most = tuned.plan(texts, labels, 3, 1e6, 5.0)
    assert most == 90 and [(s["rate"], s["epochs"]) for s in settings] == [
        (5e-5, 20), (1e-4, 20), (3e-4, 20)
    ]  # fmt: skip
    assert tuned.plan(texts, labels, 3, one_pass * 5, 5.0)[0] == [{"rate": 2e-4, "epochs": 1}]
    assert tuned.plan(texts, labels, 3, one_pass * 2.5, 5.0)[1] == 45
    assert tuned.plan(texts, labels, 3, one_pass, 5.0)[1] == 0


@pytest.fixture(scope="module")
def causal(tmp_path_factory):
    """A tiny GPT-2 with the tiny BERT's tokenizer, in a folder."""
    root = tmp_path_factory.mktemp("causal")
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=400, n_embd=16, n_layer=1, n_head=2, n_positions=40, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip
    GPT2Model(config).save_pretrained(root / "gpt2")
    AutoTokenizer.from_pretrained(made.write_model(root)).save_pretrained(root / "gpt2")
    return str(root / "gpt2")


@pytest.mark.parametrize("causal_model", [False, True])
def test_lora_learns_and_is_merged_into_a_network_like_any_other(
    encoder, causal, labelled, causal_model, tmp_path
):
    texts, labels = labelled
    name = causal if causal_model else encoder
    tuned = FullTuning(name, 32, "float32", torch.device("cpu"), lora_rank=4)
    assert tuned.name == f"LoRA on {name}"
    (model,) = tuned.fit(texts, labels, 3, [{"rate": 3e-2, "epochs": 60}])
    assert (model.probabilities(texts).argmax(1) == labels).mean() > 0.8
    weights = model.network.base_model.state_dict()
    assert not any("lora" in key for key in model.network.state_dict())
    moved = {
        key
        for key, value in load_body_of(name).state_dict().items()
        if not torch.equal(value, weights[key])
    }
    kinds = ("c_attn.weight",) if causal_model else ("query.weight", "value.weight")
    assert moved and all(key.endswith(kinds) for key in moved)  # the rest stays as it was
    kept, _ = folder.load(folder.save(model, tmp_path / "model", made.NAMES, {}, "Tried."))
    np.testing.assert_allclose(kept.probabilities(texts), model.probabilities(texts), atol=1e-5)


def test_lora_tries_larger_steps(encoder, labelled, monkeypatch):
    texts, labels = labelled
    tuned = FullTuning(encoder, 32, "float32", torch.device("cpu"), lora_rank=4)
    monkeypatch.setattr(tuned, "seconds_a_text", lambda *_: 0.01)
    settings, _ = tuned.plan(texts, labels, 3, 1e6, 5.0)
    assert [setting["rate"] for setting in settings] == [5e-4, 1e-3, 3e-3]
    assert tuned.plan(texts, labels, 3, 90 * 0.05, 5.0)[0] == [{"rate": 1e-3, "epochs": 1}]


def test_softening_divides_the_logits(encoder, labelled):
    texts, labels = labelled
    tuned = FullTuning(encoder, 32, "float32", torch.device("cpu"))
    setting = {"rate": 3e-3, "epochs": 5}
    hard, soft = tuned.fit(texts, labels, 3, [setting, {**setting, "temperature": 2.0}])
    one, other = hard.probabilities(texts[:8]), soft.probabilities(texts[:8])
    expected = np.sqrt(one) / np.sqrt(one).sum(1, keepdims=True)
    np.testing.assert_allclose(other, expected, atol=1e-5)
    soften(hard.network, 2.0)
    np.testing.assert_allclose(hard.probabilities(texts[:8]), expected, atol=1e-5)


def test_two_classes_are_one_difference():
    fitted = LogisticRegression().fit([[-1.0], [0.5], [1.0]], [0, 1, 1])
    ours = Linear.of(fitted, 2).probabilities(np.array([[0.2], [-3.0]]))
    np.testing.assert_allclose(ours, fitted.predict_proba([[0.2], [-3.0]]), atol=1e-6)


def test_features_are_limited():
    counter = vectorizer("characters", most=10).fit(["many different characters stand here"])
    assert len(counter.vocabulary_) == 10


def test_a_vocabulary_that_takes_too_long_to_read_is_left_alone(encoder, labelled, monkeypatch):
    texts, labels = labelled
    static = Static(encoder, "float32")
    monkeypatch.setattr("helpers.delivery.candidates.TOKENS", 20)
    assert static.plan(texts, labels, 3, 1e-3, 2.0) == (static.settings, 0)
    assert "table" not in vars(static)
    settings, most = static.plan(texts, labels, 3, 1000.0, 2.0)
    assert most == len(texts) and len(settings) == 5
    (model,) = static.fit(texts, labels, 3, settings[-1:])
    assert (model.probabilities(texts).argmax(1) == labels).mean() > 0.9


def test_a_tokenizer_that_no_single_file_can_hold_has_no_static_embeddings(encoder, monkeypatch):
    assert can_be_static(encoder)
    slow = type("Slow", (), {"is_fast": False})()
    monkeypatch.setattr("helpers.delivery.candidates.load_tokenizer", lambda name: slow)
    assert not can_be_static(encoder)
