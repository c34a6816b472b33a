"""Characters and tokens: hand-made cases, three kinds of tokenizers, windows cut and joined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from helpers import UserError
from helpers.tasks.alignment import join, owned, windows
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.characters import train_characters
from helpers.tasks.tags import label_names, repair

NAMES = label_names(["PER", "LOC"])
CHARACTERS = "江泽民在北京1998年，NBAkm。"


def wordpiece():
    """Return a tokenizer that works as bert-base-chinese's does: Latin and digits in pieces."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"江泽民在北京年，。k", "1998", "19", "##98"]
    words += ["nba", "12", "##km", "##9", "##8"]
    core = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="[PAD]", unk_token="[UNK]")


TOKENIZERS = {
    "wordpiece": wordpiece(),
    "characters": train_characters([CHARACTERS], vocabulary=60),
    "bytes": train_bytepairs([CHARACTERS] * 2, vocabulary=270, positions=64),
}


def labels(text, tags, tokenizer="wordpiece", max_length=32):
    rows = windows([text], [tags], NAMES, TOKENIZERS[tokenizer], max_length)
    return [[NAMES[n] if n >= 0 else "-" for n in row] for row in rows["labels"]]


def tags_of(text, *entities):
    tags = ["O"] * len(text)
    for entity, name in entities:
        at = text.index(entity)
        tags[at : at + len(entity)] = [f"B-{name}"] + [f"I-{name}"] * (len(entity) - 1)
    return tags


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        (
            "江泽民，北京。",
            [("江泽民", "PER"), ("北京", "LOC")],
            "B-PER I-PER I-PER O B-LOC I-LOC O",
        ),
        ("1998年", [], "O O"),  # four digits are one token
        ("NBA在", [("NBA", "LOC")], "B-LOC O"),  # three letters are one token
        ("在12km", [("km", "LOC")], "O O B-LOC"),  # 12 ##km: each has its own first character
        ("12km", [("2k", "LOC")], "O I-LOC"),  # begins inside a token: cannot be told
        ("😀江", [("江", "PER")], "O B-PER"),  # an unknown word is one token
        ("北 京", [("北 京", "LOC")], "B-LOC I-LOC"),  # a space has no token
        ("北\u200b京", [("北\u200b京", "LOC")], "B-LOC I-LOC"),  # neither has what is invisible
    ],
)
def test_labels_of_wordpieces(text, entities, expected):
    assert labels(text, tags_of(text, *entities)) == [["-", *expected.split(), "-"]]


def test_only_the_first_piece_of_a_character_counts():
    text = "江😀北"
    tags = ["B-PER", "O", "B-LOC"]
    rows = windows([text], [tags], NAMES, TOKENIZERS["bytes"], 32)
    counted = [n for n in rows["labels"][0] if n >= 0]
    assert len(rows["input_ids"][0]) > 3  # characters in several bytes
    assert [NAMES[n] for n in counted] == tags


def test_a_character_that_becomes_two_has_one_label():
    # NFKC: ㎏ becomes kg, … becomes three dots.
    assert labels("江㎏…", ["B-PER", "O", "B-LOC"], "characters") == [
        ["-", "B-PER", "O", "-", "B-LOC", "-", "-", "-"]
    ]


def test_a_character_cut_between_windows_has_one_label():
    text = "江㎏北"
    found = labels(text, ["B-PER", "B-LOC", "O"], "characters", max_length=4)
    assert found == [["-", "B-PER", "B-LOC", "-"], ["-", "-", "O", "-"]]


def test_overlapping_offsets_own_no_character_twice():
    assert owned([(0, 1), (0, 2), (1, 2), (2, 3)]) == [(0, 1), (1, 2), (0, 0), (2, 3)]
    assert owned([(0, 2), (1, 4)], before=1) == [(1, 2), (2, 4)]


TEXT = st.text(CHARACTERS + "😀 ㎏ab", min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(sorted(TOKENIZERS)), st.integers(3, 12))
def test_every_character_is_owned_once_whatever_the_window(data, name, max_length):
    texts = data.draw(st.lists(TEXT, min_size=1, max_size=3))
    tags = [["O"] * len(text) for text in texts]
    rows = windows(texts, tags, NAMES, TOKENIZERS[name], max_length)
    assert all(len(ids) <= max_length for ids in rows["input_ids"])
    seen = [[] for _ in texts]
    for row in rows:
        for start, end in zip(row["starts"], row["ends"], strict=True):
            seen[row["sentence"]] += range(start, end)
    for text, places in zip(texts, seen, strict=True):
        assert places == sorted(set(places))
        assert all(text[at].isspace() for at in set(range(len(text))) - set(places))


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(3, 12))
def test_windows_of_right_scores_join_to_the_right_tags(data, max_length):
    texts = data.draw(st.lists(st.text("江泽民北京，ab1㎏", min_size=1, max_size=30), min_size=1))
    tags = [
        repair(data.draw(st.lists(st.sampled_from(NAMES), min_size=len(text), max_size=len(text))))
        for text in texts
    ]
    rows = windows(texts, tags, NAMES, TOKENIZERS["characters"], max_length)
    scores = [np.eye(len(NAMES))[np.maximum(row, 0)] for row in rows["labels"]]
    assert join(rows, scores, NAMES, [len(text) for text in texts]) == tags


def test_an_entity_goes_on_over_spaces_and_long_tokens():
    text = "在NBA 北京"
    tags = tags_of(text, ("NBA 北京", "LOC"))
    rows = windows([text], [tags], NAMES, TOKENIZERS["wordpiece"], 4)
    scores = [np.eye(len(NAMES))[np.maximum(row, 0)] for row in rows["labels"]]
    assert len(rows) == 2
    assert join(rows, scores, NAMES, [len(text)]) == [tags]


def test_a_sentence_without_any_token_has_no_entity_and_no_row():
    rows = windows(["  ", "北"], [["O", "O"], ["B-LOC"]], NAMES, TOKENIZERS["wordpiece"], 8)
    assert rows["sentence"] == [1]
    scores = [np.eye(len(NAMES))[np.maximum(row, 0)] for row in rows["labels"]]
    assert join(rows, scores, NAMES, [2, 1]) == [["O", "O"], ["B-LOC"]]


def test_a_tag_of_another_task_is_a_sentence():
    with pytest.raises(UserError, match="The items have the tag 'B-ORG', which is none of this"):
        windows(["北"], [["B-ORG"]], NAMES, TOKENIZERS["wordpiece"], 8)


def test_a_tokenizer_without_offsets_is_a_sentence():
    class Slow:
        is_fast = False

    with pytest.raises(UserError, match="Slow does not tell which characters a token stands for"):
        windows(["北"], [["O"]], NAMES, Slow(), 8)


def test_no_sentences_are_a_sentence():
    with pytest.raises(UserError, match="There are no sentences to encode"):
        windows([], [], NAMES, TOKENIZERS["wordpiece"], 8)
