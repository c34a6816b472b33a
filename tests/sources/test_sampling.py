import collections

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import UserError
from helpers.sources.sampling import draw, stratified

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
