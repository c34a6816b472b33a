import csv
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file

from helpers import ROOT, UserError
from helpers.base import files
from helpers.sources import catalog, corpora, weights
from helpers.trials import answers, inputs
from helpers.trials.rows import item_rows, item_texts, load_inputs, n_items, seen_by
from helpers.trials.store import OWN
from helpers.trials.tasks import TASKS
from tests.trials.made import trial

MODEL = "bert-zh-mini"
LENGTH = 16
SPLITS = ("train", "validation", "test")
SIGNS = [chr(code) for code in range(0x4E00, 0x4E00 + 900)]


def write(file, header, rows):
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([header, *rows])
    return str(file)


def write_texts(file, n=60):
    """Write texts of 5 to 40 characters, some Latin, some that no vocabulary has."""
    rng = np.random.default_rng(n)
    rows = []
    for i in range(n):
        text = "".join(rng.choice(SIGNS, int(rng.integers(4, 30))))
        rows.append([f"{text} abc{i}" if i % 3 else f"{text}😀é{i}", "好" if i % 2 else "坏"])
    return write(file, ["text", "label"], rows)


def write_articles(file, n=40):
    """Write tagged articles of two sentences, the second longer than the model."""
    rng = np.random.default_rng(n)

    def word(size, tag):
        return f"{''.join(rng.choice(SIGNS, size))}/{tag}"

    rows = []
    for _ in range(n):
        first = [word(6, "v"), word(3, "nr"), word(2, "v"), "。/w"]
        second = [word(5, "v"), word(4, "nt"), word(9, "n"), word(2, "ns"), word(20, "v"), "。/w"]
        rows.append(["  ".join([*first, *second])])
    return write(file, ["tagged"], rows)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with texts, articles and a cache of its own."""
    folder = tmp_path_factory.mktemp("inputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "CACHE", folder / "cache")
        yield SimpleNamespace(
            folder=folder,
            texts=write_texts(folder / "texts.csv"),
            articles=write_articles(folder / "articles.csv"),
            tokenizer=weights.load_tokenizer(MODEL),
        )


def trial_on(corpus, task="classification", model=MODEL, length=LENGTH, **changes):
    facts = inputs.facts_of(corpus, task)
    fields = {
        "task": task,
        "corpus": corpus,
        "corpus_hash": facts["hash"],
        "items": facts["test"],
        "model": model,
        "model_hash": inputs.hash_of(model) if model else "",
        "setting": (("max_length", length),),
    }
    return trial(**(fields | changes))


@pytest.fixture(scope="module")
def read(here):
    return inputs.inputs_for(trial_on(here.texts), here.folder / "made")


@pytest.fixture(scope="module")
def tagged(here):
    return inputs.inputs_for(trial_on(here.articles, "tagging"), here.folder / "made")


# texts


def test_rows_are_what_the_tokenizer_gives(here, read):
    corpus = corpora.load_texts(here.texts)
    for split in SPLITS:
        texts = list(corpus.splits[split]["text"])
        expected = here.tokenizer(texts, truncation=True, max_length=LENGTH)["input_ids"]
        assert [ids.tolist() for ids, _ in item_rows(read, split)] == expected
        assert max(map(len, expected)) == LENGTH


def test_classes_are_those_of_the_corpus(here, read):
    corpus = corpora.load_texts(here.texts)
    assert read["names"] == corpus.label_names == ["坏", "好"]
    for split in SPLITS:
        assert read[f"{split}.labels"].tolist() == list(corpus.splits[split]["label"])


def test_the_kept_text_is_the_beginning_that_the_model_sees(here, read):
    cut = 0
    for split in SPLITS:
        whole = list(corpora.load_texts(here.texts).splits[split]["text"])
        kept = item_texts(read, split, range(len(whole)))
        for text, seen, (ids, _) in zip(whole, kept, item_rows(read, split), strict=True):
            assert text.startswith(seen)
            assert here.tokenizer(seen)["input_ids"] == ids.tolist()
            assert seen == text or len(ids) == LENGTH
            cut += seen != text
    assert cut > 10


def test_without_a_model_whole_texts_are_kept_and_no_tokens(here):
    bare = inputs.inputs_for(trial_on(here.texts, model="", setting=()), here.folder / "made")
    for split in SPLITS:
        whole = list(corpora.load_texts(here.texts).splits[split]["text"])
        assert item_texts(bare, split, range(len(whole))) == whole
        assert f"{split}.ids" not in bare and n_items(bare, split) == len(whole)


def test_a_tokenizer_without_offsets_keeps_what_its_tokens_say():
    class Slow:
        is_fast = False

        def __call__(self, texts, truncation, max_length):
            return {"input_ids": [text.split()[: max_length - 2] for text in texts]}

        def decode(self, ids, skip_special_tokens):
            return " ".join(ids)

    assert seen_by(["one two three four", "five"], Slow(), 5) == ["one two three", "five"]
    assert seen_by([], Slow(), 5) == []


# sentences


def test_sentences_and_their_tags_are_those_of_the_task(here, tagged):
    task = TASKS["tagging"].load(here.articles, LENGTH)
    assert tagged["names"] == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
    for split in SPLITS:
        items = task.items(split)
        n = n_items(tagged, split)
        assert item_texts(tagged, split, range(n)) == list(items["text"])
        assert answers.gold_tags(tagged, split) == [list(tags) for tags in items["tags"]]


def test_an_article_is_a_number_and_its_sentences_share_it(here, tagged):
    task = TASKS["tagging"].load(here.articles, LENGTH)
    for split in SPLITS:
        names = list(task.items(split)["article"])
        numbers = tagged[f"{split}.article"].tolist()
        assert len({*zip(names, numbers, strict=True)}) == len({*names}) == len({*numbers})
    assert len({*tagged["train.article"]}) < n_items(tagged, "train")


def test_windows_of_a_sentence_hold_all_its_tokens_in_their_order(here, tagged):
    special = {*here.tokenizer.all_special_ids} - {here.tokenizer.unk_token_id}
    texts = item_texts(tagged, "test", range(n_items(tagged, "test")))
    windows = 0
    for at, text in enumerate(texts):
        rows = item_rows(tagged, "test", [at])
        assert all(len(ids) <= LENGTH and len(ids) == len(labels) for ids, labels in rows)
        tokens = [int(one) for ids, _ in rows for one in ids if one not in special]
        assert tokens == here.tokenizer(text, add_special_tokens=False)["input_ids"]
        windows = max(windows, len(rows))
    assert windows == 3


def test_labels_of_tokens_say_the_tags_again(tagged):
    for split in SPLITS:
        logits = [np.eye(7)[np.maximum(labels, 0)] for _, labels in item_rows(tagged, split)]
        assert answers.tags_of(logits, tagged, split, None) == answers.gold_tags(tagged, split)


def test_special_tokens_have_no_label_and_own_no_character(tagged):
    for ids, labels in item_rows(tagged, "test"):
        assert labels[0] == labels[-1] == -100 and len(ids) > 2
    silent = tagged["test.labels"] == -100
    assert not tagged["test.own_ends"][silent].any()
    assert all(tagged["test.own_ends"][~silent] > tagged["test.own_starts"][~silent])


# kept


def test_trials_of_one_corpus_and_model_share_their_inputs(here, tmp_path):
    one = trial_on(here.texts)
    shared = trial_on(here.texts, arm="from_scratch", labels=9, draw=3, split="validation")
    assert inputs.file_of(one, tmp_path) == inputs.file_of(shared, tmp_path)
    others = [
        trial_on(here.texts, length=LENGTH + 1),
        trial_on(here.texts, model=""),
        trial_on(here.texts, corpus_hash="0" * 64),
        trial_on(here.texts, model_hash="0" * 64),
        trial_on(here.articles, "tagging"),
    ]
    assert len({inputs.file_of(each, tmp_path) for each in [one, *others]}) == 6


def test_a_length_without_a_model_makes_no_other_inputs(here, tmp_path):
    with_length, without = (
        trial_on(here.texts, model="", setting=setting) for setting in ((("max_length", 9),), ())
    )
    assert inputs.file_of(with_length, tmp_path) == inputs.file_of(without, tmp_path)


def test_inputs_are_made_once(here, tmp_path, monkeypatch):
    one = trial_on(here.texts)
    file = inputs.prepare_inputs(one, tmp_path)
    stamp = file.stat().st_mtime_ns
    monkeypatch.setattr(TASKS["classification"], "load", None)
    assert inputs.prepare_inputs(one, tmp_path) == file and file.stat().st_mtime_ns == stamp
    assert list(tmp_path.iterdir()) == [file]
    assert load_file(file).keys() == load_inputs(file).keys() - {"names"}


def test_inputs_are_kept_with_the_own_outcomes_unless_told_otherwise(here):
    assert inputs.file_of(trial_on(here.texts)).parent == OWN / "inputs"


def test_inputs_made_twice_are_equal_bytes(here, tmp_path):
    one = trial_on(here.articles, "tagging")
    first, second = (inputs.prepare_inputs(one, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_a_full_disk_leaves_no_inputs(here, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    one = trial_on(here.texts)
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"^Cannot write .*: No space left on device; free some"):
        inputs.prepare_inputs(one, tmp_path)
    assert list(tmp_path.iterdir()) == []


# changed since


def test_changed_texts_are_refused_in_one_sentence(here, tmp_path):
    file = write_texts(tmp_path / "mine.csv")
    one = trial_on(file)
    write_texts(tmp_path / "mine.csv", n=61)
    with pytest.raises(UserError) as error:
        inputs.prepare_inputs(one, tmp_path / "made")
    assert str(error.value) == (
        f"{file} has changed since this trial was defined (its texts have another hash): find its "
        "settings again with `python -m helpers trials STUDY --search`."
    )
    assert not (tmp_path / "made").exists()


def test_changed_weights_are_refused_in_one_sentence(here, tmp_path):
    with pytest.raises(UserError) as error:
        inputs.prepare_inputs(trial_on(here.texts, model_hash="0" * 64), tmp_path)
    assert str(error.value) == (
        "The weights of bert-zh-mini have changed since this trial was defined: find its settings "
        "again with `python -m helpers trials STUDY --search`."
    )


# facts


def test_facts_of_a_corpus_are_its_hash_and_sizes(here):
    corpus = corpora.load_texts(here.texts)
    sizes = {split: corpus.splits[split].num_rows for split in SPLITS}
    facts = inputs.facts_of(here.texts, "classification")
    assert facts == {"task": "classification", "hash": corpus.fingerprint} | sizes
    assert sum(sizes.values()) == 60


def test_a_tagged_corpus_is_counted_in_sentences(here):
    facts = inputs.facts_of(here.articles, "tagging")
    assert sum(facts[split] for split in SPLITS) == 80


def test_facts_that_the_settings_have_are_read_from_there(here, monkeypatch):
    known = {"task": "classification", "hash": "e" * 64, "train": 1, "validation": 2, "test": 3}
    settings = {"corpora": {here.articles: known}, "models": {"minilm": "f" * 64}}
    monkeypatch.setattr(inputs, "read_settings", lambda: settings)
    assert inputs.facts_of(here.articles, "classification") == known
    assert inputs.facts_of(here.articles, "tagging")["hash"] != "e" * 64
    assert inputs.hash_of("minilm") == inputs.hash_of("minilm:2") == "f" * 64


def test_the_hash_of_a_model_is_that_of_its_files(monkeypatch):
    monkeypatch.setattr(inputs, "read_settings", lambda: {"corpora": {}, "models": {}})
    folder = ROOT / "data" / "checkpoints" / MODEL
    place = inputs.place_of(MODEL + ":2")
    assert place == {
        "folder": str(folder),
        "gguf": None,
        "hash": weights.resolve(MODEL).fingerprint,
    }
    assert inputs.hash_of(MODEL) == inputs.hash_of(MODEL + ":2") == place["hash"]
    assert inputs.hash_of("gpt2-mini") != place["hash"]


def test_an_unknown_corpus_is_one_sentence():
    with pytest.raises(UserError, match=r"^There are no texts 'reuters-r9' in the catalogue"):
        inputs.facts_of("reuters-r9", "classification")
