"""A trimmed vocabulary: the texts keep their logits, unknown words are spelled, files go around."""

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from helpers import UserError
from helpers.compression.vocabulary import trim_vocabulary
from helpers.sources.weights import load_model, load_tokenizer
from helpers.tasks.classification import MeanPooledClassifier

TEXTS = ["Wheat exports rose 3.5 pct in Café Zürich.", "the bank said it will sell its stake"]


@pytest.fixture(scope="module")
def trimmed():
    tokenizer = load_tokenizer("minilm")
    backbone = load_model("minilm", AutoModel, num_hidden_layers=1)
    model = MeanPooledClassifier(backbone, 3).eval()
    return model, tokenizer, *trim_vocabulary(model, tokenizer, TEXTS)


def logits(model, tokenizer, texts):
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        return model(batch["input_ids"], batch["attention_mask"]).logits


def test_the_texts_keep_tokens_and_logits(trimmed):
    model, tokenizer, small, short = trimmed
    for text in TEXTS:
        assert short.convert_ids_to_tokens(short(text)["input_ids"]) == (
            tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
        )
    assert torch.equal(logits(small, short, TEXTS), logits(model, tokenizer, TEXTS))
    assert len(short) == small.backbone.config.vocab_size < 3000 < len(tokenizer) == 30522
    assert model.backbone.config.vocab_size == 30522  # the original stays


def test_other_words_are_spelled_not_lost(trimmed):
    _, tokenizer, _, short = trimmed
    text = "transferability of the harvest"
    ids = short(text, add_special_tokens=False)["input_ids"]
    assert short.unk_token_id not in ids
    assert len(ids) > len(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert short.decode(ids) == text


def test_what_no_character_spells_stays_unknown(trimmed):
    _, tokenizer, _, short = trimmed
    for one in (tokenizer, short):
        assert one.unk_token_id in one("𐎀")["input_ids"]


def test_special_tokens_and_padding_follow(trimmed):
    _, tokenizer, small, short = trimmed
    assert short.all_special_tokens == tokenizer.all_special_tokens
    batch = short(["wheat", "the bank said it"], padding=True)
    assert batch["input_ids"][0][-1] == short.pad_token_id == small.backbone.config.pad_token_id
    assert batch["input_ids"][0][0] == short.cls_token_id
    assert batch["attention_mask"][0][-1] == 0


def test_both_are_read_back(trimmed, tmp_path):
    _, _, small, short = trimmed
    small.save(tmp_path)
    short.save_pretrained(tmp_path)
    again = MeanPooledClassifier.load(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert torch.equal(logits(again, tokenizer, TEXTS), logits(small, short, TEXTS))


def test_mistakes_are_sentences(tiny):
    with pytest.raises(
        UserError, match=r"Only WordPiece vocabularies \(BERT's\) can be trimmed, n"
    ):
        trim_vocabulary(tiny.model(), tiny.tokenizer, ["wheat"])
    with pytest.raises(UserError, match=r"Trimming a vocabulary needs at least one text\."):
        trim_vocabulary(tiny.model(), load_tokenizer("minilm"), [])
