"""Cuts: shares, published splits, texts that come again and again."""

import numpy as np
import pytest

from helpers import UserError
from helpers.sources.cuts import SPLITS, cut


def distinct(n):
    generator = np.random.default_rng(0)
    return [" ".join(generator.choice(list("abcdefghijklmnop"), 8)) for _ in range(n)]


def sizes(parts):
    return [len(parts[split]) for split in SPLITS]


def test_texts_without_splits_are_cut_by_the_seed():
    texts, labels = distinct(100), ["x", "y"] * 50
    first, report = cut("x", texts, labels, ["all"] * 100, seed=1)
    assert sizes(first) == [80, 10, 10] and report.left_out == 0
    again, _ = cut("x", texts, labels, ["all"] * 100, seed=1)
    assert all((first[split] == again[split]).all() for split in SPLITS)


def test_few_texts_that_come_again_and_again_are_cut_once_each():
    texts = distinct(20) * 30
    parts, report = cut("x", texts, ["x", "y"] * 300, ["all"] * 600, seed=0, left_out=3)
    assert sizes(parts) == [16, 2, 2] and report.left_out == 580 + 3
    assert len({texts[row] for split in SPLITS for row in parts[split]}) == 20


def test_published_splits_are_never_thinned_out_that_way():
    texts = distinct(20) * 3
    published = ["train"] * 20 + ["validation"] * 20 + ["test"] * 20
    with pytest.raises(UserError) as error:
        cut("x", texts, ["x"] * 60, published, seed=0)
    assert str(error.value) == (
        "x has too few different texts: of 60 items none is left for the train split once "
        "duplicates are removed."
    )
