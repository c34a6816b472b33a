"""Domains: same classes in one order, different groups, no text in two splits, errors."""

import csv
import json

import numpy as np
import pytest

from helpers import UserError
from helpers.sources.corpora import SPLITS, load_texts
from helpers.sources.domains import (
    NEWSGROUP_GRID,
    NEWSGROUP_PAIRS,
    OUTLET_SECTIONS,
    file_domains,
    load_domains,
    newsgroup_domains,
    outlet_domains,
)
from helpers.sources.duplicates import Shingles, near_pairs

WORDS = {
    "sport": "the team won the match with a late goal in the second half of the game number",
    "money": "the bank raised its interest rate after inflation rose again this month by point",
    "rain": "clouds and heavy rain are expected in the north with wind from the west on day",
}


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "label", "outlet"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows(n=30, outlets=("east", "west"), labels=("sport", "money")):
    rng = np.random.default_rng(0)
    made = []
    for outlet in outlets:
        for label in labels:
            for _ in range(n):
                order = " ".join(rng.permutation(WORDS[label].split()))
                made.append(
                    {"text": f"{order} {outlet} {rng.random()}", "label": label, "outlet": outlet}
                )
    return made


@pytest.mark.parametrize("pair", NEWSGROUP_PAIRS)
def test_a_pair_has_two_domains_of_different_groups(pair):
    groups = [set(one.split()) for one in NEWSGROUP_PAIRS[pair]]
    assert not groups[0] & groups[1]
    assert groups[0] | groups[1] <= set(load_texts("20newsgroups").label_names)
    tops = [{group.split(".")[0] for group in one} for one in groups]
    assert tops[0] == tops[1] == set(pair.split("-"))


def test_newsgroups_keep_their_splits_and_get_the_top_classes():
    found = newsgroup_domains("rec-talk")
    whole = load_texts("20newsgroups")
    texts = dict(zip(whole.splits["test"]["text"], whole.splits["test"]["label"], strict=True))
    for domain, groups in zip(("source", "target"), NEWSGROUP_PAIRS["rec-talk"], strict=True):
        corpus = found.corpora[domain]
        assert corpus.label_names == found.label_names == ["rec", "talk"]
        test = corpus.splits["test"]
        assert len(test) == sum(
            whole.label_names[label] in groups.split() for label in whole.splits["test"]["label"]
        )
        for row in list(test)[::97]:
            top = whole.label_names[texts[row["text"]]].split(".")[0]
            assert top == found.label_names[row["label"]]
    assert found.corpora["source"].fingerprint != found.corpora["target"].fingerprint


def test_the_grid_has_a_group_of_each_class_in_each_domain():
    used = " ".join(NEWSGROUP_GRID.values()).split()
    assert len(used) == len(set(used)) == 16
    assert set(used) <= set(load_texts("20newsgroups").label_names)
    found = newsgroup_domains("grid")
    assert found.label_names == ["comp", "rec", "sci", "talk"]
    for name, corpus in found.corpora.items():
        assert [group.split(".")[0] for group in NEWSGROUP_GRID[name].split()] == found.label_names
        assert np.bincount(corpus.splits["test"]["label"]).min() > 200


def test_outlets_have_the_sections_that_their_links_name():
    found = outlet_domains()
    corpora = {
        field: load_texts("newsarticles", label_column=field) for field in ("outlet", "section")
    }
    of = {
        field: {
            text: corpus.label_names[label]
            for split in SPLITS
            for text, label in zip(*corpus.splits[split].to_dict().values(), strict=True)
        }
        for field, corpus in corpora.items()
    }
    assert list(found.corpora) == list(OUTLET_SECTIONS)
    for outlet, corpus in found.corpora.items():
        test = corpus.splits["test"]
        assert np.bincount(test["label"]).min() >= 16
        for text, label in zip(test["text"], test["label"], strict=True):
            assert of["outlet"][text] == outlet
            assert of["section"][text] in OUTLET_SECTIONS[outlet][found.label_names[label]].split()


def test_domains_have_a_name_or_a_file(tmp_path):
    assert load_domains("rec-sci").name == newsgroup_domains("rec-sci").name
    assert load_domains("outlets").label_names == outlet_domains().label_names
    named = [row | {"domain": row["outlet"]} for row in rows()]
    path = tmp_path / "yours.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in named), encoding="utf-8")
    assert list(load_domains(path).corpora) == ["east", "west"]


def test_a_file_with_a_domain_column_is_cut_domain_by_domain(tmp_path):
    found = file_domains(write(tmp_path / "news.csv", rows()), "outlet")
    assert list(found.corpora) == ["east", "west"] and found.notes == ()
    for name, corpus in found.corpora.items():
        assert corpus.label_names == ["money", "sport"]
        sizes = {split: len(corpus.splits[split]) for split in SPLITS}
        assert sizes == {"train": 48, "validation": 6, "test": 6}
        assert all(f" {name} " in text for split in SPLITS for text in corpus.splits[split]["text"])
        assert np.bincount(corpus.splits["test"]["label"]).tolist() == [3, 3]


def test_no_text_of_one_domain_is_in_the_test_split_of_another(tmp_path):
    twice = rows()
    twice += [{**row, "outlet": "west"} for row in twice if row["outlet"] == "east"]
    found = file_domains(write(tmp_path / "twice.csv", twice), "outlet")
    texts = {
        split: [t for corpus in found.corpora.values() for t in corpus.splits[split]["text"]]
        for split in SPLITS
    }
    every = texts["train"] + texts["test"]
    left = np.arange(len(texts["train"]))
    right = np.arange(len(texts["train"]), len(every))
    assert not list(near_pairs(Shingles(every), left, right))


def test_classes_that_a_domain_lacks_are_left_out_and_said(tmp_path):
    more = rows() + rows(outlets=("east",), labels=("rain",))
    found = file_domains(write(tmp_path / "more.csv", more), "outlet")
    assert found.label_names == ["money", "sport"]
    assert found.notes == ("Left out, as not every domain has them: rain.",)


def test_equal_seeds_cut_alike(tmp_path):
    path = write(tmp_path / "news.csv", rows())
    prints = [
        [corpus.fingerprint for corpus in file_domains(path, "outlet", seed=seed).corpora.values()]
        for seed in (0, 0, 1)
    ]
    assert prints[0] == prints[1] != prints[2]


def test_mistakes_are_sentences(tmp_path):
    with pytest.raises(UserError, match=r"no newsgroup task 'rec-tak'\. Did you mean 'rec-talk'\?"):
        newsgroup_domains("rec-tak")
    path = write(tmp_path / "news.csv", rows())
    with pytest.raises(UserError, match=r"has no domain column 'region'; its columns are text, la"):
        file_domains(path, "region")
    one = write(tmp_path / "one.csv", rows(outlets=("east",)))
    with pytest.raises(
        UserError, match=r"All 60 items of .*one\.csv have the domain .east.; at le"
    ):
        file_domains(one, "outlet")
    apart = rows(outlets=("east",)) + rows(outlets=("west",), labels=("rain", "money"))
    with pytest.raises(UserError, match=r"have 1 classes in common, and two are needed \(east: mo"):
        file_domains(write(tmp_path / "apart.csv", apart), "outlet")
