"""Episodes: sizes, nothing shared between support and query, unseen classes, errors."""

import numpy as np
import pytest

from helpers import UserError
from helpers.tasks.episodes import episodes, split_classes

LABELS = np.arange(200) % 8


def draw(**how):
    usual = {"ways": 3, "shots": 2, "queries": 4, "n": 50, "seed": 0}
    return episodes(LABELS, [1, 3, 5, 6], **usual | how)


def test_every_episode_has_its_sizes_and_its_classes():
    for one in draw():
        assert len(set(one.classes)) == 3 and set(one.classes) <= {1, 3, 5, 6}
        assert np.bincount(one.support_labels).tolist() == [2, 2, 2]
        assert np.bincount(one.query_labels).tolist() == [4, 4, 4]
        assert len({*one.support, *one.query}) == 18  # no row twice
        for rows, labels in ((one.support, one.support_labels), (one.query, one.query_labels)):
            assert (LABELS[rows] == one.classes[labels]).all()


def test_all_classes_and_rows_come_in_turn():
    found = draw(n=300)
    assert {label for one in found for label in one.classes} == {1, 3, 5, 6}
    rows = {row for one in found for row in one.support}
    assert len(rows) == 100  # every row of the four classes


def test_a_seed_decides():
    first, again, other = (draw(seed=seed)[7].support.tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_groups_are_not_parted():
    names = [f"{group}.{i}" for group in "abcde" for i in range(4)]
    groups = [name[0] for name in names]
    for seed in range(10):
        parts = split_classes(names, 2, 0, 6, seed, groups)
        train, test = parts.train, parts.test
        assert not parts.validation and sorted(train + test) == list(range(20)) and len(test) == 8
        assert not {groups[i] for i in train} & {groups[i] for i in test}
    parts = split_classes(names, 2, 0, 6, 0)
    assert (len(parts.train), len(parts.test)) == (14, 6)


def test_parts_have_their_numbers_and_share_no_class():
    for seed in range(10):
        parts = split_classes(12, 5, 3, 4, seed)
        assert (len(parts.train), len(parts.validation), len(parts.test)) == (5, 3, 4)
        assert sorted(parts.train + parts.validation + parts.test) == list(range(12))
    first, again, other = (split_classes(12, 5, 3, 4, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len(split_classes(12, 2, 3, 4, 0).train) == 5  # what is left is trained on


def test_siblings_are_in_one_of_three_parts():
    groups = ["comp"] * 5 + ["rec"] * 4 + ["sci"] * 4 + ["talk"] * 4 + ["misc", "soc", "alt"]
    names = [f"{group}.{i}" for i, group in enumerate(groups)]
    for seed in range(20):
        parts = split_classes(names, 4, 2, 4, seed, groups)
        sides = [{groups[i] for i in one} for one in (parts.train, parts.validation, parts.test)]
        assert sum(map(len, sides)) == 7 and set.union(*sides) == set(groups)
        assert len(parts.validation) >= 2 and len(parts.test) >= 4 and len(parts.train) >= 4


def test_episodes_of_one_part_have_no_row_of_another():
    parts = split_classes(8, 3, 2, 3, seed=0)
    rows = {}
    for name in ("train", "validation", "test"):
        drawn = episodes(LABELS, getattr(parts, name), ways=2, shots=3, queries=3, n=40, seed=0)
        rows[name] = {row for one in drawn for row in (*one.support, *one.query)}
        assert set(LABELS[list(rows[name])]) == set(getattr(parts, name))
    assert not rows["train"] & rows["test"] and not rows["validation"] & rows["test"]


def test_a_class_named_twice_is_no_second_way():
    for one in episodes(LABELS, [1, 1, 3], ways=2, shots=1, queries=1, n=20, seed=0):
        assert set(one.classes) == {1, 3}
    with pytest.raises(UserError, match="An episode of 3 ways needs as many classes; there are 2"):
        episodes(LABELS, [1, 1, 3], ways=3, shots=1, queries=1, n=1, seed=0)


def test_mistakes_are_sentences():
    with pytest.raises(
        UserError, match=r"Class 1 has 25 items; an episode asks for 26 \(20 shots an"
    ):
        draw(shots=20, queries=6)
    with pytest.raises(UserError, match="An episode of 5 ways needs as many classes; there are 4"):
        draw(ways=5)
    for how in ({"ways": 1}, {"shots": 0}, {"queries": 0}, {"n": 0}):
        with pytest.raises(UserError, match="An episode needs at least 2 ways, 1 shot and 1 query"):
            draw(**how)
    with pytest.raises(
        UserError, match=r"Class 9 has 0 items; an episode asks for 6 \(2 shots and"
    ):
        episodes(LABELS, [1, 9], ways=2, shots=2, queries=4, n=1, seed=0)
    with pytest.raises(UserError) as told:
        split_classes(["a", "b", "c"], 2, 0, 2, 0)
    assert str(told.value) == (
        "3 classes cannot be parted into at least 2 to train on, 0 to choose by and 2 to test on; "
        "1, 0 and 2 is as far as they go."
    )
    with pytest.raises(
        UserError, match="4 classes in 2 groups cannot be parted into at least 1 to"
    ):
        split_classes(list("abcd"), 1, 1, 1, 0, groups=["x", "x", "y", "y"])
    with pytest.raises(UserError, match="groups must have one for each class: 4, not 2 of them"):
        split_classes(list("abcd"), 1, 1, 1, 0, groups=["x", "y"])
    with pytest.raises(UserError, match="No part can have fewer than 0 classes: 2, -1 and 2"):
        split_classes(5, 2, -1, 2, 0)
