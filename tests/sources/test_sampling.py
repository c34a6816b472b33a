import collections

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import UserError
from helpers.sources.sampling import DRAWS, TUNING, draw, draw_order, mean_overlap, stratified

labels = st.lists(st.integers(0, 4), min_size=1, max_size=80)


@given(labels, st.integers(0, 5), st.data())
@settings(max_examples=100, deadline=None)
def test_draws_are_nested_and_hold_every_class(labels, seed, data):
    items = datasets.Dataset.from_dict(
        {"text": list(map(str, range(len(labels)))), "label": labels}
    )
    large = data.draw(st.integers(1, len(labels)))
    small = data.draw(st.integers(1, large))
    few, many = draw(items, small, seed)["text"][:], draw(items, large, seed)["text"][:]
    assert many[:small] == few and len(set(many)) == large
    found = {labels[int(i)] for i in many}
    assert len(found) == min(large, len(set(labels))) or found == set(labels)


def test_draws_follow_the_shares():
    items = datasets.Dataset.from_dict({"text": ["x"] * 1000, "label": [0] * 900 + [1] * 100})
    means = np.mean([np.mean(draw(items, 200, seed)["label"]) for seed in range(40)])
    assert means == pytest.approx(0.1, abs=0.01)
    assert draw(items, 20, 0)["label"][:] != draw(items, 20, 1)["label"][:]


@pytest.mark.parametrize("n", [0, -1, 6])
def test_a_draw_of_too_many(n):
    items = datasets.Dataset.from_dict({"text": list("abcde"), "label": [0, 1, 0, 1, 0]})
    with pytest.raises(UserError, match=f"^{n} labelled items were asked for, but the split has 5"):
        draw(items, n, 0)


@given(
    st.lists(st.sampled_from("abcd"), min_size=10, max_size=200),
    st.sampled_from([[0.1], [0.1, 0.1], [0.3, 0.2]]),
    st.integers(0, 9),
)
@settings(max_examples=100, deadline=None)
def test_cuts_are_stratified(labels, fractions, seed):
    rows = np.arange(len(labels)) * 2
    parts = stratified([label for label in labels for _ in "12"], rows, fractions, seed)
    assert sorted(np.concatenate(parts)) == rows.tolist()
    counts = collections.Counter(labels)
    for part, fraction in zip(parts, fractions, strict=False):
        assert abs(len(part) - max(1, round(fraction * len(rows)))) <= len(counts)
        for label, count in counts.items():
            got = sum(labels[row // 2] == label for row in part)
            assert abs(got - fraction * count) <= 2
    assert {labels[row // 2] for row in parts[-1]} == set(labels)
    again = stratified([label for label in labels for _ in "12"], rows, fractions, seed)
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


# draws of labels by number


def classes(sizes, seed=0):
    """Return the labels of so many items of each class, in random order."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(labels)


def kept_for_tuning(n):
    return max(1, round(n / (DRAWS + 1)))


@given(labels, st.integers(TUNING, 25))
@settings(max_examples=200, deadline=None)
def test_a_draw_is_an_order_of_all_items_that_begins_with_one_of_each_class(labels, number):
    order = draw_order(labels, number)
    assert sorted(order) == list(range(len(labels)))
    kinds = set(labels)
    assert {labels[item] for item in order[: len(kinds)]} == kinds
    assert np.array_equal(draw_order(np.array(labels), number), order)


def test_draws_differ():
    labels = classes([200, 100])
    orders = [tuple(draw_order(labels, number)) for number in range(TUNING, 2 * DRAWS)]
    assert len(set(orders)) == len(orders)


def test_ten_draws_of_a_tenth_share_no_item_and_keep_the_shares():
    labels = classes([660, 330, 110])
    first = [draw_order(labels, number)[:100] for number in range(DRAWS)]
    assert len(set(np.concatenate(first))) == 1000
    for items in first:
        assert np.abs(np.bincount(labels[items]) - [60, 30, 10]).max() <= 2


@given(
    st.lists(st.integers(100, 400), min_size=1, max_size=4),
    st.sampled_from([0, DRAWS]),
    st.floats(0.2, 0.75),  # close to a tenth see the next test
)
@settings(max_examples=40, deadline=None)
def test_ten_draws_of_less_than_a_tenth_share_no_item(sizes, first, part):
    labels = classes(sizes)
    k = int(part * (len(labels) - kept_for_tuning(len(labels))) / DRAWS)
    drawn = [draw_order(labels, first + number)[:k] for number in range(DRAWS)]
    assert len(set(np.concatenate(drawn))) == DRAWS * k


def test_ten_draws_of_a_little_less_than_a_tenth_share_no_item():
    for n in range(200, 260):
        k = (n - kept_for_tuning(n)) // DRAWS - 5  # blocks differ by what rounding leaves
        drawn = [draw_order([0] * n, number)[:k] for number in range(DRAWS)]
        assert len(set(np.concatenate(drawn))) == DRAWS * k


def test_a_draw_of_more_goes_on_with_the_items_of_the_next():
    orders = [draw_order([0] * 110, number) for number in range(DRAWS)]
    for order, following in zip(orders, orders[1:] + orders[:1], strict=True):
        assert set(order[10:20]) == set(following[:10])


def test_the_next_ten_draws_mix_the_items_anew():
    first, second = (
        {frozenset(draw_order([0] * 110, start + number)[:10]) for number in range(DRAWS)}
        for start in (0, DRAWS)
    )
    assert len(first) == len(second) == DRAWS and not first & second
    assert frozenset.union(*first) == frozenset.union(*second)


@pytest.mark.parametrize("sizes", [[110], [60, 50], [333, 100, 67], [4900, 27]])
def test_what_settings_were_found_on_comes_last_elsewhere(sizes):
    labels = classes(sizes)
    k = kept_for_tuning(len(labels))
    tuning = set(draw_order(labels, TUNING)[:k])
    for number in range(2 * DRAWS):
        assert set(draw_order(labels, number)[-k:]) == tuning


def test_tuning_sees_the_classes_shares():
    labels = classes([660, 330, 110])
    items = draw_order(labels, TUNING)[:100]
    assert np.abs(np.bincount(labels[items]) - [60, 30, 10]).max() <= 1


def test_a_class_of_one_item_is_in_every_draw():
    labels = np.array([0] * 200 + [1])
    assert all(200 in draw_order(labels, number)[:2] for number in range(TUNING, DRAWS))


@pytest.mark.parametrize("n", range(1, 13))
def test_few_items_are_an_order_too(n):
    orders = [draw_order([0] * n, number).tolist() for number in range(TUNING, 2 * DRAWS)]
    assert all(sorted(order) == list(range(n)) for order in orders)
    tuning, *others = orders
    assert {order[-1] for order in others} == {tuning[0]}


@pytest.mark.parametrize(("labels", "number"), [([0] * 5, -2), ([], 0), ([], TUNING)])
def test_a_draw_that_cannot_be_is_a_sentence(labels, number):
    with pytest.raises(UserError) as told:
        draw_order(labels, number)
    assert str(told.value) == (
        f"A draw is numbered from 0 and needs items; not draw {number} of {len(labels)} items."
    )


def test_the_overlap_is_the_mean_over_pairs_of_draws():
    first, second, third = np.arange(4), np.arange(2, 6), np.arange(10, 14)
    assert mean_overlap([first, second]) == 0.5
    assert mean_overlap([first, second, third]) == pytest.approx(0.5 / 3)
    assert mean_overlap([first, first]) == 1.0
    assert mean_overlap([first]) == 0.0
