"""Copying and the translation memory, against the nearest neighbour found by brute force."""

import numpy as np
import pytest
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from helpers import UserError
from helpers.baselines.translators import Copying, TranslationMemory
from helpers.sources.parallel import load_pairs
from helpers.tasks.translation_scores import compare


def items(rows):
    return Dataset.from_dict({"source": [s for s, _ in rows], "target": [t for _, t in rows]})


def test_the_nearest_source_is_the_one_of_highest_cosine():
    corpus = load_pairs("django-zh")
    train, asked = corpus.splits["train"], corpus.splits["test"]["source"][:]
    rows, similarity = TranslationMemory(train).nearest(asked)
    weights = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    stored = weights.fit_transform(train["source"][:])
    table = cosine_similarity(weights.transform(asked), stored)
    assert similarity == pytest.approx(table.max(1))
    assert table[np.arange(len(asked)), rows] == pytest.approx(table.max(1))


def test_a_stored_source_gives_its_translation_and_the_first_of_equals_wins():
    memory = TranslationMemory(
        items([("Open file", "打开文件"), ("Close", "关闭"), ("close", "关")])
    )
    assert memory.translate(["Open file", "close", "Öß", "Open the file"]) == [
        "打开文件", "关闭", "", "打开文件",
    ]  # fmt: skip
    assert memory.translate([]) == []
    with pytest.raises(UserError, match="at least one pair"):
        TranslationMemory(items([]))


def test_a_memory_beats_copying_on_jupyterlab():
    corpus = load_pairs("jupyterlab-zh")
    validation = corpus.splits["validation"]
    sources = validation["source"][:]
    memory = TranslationMemory(corpus.splits["train"]).translate(sources)
    assert Copying().translate(sources) == sources
    assert compare(memory, sources, validation, resamples=1000).low > 0
