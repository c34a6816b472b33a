"""Copying, a glossary by hand, and the memory against the nearest neighbour by brute force."""

import numpy as np
import pytest
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from helpers import UserError
from helpers.baselines.translators import Copying, Glossary, TranslationMemory
from helpers.sources.parallel import load_pairs
from helpers.tasks.translation_scores import paired_difference


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
    assert paired_difference(memory, sources, validation, resamples=1000).low > 0


PAIRS = {
    "source": ["Open file", "Open", "Close file", "Close", "Open a file (%s)"],
    "target": ["打开文件", "打开", "关闭文件", "关闭", "打开文件（%s）"],
}


def test_a_glossary_takes_the_run_with_the_highest_coefficient_of_dice():
    entries = Glossary(PAIRS).entries
    # "open" stands in 3 sources, 打开 in 3 targets, both together in 3: 2 · 3 / (3 + 3).
    assert entries["open"] == ("打开", 1.0) and entries["close"] == ("关闭", 1.0)
    # "file" in 3 sources, 文件 in 3 targets; "open file" in 1, 打开文件 in 2, together in 1.
    assert entries["file"] == ("文件", 1.0)
    assert entries["open file"] == ("打开文件", pytest.approx(2 / 3))
    assert entries["a file"][1] == pytest.approx(2 / 3)
    assert "file s" not in entries  # something that is no space stands between


def test_a_glossary_replaces_the_longest_phrase_and_copies_the_rest():
    glossary = Glossary(PAIRS)
    assert glossary.translate(["Open all %s", "close  FILE", "", "Save (1)."]) == [
        "打开all %s", "关闭文件", "", "Save (1).",
    ]  # fmt: skip
    assert Glossary(PAIRS, least=0.7).entries.keys() == {"open", "file", "close", "close file"}


def test_a_glossary_refuses_what_it_cannot_learn_from():
    with pytest.raises(UserError, match=r"^A glossary needs at least one pair; none was given\.$"):
        Glossary({"source": [], "target": []})
    with pytest.raises(UserError, match=r"^least must be in \[0, 1\), a coefficient of Dice, not"):
        Glossary(PAIRS, least=1.0)
    with pytest.raises(UserError, match=r"^longest must be at least 2 characters, not 1\.$"):
        TranslationMemory(PAIRS, longest=1)
