"""BM25 against plain loops; candidates that are different, fixed, and hold the right reply."""

import math
from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from helpers import UserError
from helpers.sources import weights
from helpers.sources.dialogues import DialogueCorpus
from helpers.sources.duplicates import words
from helpers.tasks.retrieval import CANDIDATES, ReplyRetrieval, bm25_scores, draw_candidates


def corpus(replies, fingerprint="0" * 64):
    """A corpus whose three splits are the same pairs."""
    columns = {
        "source": [f"Question {i}?" for i in range(len(replies))],
        "target": replies,
        "origin": ["here"] * len(replies),
    }
    splits = {name: Dataset.from_dict(columns) for name in ("train", "validation", "test")}
    return DialogueCorpus(
        "tiny", DatasetDict(splits), len(replies), 0, 0, len(replies), fingerprint, "", ""
    )


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


def test_every_item_has_its_own_reply_first_and_then_others_each_once():
    replies = [f"Reply {i % 150}." for i in range(160)]  # the last ten are said twice
    found = draw_candidates(replies, seed=3)
    assert found.shape == (160, CANDIDATES)
    assert found[:, 0].tolist() == list(range(160))
    for row in found:
        assert len({replies[at] for at in row}) == CANDIDATES
    assert not np.array_equal(found[0], found[1])


def test_case_and_punctuation_make_no_other_reply():
    replies = ["Yes!", "yes", "No.", "YES", "Perhaps"]
    found = draw_candidates(replies, seed=0)
    assert found.shape == (5, 3)
    for row in found:
        assert len({tuple(words(replies[at])) for at in row}) == 3


def test_candidates_hang_on_the_corpus_alone():
    replies = [f"Reply {i}." for i in range(300)]
    same = [ReplyRetrieval(corpus(replies), n).candidates("test") for n in (16, 32)]
    assert np.array_equal(*same)
    other = ReplyRetrieval(corpus(replies, "1" * 64)).candidates("test")
    assert not np.array_equal(same[0], other)


def test_texts_are_encoded_cut_and_not_padded():
    tokenizer, task = weights.load_tokenizer("minilm"), ReplyRetrieval(corpus(["a", "b"]), 8)
    found = task.encode(["Hi", "Hello there you", "Bye " * 20], tokenizer)
    assert list(map(len, found)) == [3, 5, 8]
    assert task.items("test")["target"][:] == ["a", "b"]
    assert task.groups("test") is None
    whole = replace(task, corpus=replace(task.corpus, by_origin=True))
    assert whole.groups("test") == ["here", "here"]


def test_bad_input_is_a_sentence():
    with pytest.raises(UserError, match=r"needs questions and candidates; there are 0 and 1\."):
        bm25_scores([], ["one"])
    with pytest.raises(UserError, match=r"there are 1 and 0\."):
        bm25_scores(["one"], [])
    with pytest.raises(UserError, match=r"different ones; there is 1 in 2 pairs\."):
        draw_candidates(["Yes", "yes!"], seed=0)
    with pytest.raises(UserError, match=r"different ones; there are 0 in 0 pairs\."):
        draw_candidates([], seed=0)
    with pytest.raises(UserError, match=r"max_length must be at least 3 .* not 2\."):
        ReplyRetrieval(corpus(["a", "b"]), 2)
    with pytest.raises(UserError, match="max_length 999 is more than the 512 positions that minil"):
        ReplyRetrieval(corpus(["a", "b"]), 999).build_model("minilm", pretrained=False, seed=0)
