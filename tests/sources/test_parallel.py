"""Pairs: cleaned and counted, one of each source, no near duplicate across splits."""

import csv
import re

import numpy as np
import pytest

from helpers import UserError
from helpers.sources.duplicates import words
from helpers.sources.messages import without_placeholders
from helpers.sources.parallel import SPLITS, load_pairs, near_groups


def jaccard_of(size, letters):
    """The measure as its definition says, by sets: an oracle for the sparse products."""

    def runs(text):
        if letters:
            text = re.sub(r"\d+", " ", without_placeholders(text))
        units = words(text)
        units = list("".join(units)) if letters else units
        units += [None] * (size - len(units))
        return frozenset(tuple(units[i : i + size]) for i in range(len(units) - size + 1))

    return lambda texts: [runs(text) for text in texts]


def near(a, b):
    """The pairs (i, j) of texts that are near duplicates by either measure."""
    found = set()
    for size, letters in ((3, True), (5, False)):
        table = jaccard_of(size, letters)
        ours, theirs = table(a), table(b)
        found |= {
            (i, j)
            for i, one in enumerate(ours)
            for j, other in enumerate(theirs)
            # No more can be shared than the smaller has: most pairs are settled by their sizes.
            if 0.8 * max(len(one), len(other)) <= min(len(one), len(other))
            and len(one & other) >= 0.8 * len(one | other)
        }
    return found


def made_up(n=160, seed=0):
    """Sources of which many are near duplicates: with another number, ending, case or article."""
    rng = np.random.default_rng(seed)
    vocabulary = ["".join(rng.choice(list("abcdefghijkl"), 6)) for _ in range(60)]
    sources = []
    while len(sources) < n:
        text = " ".join(rng.choice(vocabulary, rng.integers(1, 8)))
        sources += [text, text.capitalize() + "s", f"{text} %s?", text + " 12"][
            : rng.integers(1, 5)
        ]
    return list(dict.fromkeys(sources[:n]))


def write(path, rows, header=("source", "target")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def many(tmp_path):
    rows = [(text, "文" + text.upper()) for text in made_up()]
    return write(tmp_path / "many.csv", rows)


def test_groups_are_what_near_pairs_chain_together():
    sources = made_up(80)
    group = list(range(len(sources)))  # brute force: join until nothing changes
    pairs = near(sources, sources)
    while True:
        joined = list(group)
        for i, j in pairs:
            group[i] = group[j] = min(group[i], group[j])
        if group == joined:
            break
    found = near_groups(sources).tolist()
    assert len(set(group)) < len(sources)
    assert len(set(zip(group, found, strict=True))) == len(set(group)) == len(set(found))


def test_no_near_duplicate_crosses_a_split(many):
    splits = load_pairs(many).splits
    total = sum(map(len, splits.values()))
    assert [len(splits[split]) for split in SPLITS[1:]] == [round(0.1 * total)] * 2
    assert any(i != j for i, j in near(splits["train"]["source"], splits["train"]["source"]))
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert near(splits[one]["source"], splits[other]["source"]) == set()


def test_no_near_duplicate_crosses_a_split_of_jupyterlab_nor_comes_in_from_elsewhere():
    jupyterlab = load_pairs("jupyterlab-zh")
    splits = jupyterlab.splits
    held_out = [*splits["validation"]["source"], *splits["test"]["source"]]
    assert near(splits["train"]["source"], held_out) == set()
    assert near(splits["validation"]["source"], splits["test"]["source"]) == set()
    other = load_pairs("django-zh", "spyder-zh", apart_from=[jupyterlab])
    assert other.cleaning.left_out["near held-out"] > 10
    everything = [text for split in SPLITS for text in other.splits[split]["source"]]
    assert near(everything, held_out) == set()
    assert set(other.splits["train"]["origin"]) == {"django-zh", "spyder-zh"}
    assert other.name == "django-zh + spyder-zh" and "MIT" in other.licence


def test_the_cleaned_jupyterlab_pairs():
    corpus = load_pairs("jupyterlab-zh")
    cleaning = corpus.cleaning
    assert cleaning.read == 3464 and 2900 < cleaning.kept < 3100
    assert cleaning.read == cleaning.kept + sum(cleaning.left_out.values())
    assert sum(map(len, corpus.splits.values())) == cleaning.kept
    for split in corpus.splits.values():
        for source, target in zip(split["source"], split["target"], strict=True):
            assert source != target and source == " ".join(source.split())
            assert re.search("[a-zA-Z]", source) and re.search("[\u3400-\u9fff]", target)
    sources = [text for split in SPLITS for text in corpus.splits[split]["source"]]
    assert len(set(sources)) == len(sources)


def test_what_is_left_out_is_counted_and_the_most_frequent_translation_stays(tmp_path):
    rows = [
        ("Open", "开"), ("Open", "打开"), ("&Open", "打开(&O)"),
        ("Close %s", "关闭"), ("Yes", "Yes"), ("Save <b>as</b>", "另存为"), ("%d", "%d 个"),
        ("Copy", "复制"), ("Paste", "粘贴"), ("Undo", "撤销"),
    ]  # fmt: skip
    corpus = load_pairs(write(tmp_path / "small.csv", rows))
    left_out = {reason: n for reason, n in corpus.cleaning.left_out.items() if n}
    assert left_out == {
        "placeholders": 1, "equal": 1, "markup": 1, "not English": 1,
        "repeated": 1, "other translation": 1,
    }  # fmt: skip
    assert corpus.cleaning.examples["placeholders"] == [("Close %s", "关闭")]
    pairs = {p["source"]: p["target"] for split in SPLITS for p in corpus.splits[split]}
    assert pairs == {"Open": "打开", "Copy": "复制", "Paste": "粘贴", "Undo": "撤销"}
    assert str(corpus.cleaning) == (
        "10 messages, 4 pairs kept; left out: 1 markup, 1 placeholders, 1 equal, 1 not English, "
        "1 repeated, 1 other translation"
    )


def test_known_targets_are_told(tmp_path):
    rows = [(word, "同") for word in ("Alpha", "Brook", "Cedar", "Delta")]
    cleaning = load_pairs(write(tmp_path / "same.csv", rows)).cleaning
    assert cleaning.known_target == {"validation": 1.0, "test": 1.0}
    assert (cleaning.groups, cleaning.largest) == (4, 1)


def test_the_cut_depends_on_the_seed_alone(many):
    first = load_pairs(many)
    assert load_pairs(many).fingerprints == first.fingerprints
    assert load_pairs(many, seed=1).fingerprint != first.fingerprint


def test_bad_input_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="at least one name"):
        load_pairs()
    with pytest.raises(UserError, match=r"no file .*none\.csv"):
        load_pairs(tmp_path / "none.csv")
    one = write(tmp_path / "one.csv", [("Open", "打开"), ("Yes", "Yes")])
    with pytest.raises(UserError, match=r"1 of 2 messages \(left out: 1 equal\)"):
        load_pairs(one)
    same = write(tmp_path / "same.csv", [(f"Heading {i}", f"标题 {i}") for i in range(9)])
    with pytest.raises(UserError, match="of 9 pairs none is left for the validation split"):
        load_pairs(same)
    unpaired = write(tmp_path / "unpaired.csv", [("Open", "打开"), ("Close", "")])
    with pytest.raises(UserError, match=r"line 3 of unpaired\.csv \('target'\) is empty"):
        load_pairs(unpaired)
    renamed = write(tmp_path / "renamed.csv", [("Open", "打开")], header=("en", "zh"))
    with pytest.raises(UserError, match="needs the columns source and target; its columns are en"):
        load_pairs(renamed)
