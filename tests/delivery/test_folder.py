"""A folder read back says the same; what its card names as a reader says the same too."""

import json
import re

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline

from helpers import UserError
from helpers.delivery import folder
from helpers.delivery.candidates import Bag, Frozen, Largest, Static
from helpers.delivery.tuning import FullTuning
from tests.delivery import made

NAMES = ["bank", "<b>ship</b>", "wheat\n# Heading"]
LONG = " ".join(["ship port cargo wheat"] * 20)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """Each kind: the model as trained, and its folder."""
    root = tmp_path_factory.mktemp("delivered")
    encoder = made.write_model(root)
    texts, names = made.rows(60)
    labels = np.array([made.NAMES.index(name) for name in names])
    ways = {
        "largest": (Largest(), {}),
        "words": (Bag("words"), {"C": 10.0}),
        "characters": (Bag("characters"), {"C": 10.0}),
        "static": (Static(encoder, "float32"), {"C": 1000.0}),
        "frozen": (Frozen(encoder, 24, "float32"), {"C": 100.0}),
        "fine_tuned": (
            FullTuning(encoder, 24, "float32", torch.device("cpu")),
            {"rate": 3e-3, "epochs": 5, "temperature": 1.7},
        ),
    }
    found = {}
    for kind, (way, setting) in ways.items():
        (model,) = way.fit(texts, labels, 3, [setting])
        place = folder.save(model, root / kind, NAMES, {"base": kind}, "It is *right* in 90 %.")
        found[kind] = (model, place)
    return found


KINDS = ["largest", "words", "characters", "static", "frozen", "fine_tuned"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_back_says_the_same(delivered, kind):
    model, place = delivered[kind]
    texts = [*made.rows(20, seed=3)[0], LONG, "?!", "北京 2026"]
    read, facts = folder.load(place)
    assert facts["kind"] == read.kind == kind and facts["labels"] == NAMES
    np.testing.assert_allclose(read.probabilities(texts), model.probabilities(texts), atol=1e-6)
    assert read.probabilities([]).shape == (0, 3)


def test_a_network_read_in_fewer_bits_gives_the_same_answers(delivered, monkeypatch):
    model, place = delivered["fine_tuned"]
    texts = [*made.rows(40, seed=5)[0], LONG]
    fast, _ = folder.load(place, "bfloat16")
    exact = model.probabilities(texts)
    assert (exact.argmax(1) == fast.probabilities(texts).argmax(1)).all()
    monkeypatch.setattr("helpers.delivery.networks.NEAR", 0.0)  # nothing is read again
    assert 0 < np.abs(exact - fast.probabilities(texts)).max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_no_pickle_and_names_are_no_markup(delivered, kind):
    _, place = delivered[kind]
    endings = {path.suffix for path in place.rglob("*") if path.is_file()}
    assert endings <= {".json", ".safetensors", ".md", ".txt", ".jinja"}
    card = (place / "README.md").read_text(encoding="utf-8")
    for mark in ("<b>ship", "# Heading", "*right*"):
        assert all(line.startswith("    ") for line in card.splitlines() if mark in line)
    assert f"python -m helpers predict {place} FILE" in card


def test_a_pipeline_answers_as_the_delivered_network_does(delivered):
    model, place = delivered["fine_tuned"]
    texts = [*made.rows(30, seed=4)[0], LONG, "?!"]
    code = re.search(r"```python\n(.*?)```", (place / "README.md").read_text(), re.DOTALL)[1]
    space = {}
    exec(code, space)  # the card's lines, as they stand there
    answers = [space["classify"](text, top_k=None) for text in texts]
    table = model.probabilities(texts)
    for row, answer in zip(table, answers, strict=True):
        scores = {one["label"]: one["score"] for one in answer}
        np.testing.assert_allclose([scores[name] for name in NAMES], row, atol=1e-5)
    plain = pipeline("text-classification", str(place))
    short = texts[0]
    assert plain(short)[0]["label"] == NAMES[table[0].argmax()]
    config = AutoModelForSequenceClassification.from_pretrained(place).config
    assert config.num_labels == 3 and len(AutoTokenizer.from_pretrained(place)) > 100


def test_the_frozen_layout_is_what_its_modules_say(delivered):
    """What sentence-transformers does with it, written out: token means, length 1, one layer."""
    model, place = delivered["frozen"]
    assert not (place / "config.json").exists()  # or transformers would put a random head on it
    modules = json.loads((place / "modules.json").read_text())
    kinds = [one["type"].rsplit(".")[-1] for one in modules]
    assert kinds == ["Transformer", "Pooling", "Normalize", "Dense"]
    encoder = place / modules[0]["path"]
    length = json.loads((encoder / "sentence_bert_config.json").read_text())["max_seq_length"]
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    network = AutoModel.from_pretrained(encoder).eval()
    dense = load_file(place / modules[3]["path"] / "model.safetensors")
    for text in [*made.rows(10, seed=5)[0], LONG]:
        batch = tokenizer(text, truncation=True, max_length=length, return_tensors="pt")
        with torch.no_grad():
            vector = network(**batch).last_hidden_state[0].mean(0)
        vector = (vector / vector.norm()).numpy()
        logits = dense["linear.weight"] @ vector + dense["linear.bias"]
        shares = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(model.probabilities([text])[0], shares, atol=1e-5)


def test_the_static_layout_is_what_its_modules_say(delivered):
    """What sentence-transformers does with it, written out: a row a token, length 1, one layer."""
    model, place = delivered["static"]
    modules = json.loads((place / "modules.json").read_text())
    kinds = [one["type"].rsplit(".")[-1] for one in modules]
    assert kinds == ["StaticEmbedding", "Normalize", "Dense"]
    pieces = Tokenizer.from_file(str(place / modules[0]["path"] / "tokenizer.json"))
    table = load_file(place / modules[0]["path"] / "model.safetensors")["embedding.weight"]
    dense = load_file(place / modules[2]["path"] / "model.safetensors")
    for text in [*made.rows(10, seed=5)[0], LONG]:
        ids = pieces.encode(text, add_special_tokens=False).ids
        vector = table[ids].mean(0)
        vector = vector / np.linalg.norm(vector)
        logits = dense["linear.weight"] @ vector + dense["linear.bias"]
        shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        np.testing.assert_allclose(model.probabilities([text])[0], shares, atol=1e-5)
    assert len(pieces.encode(LONG, add_special_tokens=False).ids) > 40  # nothing is cut


def test_a_model_is_replaced_and_nothing_else_is(delivered, tmp_path):
    model, _ = delivered["words"]
    for _ in range(2):
        folder.save(model, tmp_path / "model", NAMES, {}, "")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    (tmp_path / "diary").mkdir()
    with pytest.raises(UserError) as error:
        folder.check_free(tmp_path / "diary")
    assert str(error.value) == (
        f"{tmp_path / 'diary'} exists and is no delivered model; remove it, or name another "
        "folder (out)."
    )
    with pytest.raises(UserError, match="diary exists and is no delivered model"):
        folder.save(model, tmp_path / "diary", NAMES, {}, "")


def test_a_folder_from_elsewhere_is_one_sentence(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError) as error:
        folder.load(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} is no model that `assess` has delivered: it holds no delivery.json. Name the "
        "folder `model` among the results of `python -m helpers assess`."
    )
    with pytest.raises(UserError, match=r"^There is no folder .*nowhere\.$"):
        folder.load(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["words", "frozen", "fine_tuned"])
def test_a_damaged_folder_is_one_sentence(delivered, kind, tmp_path):
    model, _ = delivered[kind]
    for number, damage in enumerate(("delivery.json", "weights", "kind")):
        place = folder.save(model, tmp_path / str(number), NAMES, {}, "")
        if damage == "weights":
            file = next(iter(sorted(place.rglob("model.safetensors"))))
            file.write_bytes(file.read_bytes()[:50])
        elif damage == "kind":
            facts = json.loads((place / folder.FACTS).read_text())
            (place / folder.FACTS).write_text(json.dumps(facts | {"kind": "magic"}))
        else:
            (place / folder.FACTS).write_text("{oops")
        with pytest.raises(UserError, match=r"is damaged or of another version .*helpers assess"):
            folder.load(place)
