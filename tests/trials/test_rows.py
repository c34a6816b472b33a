import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.trials.rows import (
    flat,
    item_rows,
    item_texts,
    load_inputs,
    n_items,
    pack_texts,
    save_inputs,
)

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8)


def plain(rows):
    return [(ids.tolist(), np.asarray(labels).tolist()) for ids, labels in rows]


@given(st.lists(st.lists(st.integers(0, 2**31 - 1)), max_size=9))
def test_lists_come_back_from_one_flat_array(parts):
    whole, starts = flat(parts, np.int32)
    assert whole.dtype == np.int32 and len(starts) == len(parts) + 1
    assert [whole[a:b].tolist() for a, b in itertools.pairwise(starts)] == parts


@given(TEXTS, st.data())
def test_texts_come_back_in_any_order(texts, data):
    inputs = dict(zip(("test.text", "test.text_starts"), pack_texts(texts), strict=True))
    places = data.draw(st.permutations(range(len(texts))))
    assert item_texts(inputs, "test", places) == [texts[at] for at in places]
    assert n_items(inputs, "test") == len(texts)


def classified():
    """Three texts, one row each."""
    ids, starts = flat([[2, 7, 3], [2, 3], [2, 8, 9, 3]], np.int32)
    return {"train.ids": ids, "train.starts": starts, "train.labels": np.array([1, 0, 2])}


def tagged():
    """Three sentences, the second of which has two rows."""
    ids, starts = flat([[2, 5, 3], [2, 6, 7, 3], [2, 8, 3], [2, 9, 3]], np.int32)
    labels, _ = flat([[-100, 1, -100], [-100, 0, 1, -100], [-100, 2, -100], [-100, 0, -100]], int)
    _, tag_starts = flat([[0], [0, 1, 2], [0]], np.uint8)
    return {
        "test.ids": ids,
        "test.starts": starts,
        "test.labels": labels,
        "test.sentence": np.array([0, 1, 1, 2]),
        "test.tag_starts": tag_starts,
    }


def test_a_text_is_a_row_with_its_class():
    assert plain(item_rows(classified(), "train")) == [
        ([2, 7, 3], 1),
        ([2, 3], 0),
        ([2, 8, 9, 3], 2),
    ]
    assert plain(item_rows(classified(), "train", [2, 0])) == [([2, 8, 9, 3], 2), ([2, 7, 3], 1)]


def test_a_long_sentence_is_several_rows_with_a_label_for_each_token():
    whole = plain(item_rows(tagged(), "test"))
    assert whole[1:3] == [([2, 6, 7, 3], [-100, 0, 1, -100]), ([2, 8, 3], [-100, 2, -100])]
    assert len(whole) == 4 and n_items(tagged(), "test") == 3


def test_sentences_come_in_the_order_asked_for_with_all_their_rows():
    rows = plain(item_rows(tagged(), "test", np.array([2, 1])))
    assert [ids[1] for ids, _ in rows] == [9, 6, 8]


def test_items_are_counted_by_sentences_then_texts_then_rows():
    inputs = {"a.starts": np.arange(5), "a.text_starts": np.arange(4), "a.tag_starts": np.arange(3)}
    assert n_items(inputs, "a") == 2
    del inputs["a.tag_starts"]
    assert n_items(inputs, "a") == 3
    del inputs["a.text_starts"]
    assert n_items(inputs, "a") == 4


def test_inputs_come_back_from_their_file(tmp_path):
    before = tagged() | {"names": ["O", "B-人", "I-人"]}
    save_inputs(before, tmp_path / "x.safetensors")
    after = load_inputs(tmp_path / "x.safetensors")
    assert after.keys() == before.keys() and after["names"] == before["names"]
    for key, array in tagged().items():
        assert np.array_equal(after[key], array) and after[key].dtype == array.dtype


@pytest.mark.parametrize("left", [None, 0, 5, 60, -1])
def test_a_damaged_or_absent_file_is_one_sentence(tmp_path, left):
    file = tmp_path / "x.safetensors"
    if left is not None:
        save_inputs(classified() | {"names": ["a"]}, file)
        file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(UserError) as error:
        load_inputs(file)
    assert str(error.value) == f"{file} is cut short or holds no inputs of trials: delete it."


def test_arrays_of_something_else_are_no_inputs(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(UserError, match="cut short or holds no inputs of trials"):
        load_inputs(tmp_path / "x.safetensors")
