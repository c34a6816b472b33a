"""Fit of a tokenizer: words it does not know, pieces, what is cut."""

import pytest

from helpers.sources.weights import load_tokenizer
from helpers.tasks.token_fit import token_fit


def test_what_is_cut_is_what_encoding_loses():
    tokenizer = load_tokenizer("minilm")
    texts = ["word " * n for n in range(1, 11)]
    for length in (3, 6, 12):
        lost = sum(
            len(tokenizer(text, truncation=True, max_length=length)["input_ids"])
            < len(tokenizer(text)["input_ids"])
            for text in texts
        )
        assert token_fit(texts, tokenizer, length).cut == lost / 10


def test_a_foreign_script_shows():
    english = ["the government said on monday that prices rose"]
    chinese = ["政府星期一表示价格上涨了百分之三"]
    minilm, own = load_tokenizer("minilm"), load_tokenizer("bert-zh-mini")
    assert token_fit(english, minilm, 64).unknown == 0
    assert token_fit(chinese, own, 64).tokens_a_word == pytest.approx(1, abs=0.05)
    assert token_fit(english, own, 64).tokens_a_word > 3
    bytes_ = load_tokenizer("gpt2-mini")
    assert token_fit(chinese, bytes_, 64).unknown == 0
    assert token_fit(chinese, bytes_, 64).tokens_a_word > 1.5
