import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.sources.duplicates import Shingles, near_pairs, remove_leaks, words

texts = st.lists(
    st.lists(st.sampled_from("abc"), max_size=12).map(" ".join), min_size=2, max_size=12
)


def jaccard(a, b):
    """The definition, on sets of tuples."""
    sets = []
    for text in (a, b):
        w = words(text)
        sets.append({tuple(w[i : i + 5]) for i in range(max(1, len(w) - 4))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@given(texts, st.floats(0.05, 1.0))
@settings(max_examples=150, deadline=None)
def test_near_pairs_are_those_of_brute_force(texts, threshold):
    half = len(texts) // 2
    left, right = np.arange(half), np.arange(half, len(texts))
    found = {(i, j): s for i, j, s in near_pairs(Shingles(texts), left, right, threshold)}
    wanted = {
        (i, j): jaccard(texts[i], texts[j])
        for i in left
        for j in right
        if jaccard(texts[i], texts[j]) >= threshold
    }
    assert found == wanted


def test_many_rows_go_through_in_chunks():
    copies = [f"{i} one two three four five six" for i in range(1300)]
    pairs = near_pairs(Shingles(copies * 2), np.arange(1300), np.arange(1300, 2600), 1.0)
    assert [(i, j) for i, j, _ in pairs] == [(i, i + 1300) for i in range(1300)]


def test_chinese_characters_are_words():
    shingles = Shingles(["今天股市大幅上涨", "今天股市大幅下跌"])
    assert shingles.sizes.tolist() == [4, 4]


def _splits(train, validation, test):
    sizes = np.cumsum([0, len(train), len(validation), len(test)])
    rows = [np.arange(a, b) for a, b in itertools.pairwise(sizes)]
    return train + validation + test, dict(zip(("train", "validation", "test"), rows, strict=True))


def test_leaks_go_from_train_and_validation_never_from_test():
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    texts, splits = _splits(
        train=["Oil, up!", "own train text here", "shared by both", "repeated", "repeated"],
        validation=["shared by BOTH", long, "own validation text"],
        test=["oil up", long + " more", "own test text", "own test text"],
    )
    kept, report = remove_leaks(texts, ["a"] * 12, splits)
    assert [texts[i] for i in kept["train"]] == [
        "own train text here",
        "shared by both",
        "repeated",
        "repeated",
    ]
    assert [texts[i] for i in kept["validation"]] == ["own validation text"]
    assert kept["test"].tolist() == splits["test"].tolist()
    assert report.exact == {"train~test": 1, "validation~test": 0, "validation~train": 1}
    assert report.near == {"train~test": 0, "validation~test": 1, "validation~train": 0}
    assert report.within == {"train": 1, "validation": 0, "test": 1}
    assert report.removed == {"train": 1, "validation": 2, "test": 0}
    assert str(report) == "removed as duplicates across splits: 1 from train, 2 from validation"
    assert {leak.text for leak in report.examples} == {"Oil, up!", "shared by BOTH", long}


@given(texts, st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_no_pair_is_left_between_splits(texts, seed):
    rows = np.random.default_rng(seed).permutation(len(texts))
    parts = np.array_split(rows, 3)
    kept, _ = remove_leaks(
        texts, list(texts), dict(zip(("train", "validation", "test"), parts, strict=True))
    )
    for a, b in (("train", "test"), ("validation", "test"), ("validation", "train")):
        assert not [1 for i in kept[a] for j in kept[b] if jaccard(texts[i], texts[j]) >= 0.8]


def test_twins_with_another_label_are_counted():
    texts, splits = _splits(["same text", "x"], ["y"], ["same text"])
    _, report = remove_leaks(texts, ["a", "a", "a", "b"], splits)
    assert report.other_label == 1
    assert not report.examples[0].same_label
