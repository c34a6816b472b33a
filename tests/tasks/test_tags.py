"""BIO tags there and back, and the best valid path."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.tasks.tags import (
    TYPES,
    Span,
    best_path,
    from_bio,
    label_names,
    repair,
    to_bio,
)


@st.composite
def texts_with_spans(draw):
    """Return a length and entities in order, touching or apart."""
    at, spans = 0, []
    for gap, size, name in draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(1, 4), st.sampled_from(sorted(TYPES))),
            max_size=6,
        )
    ):
        spans.append(Span(at + gap, at + gap + size, name))
        at += gap + size
    return at + draw(st.integers(0, 3)), spans


@given(texts_with_spans())
def test_spans_to_bio_and_back(case):
    length, spans = case
    tags = to_bio(length, spans)
    assert len(tags) == length
    assert from_bio(tags) == spans
    assert repair(tags) == tags


NAMES = label_names(["PER", "LOC"])


@given(st.lists(st.sampled_from(NAMES), max_size=8))
def test_repaired_tags_are_valid_and_say_the_same(tags):
    mended = repair(tags)
    before = "O"
    for tag in mended:
        assert not tag.startswith("I-") or before[1:] == tag[1:]
        before = tag
    assert from_bio(mended) == from_bio(tags)
    assert [tag.partition("-")[2] for tag in mended] == [tag.partition("-")[2] for tag in tags]


def test_repair_begins_what_has_no_beginning():
    assert repair(["I-PER", "I-PER", "O", "B-LOC", "I-PER"]) == [
        "B-PER", "I-PER", "O", "B-LOC", "B-PER",
    ]  # fmt: skip


@pytest.mark.parametrize("tag", ["PER", "B-", "X-PER", "", "B"])
def test_what_is_no_tag_is_a_sentence(tag):
    with pytest.raises(UserError, match=f"'{tag}' at character 1 is no BIO tag"):
        from_bio(["O", tag])


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([Span(0, 2, "PER"), Span(1, 3, "LOC")], "The LOC from 1 to 3 overlaps another entity"),
        ([Span(2, 4, "PER")], "The PER from 2 to 4 does not lie in a text of 3 characters"),
        ([Span(1, 1, "PER")], "does not lie in"),
        ([Span(-1, 1, "PER")], "does not lie in"),
    ],
)
def test_spans_that_fit_no_text_are_a_sentence(spans, message):
    with pytest.raises(UserError, match=message):
        to_bio(3, spans)


@given(st.integers(0, 4), st.integers(0, 10**6))
def test_the_best_path_is_that_of_brute_force(length, seed):
    scores = np.random.default_rng(seed).normal(size=(length, len(NAMES)))
    every = [list(path) for path in itertools.product(NAMES, repeat=length)]
    valid = [path for path in every if repair(path) == path]

    def total(path):
        return sum(row[NAMES.index(tag)] for row, tag in zip(scores, path, strict=True))

    assert best_path(scores, NAMES) == max(valid, key=total)
