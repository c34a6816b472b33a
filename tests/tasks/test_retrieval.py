"""BM25 against plain loops, the in-batch loss by hand, vectors that no padding changes."""

import math

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertModel

from helpers import UserError
from helpers.sources import weights
from helpers.tasks.retrieval import BiEncoder, Retrieval, bm25_scores, tfidf_scores


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, initializer_range=0.5,
    )  # fmt: skip
    return BiEncoder(BertModel(config, add_pooling_layer=False)).eval()


@pytest.fixture
def batch():
    ids = torch.arange(5, 45).reshape(2, 4, 5)
    ones = torch.ones(4, 5, dtype=torch.long)
    return {
        "input_ids": ids[0], "attention_mask": ones, "reply_ids": ids[1], "reply_mask": ones,
        "labels": torch.arange(4),
    }  # fmt: skip


def test_bm25_is_what_the_formula_says():
    candidates = ["the cat sat on the mat", "the dog", "a cat and a cat", "birds sing"]
    questions = ["where is the cat", "cat cat", "nothing known", "dog birds"]
    texts = [text.split() for text in candidates]
    mean = sum(map(len, texts)) / len(texts)
    expected = np.zeros((len(questions), len(candidates)))
    for i, question in enumerate(questions):
        for j, text in enumerate(texts):
            for word in question.split():
                d = sum(word in other for other in texts)
                f = text.count(word)
                idf = math.log(1 + (len(texts) - d + 0.5) / (d + 0.5))
                norm = 1 - 0.75 + 0.75 * len(text) / mean
                expected[i, j] += idf * f * 2.2 / (f + 1.2 * norm)
    found = bm25_scores(questions, candidates)
    assert found == pytest.approx(expected)
    assert (found >= 0).all() and (found[2] == 0).all() and (found > 0).any()


def test_tfidf_favours_the_rare_word_that_is_shared():
    known = ["the cat", "the dog", "the bird", "the fish"]
    found = tfidf_scores(["the zebra"], ["the lion", "one zebra", "none"], known)[0]
    assert found[1] > found[0] > found[2] == 0
    assert tfidf_scores(["Zebra!"], ["zebra"], known) == pytest.approx(1)


def test_the_loss_is_the_cross_entropy_over_the_batch(model, batch):
    with torch.inference_mode():
        asked = model.embed(batch["input_ids"], batch["attention_mask"]).double().numpy()
        told = model.embed(batch["reply_ids"], batch["reply_mask"]).double().numpy()
        loss = model(**batch).loss.item()
        same = model(**batch | {"labels": torch.tensor([0, 1, 0, 2])})
    assert np.linalg.norm(asked, axis=1) == pytest.approx(1, abs=1e-5)
    wanted = []
    for i in range(4):
        scores = [20 * float(asked[i] @ told[j]) for j in range(4)]
        wanted.append(math.log(sum(map(math.exp, scores))) - scores[i])
    assert loss == pytest.approx(np.mean(wanted), rel=1e-4)
    # Rows 0 and 2 have one reply, which is no wrong candidate of the other row.
    wanted = []
    for i, allowed in enumerate([(0, 1, 3), (0, 1, 2, 3), (1, 2, 3), (0, 1, 2, 3)]):
        scores = {j: 20 * float(asked[i] @ told[j]) for j in allowed}
        wanted.append(math.log(sum(map(math.exp, scores.values()))) - scores[i])
    assert same.loss.item() == pytest.approx(np.mean(wanted), rel=1e-4)
    assert same.loss.item() < loss
    assert torch.isinf(same.logits).nonzero().tolist() == [[0, 2], [2, 0]]


def test_padding_changes_no_vector(model, batch):
    ids, mask = batch["input_ids"], batch["attention_mask"]
    padded = torch.cat([ids, torch.zeros(4, 3, dtype=torch.long)], 1)
    longer = torch.cat([mask, torch.zeros(4, 3, dtype=torch.long)], 1)
    with torch.inference_mode():
        assert model.embed(padded, longer).numpy() == pytest.approx(
            model.embed(ids, mask).numpy(), abs=1e-5
        )


def test_a_step_down_the_gradient_lowers_the_loss(model, batch):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    first = model(**batch | {"labels": torch.tensor([0, 1, 0, 2])}).loss
    for _ in range(5):  # the masked logits give no nan gradients
        optimizer.zero_grad()
        loss = model(**batch | {"labels": torch.tensor([0, 1, 0, 2])}).loss
        loss.backward()
        optimizer.step()
    assert loss.item() < first.item()


def test_pairs_are_encoded_padded_and_scored():
    tokenizer, task = weights.load_tokenizer("minilm"), Retrieval(max_length=8)
    rows = {"source": ["Hi", "Hello there you", "Bye " * 20], "target": ["Hey", "Hey", "See you"]}
    encoded = task.encode(Dataset.from_dict(rows), tokenizer)
    assert encoded["labels"][:] == [0, 0, 1]
    assert list(map(len, encoded["input_ids"])) == [3, 5, 8]
    batch = task.collator(tokenizer)(encoded.to_list())
    assert batch["input_ids"].shape == (3, 8) and batch["attention_mask"].sum() == 16
    assert batch["reply_ids"].shape == batch["reply_mask"].shape == (3, 4)
    model = task.build_model("minilm", pretrained=False, seed=0, num_hidden_layers=1)
    found = task.scores(model, tokenizer, rows["source"], ["Hey", "See you"], batch_size=2)
    assert found.shape == (3, 2) and (abs(found) <= 1 + 1e-6).all()
    alone = task.scores(model, tokenizer, rows["source"][:1], ["See you"])
    assert alone.item() == pytest.approx(found[0, 1], abs=1e-5)


def test_bad_input_is_a_sentence():
    for scorer in (bm25_scores, lambda q, c: tfidf_scores(q, c, ["known"])):
        with pytest.raises(UserError, match=r"needs questions and candidates; there are 0 and 1\."):
            scorer([], ["one"])
        with pytest.raises(UserError, match=r"there are 1 and 0\."):
            scorer(["one"], [])
    with pytest.raises(UserError, match=r"there are 0 and 0\."):
        Retrieval().scores(None, None, [], [])
    with pytest.raises(UserError, match="max_length 999 is more than the 512 positions that minil"):
        Retrieval(999).build_model("minilm", pretrained=False, seed=0, num_hidden_layers=1)
