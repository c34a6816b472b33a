"""Episodes: sizes, nothing shared between support and query, unseen classes, errors."""

import numpy as np
import pytest

from helpers import UserError
from helpers.tasks.episodes import episodes, part_classes

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
        train, test = part_classes(names, 6, seed, groups)
        assert sorted(train + test) == list(range(20)) and len(test) == 8
        assert not {groups[i] for i in train} & {groups[i] for i in test}
    train, test = part_classes(names, 6, 0)
    assert (len(train), len(test)) == (14, 6)


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
    with pytest.raises(UserError, match="3 classes cannot be parted into 2 to test on and 1 to tr"):
        part_classes(["a", "b", "c"], 2, 0)
