"""Rows, batches, likelihoods: shifted once, nothing leaks, padding changes nothing."""

import json
import math

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertForMaskedLM, BertModel, GPT2Config, GPT2LMHeadModel

from helpers import UserError
from helpers.baselines import language_models
from helpers.sources.corpora import load_texts
from helpers.tasks.batches import IGNORED
from helpers.tasks.bytepairs import END, token_ids, train_bytepairs
from helpers.tasks.language_modeling import (
    DocumentLosses,
    LanguageModeling,
    bits_per_byte,
    document_losses,
    is_causal,
    perplexity,
)
from tests import tiny_bert

TEXTS = ["one two three four five six seven", "eight nine", "ten eleven twelve thirteen fourteen ½"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "plain.jsonl"
    rows = [
        {
            "text": " ".join(f"w{(i * 7 + k * k) % 97}{'ab'[i % 2]}" for k in range(8)),
        }
        for i in range(60)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return load_texts(path, label_column=None)


@pytest.fixture(scope="module")
def tokenizer():
    return train_bytepairs(TEXTS * 4, vocabulary=300, positions=64)


def documents(texts=TEXTS):
    return Dataset.from_dict({"text": list(texts)})


def gpt2(vocabulary=300, positions=64, seed=0):
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=vocabulary, n_positions=positions, n_embd=16, n_layer=2, n_head=2,
        bos_token_id=0, eos_token_id=0, initializer_range=0.5,
    )  # fmt: skip
    return GPT2LMHeadModel(config).eval()


def bert(vocabulary=300, positions=64):
    return tiny_bert.bert(
        BertForMaskedLM, vocab_size=vocabulary, max_position_embeddings=positions,
        num_hidden_layers=1, initializer_range=0.5,
    ).eval()  # fmt: skip


class Bigram(torch.nn.Module):
    """Logits that depend on the current token alone, by a table: worked out by hand below."""

    def __init__(self, table):
        super().__init__()
        self.table = table
        self.device = torch.device("cpu")

    def forward(self, input_ids, **_):
        return type("Out", (), {"logits": self.table[input_ids]})


def test_labels_are_shifted_exactly_once_by_hand():
    # Token 0 says 1 with probability 3/4, token 1 says 2 with 1/2, token 2 says 0 with 1/8.
    table = torch.full((3, 3), -1e9)
    for now, following, share in [(0, 1, 3 / 4), (1, 2, 1 / 2), (2, 0, 1 / 8)]:
        table[now] = math.log((1 - share) / 2)
        table[now, following] = math.log(share)
    rows = Dataset.from_dict(
        {"input_ids": [[0, 1, 2, 0]], "labels": [[IGNORED, 1, 2, 0]], "document": [0]}
    )
    found = document_losses(Bigram(table), documents(["abc"]), rows, right_padding())
    assert found.nats[0] == pytest.approx(-math.log(3 / 4 * 1 / 2 * 1 / 8), abs=1e-6)
    assert found.tokens.tolist() == [3]


def right_padding():
    from helpers.tasks.batches import RightPadding

    return RightPadding(train_bytepairs(["abc"], vocabulary=259))


def test_our_shift_is_the_models_own(corpus, tokenizer):
    """GPT-2's loss on the collator's batch is the mean of our nats: it shifts, once, as we do."""
    task, model = LanguageModeling(corpus, block_size=16), gpt2()
    rows = task.encode(documents(), tokenizer)
    batch = task.collator(tokenizer)(rows.to_list())
    with torch.inference_mode():
        theirs = float(model(**batch).loss)
    ours = document_losses(model, documents(), rows, task.collator(tokenizer))
    assert theirs == pytest.approx(ours.nats.sum() / ours.tokens.sum(), abs=1e-5)


def test_the_collator_shifts_nothing_and_hides_padding(corpus, tokenizer):
    task = LanguageModeling(corpus, block_size=16)
    rows = [{"input_ids": [0, 5, 6], "labels": [IGNORED, 5, 6]}, {"input_ids": [0], "labels": [0]}]
    batch = task.collator(tokenizer)(rows)
    assert batch["labels"].tolist() == [[IGNORED, 5, 6], [0, IGNORED, IGNORED]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["input_ids"][1].tolist() == [0, tokenizer.pad_token_id, tokenizer.pad_token_id]


@pytest.mark.parametrize("objective", ["causal", "masked"])
def test_padding_does_not_change_any_documents_loss(corpus, tokenizer, objective):
    task = LanguageModeling(corpus, block_size=64, objective=objective, mask_share=0.4)
    model = gpt2() if objective == "causal" else bert()
    rows = task.encode(documents(), tokenizer)
    collator = task.collator(tokenizer, seed=1)
    together = document_losses(model, documents(), rows, collator, batch_size=8)
    alone = document_losses(model, documents(), rows, collator, batch_size=1)
    assert together.tokens.tolist() == alone.tokens.tolist()
    np.testing.assert_allclose(
        together.nats / together.tokens, alone.nats / alone.tokens, atol=1e-5
    )
    if objective == "causal":
        one = document_losses(
            model, documents([TEXTS[1]]), task.encode(documents([TEXTS[1]]), tokenizer), collator
        )
        assert one.nats[0] / one.tokens[0] == pytest.approx(
            together.nats[1] / together.tokens[1], abs=1e-5
        )


def test_no_leak_across_documents(corpus, tokenizer):
    """What the other documents say, or that there are any, changes no document's loss or row."""
    task, model = LanguageModeling(corpus, block_size=8), gpt2()
    texts = TEXTS
    others = ["something else altogether, and longer than it was", TEXTS[1], "x"]
    found = []
    for version in (texts, others):
        rows = task.encode(documents(version), tokenizer)
        losses = document_losses(model, documents(version), rows, task.collator(tokenizer))
        own = [row["input_ids"] for row in rows if row["document"] == 1]
        found.append((own, losses.nats[1]))
    assert found[0][0] == found[1][0]
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-5)


@pytest.mark.parametrize("objective", ["causal", "masked"])
def test_a_row_holds_one_document_and_the_rows_hold_all_of_it(corpus, tokenizer, objective):
    task = LanguageModeling(corpus, block_size=8, objective=objective)
    rows = task.encode(documents(), tokenizer)
    assert max(map(len, rows["input_ids"])) <= 8
    for document, text in enumerate(TEXTS):
        own = [row["input_ids"] for row in rows if row["document"] == document]
        overlap = 1 if objective == "causal" else 0
        ids = own[0] + [token for row in own[1:] for token in row[overlap:]]
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


@pytest.mark.parametrize("context", [1, 3, 7])
def test_every_token_is_predicted_exactly_once(corpus, tokenizer, context):
    task = LanguageModeling(corpus, block_size=8, context=context)
    rows = task.encode(documents(), tokenizer)
    for document, ids in enumerate(token_ids(TEXTS, tokenizer)):
        labels = [
            label
            for row in rows
            if row["document"] == document
            for label in row["labels"]
            if label != IGNORED
        ]
        assert labels == [*ids, tokenizer.eos_token_id]


def test_more_context_never_changes_what_a_whole_row_costs(corpus, tokenizer):
    model = gpt2()
    nats = []
    for context in (1, 5):
        task = LanguageModeling(corpus, block_size=64, context=context)
        rows = task.encode(documents(), tokenizer)
        nats.append(document_losses(model, documents(), rows, task.collator(tokenizer)).nats)
    np.testing.assert_allclose(*nats, rtol=1e-5)


def test_bits_per_byte_by_hand(corpus):
    # "né" is three bytes; 6 ln 2 nats are 6 bits.
    losses = DocumentLosses(np.array([6 * math.log(2)]), np.array([2]), np.array([3]))
    assert losses.bits_per_byte.tolist() == pytest.approx([2.0])
    scores = LanguageModeling(corpus).score(losses)
    assert scores["bits_per_byte"] == pytest.approx(2.0) == bits_per_byte(6 * math.log(2), 3)
    assert scores["perplexity"] == pytest.approx(8.0) == perplexity(6 * math.log(2), 2)
    assert "bits_per_byte" not in LanguageModeling(corpus, objective="masked").score(losses)


def test_bytes_are_those_of_utf8(corpus, tokenizer):
    task = LanguageModeling(corpus, block_size=64)
    data = documents(["né 新"])
    found = document_losses(gpt2(), data, task.encode(data, tokenizer), task.collator(tokenizer))
    assert found.size.tolist() == [7]


def test_masks_are_dynamic_seeded_and_80_10_10(corpus, tokenizer):
    task = LanguageModeling(corpus, block_size=64, objective="masked")
    row = {"input_ids": [0, *range(10, 70), 0]}
    collator = task.collator(tokenizer, seed=3)
    first, second = collator([row]), collator([row])
    assert first["input_ids"].tolist() != second["input_ids"].tolist()
    collator.restart()
    assert collator([row])["input_ids"].tolist() == first["input_ids"].tolist()
    many = collator([row] * 400)
    asked = many["labels"] != IGNORED
    assert not asked[:, [0, -1]].any()
    now, before = many["input_ids"][asked], many["labels"][asked]
    assert float(asked[:, 1:-1].float().mean()) == pytest.approx(0.15, abs=0.01)
    assert float((now == tokenizer.mask_token_id).float().mean()) == pytest.approx(0.8, abs=0.03)
    assert float((now == before).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_any_text_comes_back_and_marks_in_a_text_are_text(tokenizer):
    texts = ["Grüße, 新闻 🙂\n\tx  y ", f"a {END} b <pad> <mask>"]
    for text, ids in zip(texts, token_ids(texts, tokenizer), strict=True):
        assert tokenizer.decode(ids) == text
        assert not set(ids) & set(tokenizer.all_special_ids)


def test_equal_texts_give_an_equal_tokenizer(tokenizer):
    again = train_bytepairs(TEXTS * 4, vocabulary=300)
    assert again.get_vocab() == tokenizer.get_vocab()


def test_items_are_nested_draws(corpus):
    task = LanguageModeling(corpus)
    assert task.items("train", 3)["text"][:] == task.items("train", 8)["text"][:3]
    assert len(task.items("train")) == len(corpus.splits["train"])


def test_baselines_by_hand(tokenizer):
    # All 257 symbols equally likely: log2(257) bits for each of 3 bytes and 1 end.
    assert language_models.unigram_bytes([], ["abc"]) == pytest.approx(math.log2(257) * 4 / 3)
    bits, nats = language_models.unigram_tokens([], ["abc"], tokenizer)
    n = len(token_ids(["abc"], tokenizer)[0]) + 1
    assert nats == pytest.approx(math.log(len(tokenizer)))
    assert bits == pytest.approx(math.log2(len(tokenizer)) * n / 3)
    assert language_models.gzip_bits(["a" * 10_000]) < 0.1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"objective": "next"}, "objective must be causal or masked, not 'next'"),
        ({"block_size": 3}, "block_size must be at least 4 tokens, not 3"),
        ({"context": 256}, "context must be at least 1 and below the block_size 256, not 256"),
        ({"mask_share": 1.0}, "mask_share must lie between 0 and 1, not 1"),
    ],
)
def test_bad_numbers_are_a_sentence(corpus, change, sentence):
    with pytest.raises(UserError, match=sentence):
        LanguageModeling(corpus, **change)


def test_bad_input_is_a_sentence(corpus, tokenizer):
    task = LanguageModeling(corpus, block_size=32)
    with pytest.raises(UserError, match="Document 1 is empty"):
        task.encode(documents(["a", ""]), tokenizer)
    with pytest.raises(UserError, match="knows only 299: take the tokenizer that belongs"):
        task.check(gpt2(vocabulary=299), tokenizer)
    with pytest.raises(UserError, match="block_size 32 is more than the 16 positions"):
        task.check(gpt2(positions=16), tokenizer)
    with pytest.raises(UserError, match="BertForMaskedLM has no causal head"):
        task.check(bert(), tokenizer)
    with pytest.raises(UserError, match=r"train split of .* has .* documents; 999 cannot be drawn"):
        task.items("train", 999)
    with pytest.raises(UserError, match="no mask token"):
        bare = train_bytepairs(["abc"], vocabulary=259)
        bare.mask_token = None
        LanguageModeling(corpus, objective="masked").collator(bare)
    with pytest.raises(UserError, match="vocabulary must be at least 259"):
        train_bytepairs(["abc"], vocabulary=258)
    with pytest.raises(UserError, match="no text to learn a tokenizer from"):
        train_bytepairs(["", ""], vocabulary=300)


def test_a_model_by_name_is_built_and_one_without_a_causal_head_is_refused(
    corpus, tokenizer, tmp_path
):
    task = LanguageModeling(corpus, block_size=32)
    gpt2().save_pretrained(tmp_path / "gpt2")
    model = task.build_model(
        str(tmp_path / "gpt2"), pretrained=True, seed=0, tokenizer=tokenizer
    )  # fmt: skip
    assert is_causal(model)
    encoder = BertModel(bert().config, add_pooling_layer=False)
    encoder.save_pretrained(tmp_path / "bert")
    with pytest.raises(UserError, match="has no causal head"):
        task.build_model(str(tmp_path / "bert"), pretrained=True, seed=0)
