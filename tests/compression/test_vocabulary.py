"""A trimmed vocabulary: the texts keep their logits, unknown words are spelled, files go around."""

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from helpers import UserError
from helpers.compression.vocabulary import trim_vocabulary
from helpers.sources.weights import load_model, load_tokenizer
from helpers.tasks.heads import MeanPooledClassifier

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


def test_no_word_piece_that_fell_away_becomes_unknown(trimmed):
    _, tokenizer, _, short = trimmed
    gone = sorted(set(tokenizer.get_vocab()) - set(short.get_vocab()))
    assert len(gone) > 20_000
    words = ["a" + t[2:] if t.startswith("##") else t for t in gone]
    for word, ids in zip(words, short(words)["input_ids"], strict=True):
        assert short.unk_token_id not in ids, word


def test_tokens_to_keep_stay_and_ids_keep_their_order(trimmed):
    model, tokenizer, _, short = trimmed
    _, more = trim_vocabulary(model, tokenizer, TEXTS, keep=["zimbabwe"])
    assert set(more.get_vocab()) - set(short.get_vocab()) == {"zimbabwe"}
    vocabulary, before = more.get_vocab(), tokenizer.get_vocab()
    old = [before[token] for token in sorted(vocabulary, key=vocabulary.get)]
    assert old == sorted(old)


@pytest.fixture(scope="module")
def pairs(tiny):
    texts = ["wheat corn", "bank loan"]
    return texts, *trim_vocabulary(tiny.model(), tiny.tokenizer, texts)


def test_byte_pairs_keep_tokens_and_logits(tiny, pairs, tmp_path):
    texts, small, short = pairs
    full = tiny.tokenizer
    assert 256 + 3 <= len(short) == small.backbone.config.vocab_size < len(full)
    for text in texts:
        assert full.tokenize(text) == short.tokenize(text)
    assert torch.equal(logits(small, short, texts), logits(tiny.model(), full, texts))
    small.save(tmp_path)
    short.save_pretrained(tmp_path)
    again, tokenizer = MeanPooledClassifier.load(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert torch.equal(logits(again, tokenizer, texts), logits(small, short, texts))


def test_byte_pairs_spell_any_text(tiny, pairs):
    _, _, short = pairs
    text = "ship port 世界 é\x00"
    assert short.decode(short(text)["input_ids"]) == text
    assert len(short.tokenize("harvest")) > len(tiny.tokenizer.tokenize("harvest"))


def test_special_ids_of_byte_pairs_follow(tiny, pairs):
    _, small, short = pairs
    assert short.special_tokens_map == tiny.tokenizer.special_tokens_map
    config = small.backbone.config
    assert config.eos_token_id == config.bos_token_id == short.eos_token_id
    assert config.pad_token_id == short.pad_token_id


def test_mistakes_are_sentences(tiny):
    words = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    other = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
    with pytest.raises(
        UserError, match=r"^Only WordPiece and byte-level BPE can be trimmed, not WordLevel\.$"
    ):
        trim_vocabulary(tiny.model(), other, ["wheat"])
    with pytest.raises(UserError, match=r"^Trimming a vocabulary needs at least one text\.$"):
        trim_vocabulary(tiny.model(), load_tokenizer("minilm"), [])
    with pytest.raises(UserError, match=r"^The vocabulary has no token 'qqqq' to keep\.$"):
        trim_vocabulary(tiny.model(), load_tokenizer("minilm"), ["wheat"], keep=["qqqq"])
