import pytest
import yaml

from helpers import UserError
from helpers.base import files
from helpers.trials import settings
from helpers.trials.settings import (
    HEADER,
    found_for,
    read_settings,
    save_found,
    setting_for,
)

RATES = (1e-4, 3e-4, 1e-3)
FACTS = {"corpora": {"r8": {"task": "classification", "hash": "0" * 64}}, "models": {"m": "1" * 64}}


def entry(labels, c, **marks):
    base = {"task": "classification", "corpus": "r8", "model": "m", "arm": "tfidf"}
    return base | marks | {"labels": labels, "setting": {"regularization": c}, "edge": []}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.yaml"


def asked(file, labels=64, task="classification", corpus="r8", model="m", arm="tfidf"):
    return setting_for(task, corpus, model, arm, labels, file)["regularization"]


# what is found again


def test_no_file_is_no_settings(file):
    assert read_settings(file) == {"corpora": {}, "models": {}, "found": []}
    assert found_for("classification", "r8", "m", file) == []


def test_a_setting_is_that_of_the_label_count(file):
    save_found([entry(16, 1.0), entry(64, 2.0), entry(256, 3.0)], FACTS, file)
    assert [asked(file, labels) for labels in (16, 64, 256)] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("labels", "c"), [(1, 1.0), (31, 1.0), (33, 2.0), (127, 2.0), (129, 3.0), (10**6, 3.0)]
)
def test_otherwise_it_is_that_of_the_count_nearest_by_its_logarithm(file, labels, c):
    save_found([entry(16, 1.0), entry(64, 2.0), entry(256, 3.0)], FACTS, file)
    assert asked(file, labels) == c


def test_the_own_corpus_and_model_go_before_a_nearer_count_elsewhere(file):
    save_found(
        [entry(1024, 1.0), entry(64, 2.0, corpus="r52"), entry(64, 3.0, model="other")],
        FACTS,
        file,
    )
    assert asked(file, 64) == 1.0
    assert asked(file, 64, corpus="r52") == 2.0


def test_elsewhere_the_nearest_count_of_the_task_is_a_beginning(file):
    save_found(
        [
            entry(16, 1.0),
            entry(64, 2.0, corpus="r52"),
            entry(64, 3.0, task="tagging"),
            entry(64, 4.0, arm="frozen"),
        ],
        FACTS,
        file,
    )
    assert asked(file, 16, corpus="mine") == 1.0
    assert asked(file, 50, corpus="mine") == 2.0
    assert asked(file, 64, corpus="mine", task="tagging") == 3.0


def test_of_two_corpora_alike_the_first_in_the_alphabet_is_taken(file):
    save_found([entry(64, 2.0, corpus="b"), entry(64, 1.0, corpus="a")], FACTS, file)
    assert asked(file, corpus="mine") == 1.0


def test_an_arm_that_was_searched_nowhere_is_one_sentence(file):
    save_found([entry(64, 1.0), entry(64, 1.0, arm="linear", task="tagging")], FACTS, file)
    with pytest.raises(UserError) as error:
        asked(file, arm="linear")
    assert str(error.value) == (
        "No setting of the arm 'linear' of classification has been found yet: run `python -m "
        "helpers trials STUDY --search` with a study that has it."
    )


def test_a_setting_that_is_changed_by_its_reader_stays_as_it_was_found(file):
    save_found([entry(64, 1.0)], FACTS, file)
    setting_for("classification", "r8", "m", "tfidf", 64, file)["regularization"] = 9.0
    assert asked(file) == 1.0


def test_a_file_that_changes_is_read_anew(file):
    save_found([entry(64, 1.0)], FACTS, file)
    assert asked(file) == 1.0
    save_found([entry(64, 2.5)], FACTS, file)
    assert asked(file) == 2.5


def test_a_table_says_what_was_chosen_for_some_label_counts(file, monkeypatch):
    one = entry(64, 300.0) | {"score": 0.9156, "validation_items": 533, "edge": ["learning_rate"]}
    one["setting"] = {"learning_rate": 1e-4, "steps": 40}
    other = entry(256, 1.0) | {"score": 0.95, "validation_items": 533}
    save_found([one, other, entry(64, 2.0, corpus="r52")], FACTS, file)
    monkeypatch.setattr(settings, "read_settings", lambda *_: read_settings(file))
    assert settings.table("classification", "r8", "m", [64, 1024]) == [
        {
            "arm": "tfidf",
            "labels": 64,
            "setting": "learning rate 0.0001, steps 40",
            "validation score": 0.9156,
            "items": 533,
            "at the edge of its grid": "learning rate",
        }
    ]
    (row,) = settings.table("classification", "r8", "m", [256])
    assert row["at the edge of its grid"] == "no"


# what is written


def test_only_the_same_search_is_replaced(file):
    others = [
        entry(64, 2.0, task="tagging"),
        entry(64, 3.0, corpus="r52"),
        entry(64, 4.0, model="other"),
        entry(64, 5.0, arm="frozen"),
        entry(65, 6.0),
    ]
    save_found([entry(64, 1.0), *others], FACTS, file)
    save_found([entry(64, 9.0)], FACTS, file)
    found = read_settings(file)["found"]
    assert len(found) == 6 and all(one in found for one in [entry(64, 9.0), *others])
    assert len(found_for("classification", "r8", "m", file)) == 3


def test_corpora_and_models_are_kept_and_renewed(file):
    save_found([], FACTS, file)
    more = {"corpora": {"r52": {"hash": "2"}}, "models": {"m": "3"}}
    save_found([], more, file)
    read = read_settings(file)
    assert read["corpora"] == FACTS["corpora"] | more["corpora"]
    assert read["models"] == {"m": "3"}


def test_any_reader_of_yaml_finds_the_entries_below_the_header(file):
    save_found([entry(64, 1.0)], FACTS, file)
    text = file.read_text(encoding="utf-8")
    assert text.startswith(HEADER)
    assert yaml.safe_load(text) == FACTS | {"found": [entry(64, 1.0)]}


def test_the_order_of_searches_leaves_no_trace(tmp_path):
    entries = [entry(64, 1.0), entry(256, 2.0), entry(64, 3.0, arm="frozen")]
    for name, order in (("a", entries), ("b", entries[::-1])):
        for one in order:
            save_found([one], FACTS, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_full_disk_leaves_the_old_settings(file, monkeypatch):
    save_found([entry(64, 1.0)], FACTS, file)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"^Cannot write .*settings\.yaml: No space left on devic"):
        save_found([entry(64, 2.0)], FACTS, file)
    assert asked(file) == 1.0 and list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"found: [",
        b"- a\n- b\n",
        b"just words",
        b"corpora: {}\nmodels: {}\n",
        b"corpora: 3\nmodels: {}\nfound: []\n",
        b"corpora: {}\nmodels: {}\nfound: 3\n",
        b"\xff\xfe\x00",
        b"!!python/object/apply:os.system [echo]",
    ],
)
def test_a_broken_file_is_one_sentence_and_is_not_written_over(file, content):
    file.write_bytes(content)
    for call in (lambda: asked(file), lambda: save_found([entry(64, 1.0)], FACTS, file)):
        with pytest.raises(UserError) as error:
            call()
        assert str(error.value) == f"{file} is no file of settings: restore it from git."
    assert file.read_bytes() == content
