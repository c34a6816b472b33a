"""Characters as tokens: every one once, in place, unknown ones told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.tasks.bytepairs import boundaries, token_ids
from helpers.tasks.characters import SPECIAL, train_characters

TEXTS = ["中共中央总书记江泽民", "北京１月１日电", "中国人民"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_characters(TEXTS, vocabulary=100)


@given(st.text(alphabet="中共央总书记江泽民北京电人", min_size=1, max_size=30))
def test_known_text_has_a_token_a_character_and_comes_back(text):
    tokenizer = train_characters(TEXTS, vocabulary=100)
    ids = token_ids([text], tokenizer)[0]
    assert len(ids) == len(text)
    assert tokenizer.decode(ids) == text


def test_tokens_tell_where_they_stand_in_the_text(tokenizer):
    text = "江泽民１月\n在"
    found = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    assert found["offset_mapping"] == [(i, i + 1) for i in range(len(text))]
    assert found["input_ids"][-2:] == [tokenizer.unk_token_id] * 2  # neither was in the texts


def test_the_most_frequent_characters_are_kept():
    tokenizer = train_characters(["aaabbc"], vocabulary=len(SPECIAL) + 2)
    assert tokenizer.tokenize("abc") == ["a", "b", "[UNK]"]


def test_it_fits_a_masked_model(tokenizer):
    assert boundaries(tokenizer) == (SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]"))
    assert tokenizer.mask_token_id == SPECIAL.index("[MASK]")


def test_it_is_the_same_after_saving(tokenizer, tmp_path):
    from helpers.sources.weights import load_tokenizer

    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    again = load_tokenizer(tmp_path)
    assert again(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]


def test_bad_input_is_a_sentence():
    with pytest.raises(UserError, match="vocabulary must be at least 6"):
        train_characters(["abc"], vocabulary=5)
    with pytest.raises(UserError, match="There is no text to learn a tokenizer from"):
        train_characters(["", ""], vocabulary=50)
