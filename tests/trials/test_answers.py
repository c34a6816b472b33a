import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from helpers.tasks.tags import repair
from helpers.trials import answers
from helpers.trials.rows import flat
from helpers.trials.tasks import TASKS

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
SENTENCES = [["B-PER", "I-PER", "O"], ["O", "B-LOC", "I-LOC", "I-LOC", "O"], ["B-LOC"]]
tags = st.lists(st.sampled_from(NAMES), max_size=8).map(repair)


def tagged(split="validation"):
    """SENTENCES as inputs; a token a character, the second sentence in two rows of 3 and 2."""
    numbers = [[NAMES.index(tag) for tag in each] for each in SENTENCES]
    whole, tag_starts = flat(numbers, np.uint8)
    rows = [(0, 0, 3), (1, 0, 3), (1, 3, 5), (2, 0, 1)]
    owned = [list(range(start, end)) for _, start, end in rows]
    starts, where = flat([[0, *own, 0] for own in owned], np.int16)
    ends, _ = flat([[0, *(at + 1 for at in own), 0] for own in owned], np.int16)
    labels, _ = flat([[-100, *numbers[at][start:end], -100] for at, start, end in rows], np.int16)
    arrays = {
        "tags": whole,
        "tag_starts": tag_starts,
        "starts": where,
        "own_starts": starts,
        "own_ends": ends,
        "labels": labels,
        "sentence": np.array([at for at, _, _ in rows], np.int32),
    }
    return {f"{split}.{name}": array for name, array in arrays.items()} | {"names": NAMES}


def sure(inputs, split="validation"):
    """Return logits of a network that knows every tag, and says nonsense of special tokens."""
    labels = inputs[f"{split}.labels"]
    logits = np.where(labels[:, None] == np.arange(5), 9.0, 0.0)
    logits[labels == -100] = [0, 0, 9, 0, 9]
    bounds = inputs[f"{split}.starts"]
    return [logits[a:b] for a, b in itertools.pairwise(bounds)]


# classes


def test_a_class_is_kept_with_its_probability():
    kept = answers.of_probabilities(np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0]]))
    assert kept["predicted"].tolist() == [1, 0]
    assert kept["probability"].tolist() == [np.float16(0.7), 0.5]
    assert (kept["predicted"].dtype, kept["probability"].dtype) == (np.uint8, np.float16)


def test_more_classes_than_a_byte_holds_take_two():
    assert answers.of_probabilities(np.eye(256))["predicted"].dtype == np.uint8
    many = answers.of_probabilities(np.eye(300))
    assert many["predicted"].tolist() == list(range(300))


def test_probabilities_are_those_of_torch_and_large_logits_do_no_harm():
    logits = np.random.default_rng(0).normal(0, 5, (50, 4)).astype(np.float32)
    logits[0] = [5000, 4999, -5000, 0]
    kept = answers.classes(list(logits))
    best = torch.softmax(torch.tensor(logits, dtype=torch.float64), 1).max(1)
    assert kept["predicted"].tolist() == best.indices.tolist()
    assert kept["probability"] == pytest.approx(best.values.numpy(), abs=1e-3)


def test_the_score_of_classes_is_the_share_that_is_right():
    inputs = {"validation.labels": np.array([0, 1, 1, 0])}
    logits = [np.eye(2)[at] for at in (1, 0, 0)]
    assert TASKS["classification"].watched(logits, inputs, np.array([1, 2, 3])) == 2 / 3


# names


def test_the_types_are_those_of_the_tags():
    assert answers.types_of({"names": NAMES}) == ["PER", "LOC"]


def test_the_right_tags_are_those_that_were_put_in():
    assert answers.gold_tags(tagged(), "validation") == SENTENCES
    assert answers.gold_tags(tagged(), "validation", [2, 0]) == [SENTENCES[2], SENTENCES[0]]


def test_rows_of_one_sentence_are_joined_over_the_cut():
    inputs = tagged()
    assert answers.tags_of(sure(inputs), inputs, "validation", None) == SENTENCES


def test_some_sentences_are_read_in_the_order_asked_for():
    inputs = tagged()
    rows = sure(inputs)
    asked = [rows[3], rows[1], rows[2]]
    assert answers.tags_of(asked, inputs, "validation", [2, 1]) == [SENTENCES[2], SENTENCES[1]]


def test_a_network_that_knows_all_finds_every_name():
    inputs = tagged("test")
    kept = TASKS["tagging"].of_logits(sure(inputs, "test"), inputs, "test")
    assert kept["found"].tolist() == [[1, 0], [0, 1], [0, 1]]
    assert not kept["missed"].any() and not kept["wrong"].any()
    inputs = tagged()
    assert TASKS["tagging"].watched(sure(inputs), inputs, np.arange(3)) == 1.0


def test_the_score_of_names_is_that_of_the_places_asked_for():
    inputs = tagged()
    rows = sure(inputs)
    rows[3] = np.zeros_like(rows[3])  # all tags alike: O is the first, the name is missed
    score = TASKS["tagging"].watched
    assert score(rows, inputs, np.arange(3)) == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert score(rows[:3], inputs, np.array([0, 1])) == 1.0
    assert score(rows[3:], inputs, np.array([2])) == 0.0


def test_names_are_counted_by_hand():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    predicted = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "B-LOC"]]
    counts = answers.count_names(predicted, gold, ["PER", "LOC"])
    assert counts["found"].tolist() == [[0, 1], [0, 1]]
    assert counts["missed"].tolist() == [[1, 0], [0, 0]]
    assert counts["wrong"].tolist() == [[1, 0], [1, 0]]
    assert answers.f1_of(counts) == pytest.approx(2 * 2 / (2 * 2 + 1 + 2))


@given(st.lists(st.tuples(tags, tags), min_size=1, max_size=6))
def test_f1_is_that_of_seqeval(pairs):
    sizes = [min(map(len, pair)) for pair in pairs]
    predicted, gold = (
        [repair(pair[side][:size]) for pair, size in zip(pairs, sizes, strict=True)]
        for side in (0, 1)
    )
    counts = answers.count_names(predicted, gold, ["PER", "LOC"])
    expected = 0.0
    if any(tag != "O" for each in [*predicted, *gold] for tag in each):
        expected = f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0)
    assert answers.f1_of(counts) == pytest.approx(expected)
