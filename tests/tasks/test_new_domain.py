"""One outlet as target, all others as source: whose documents are where, and how much is read."""

import numpy as np
import pytest

from helpers import UserError
from helpers.sources.corpora import from_rows
from helpers.tasks import new_domain
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.language_modeling import IGNORED
from helpers.tasks.new_domain import NewDomain

SPLITS = ["train"] * 8 + ["validation"] * 8 + ["test"] * 8
TEXTS = [f"{'wheat' if i % 2 else 'ships'} of 油 day {i * 7919} in {i * 104729}" for i in range(24)]
TOKENIZER = train_bytepairs(["wheat ships of day"] * 3, vocabulary=280, positions=64)


@pytest.fixture
def domain():
    labels = ["wheat" if i % 2 else "ships" for i in range(24)]
    return NewDomain(from_rows("mine", TEXTS, labels, SPLITS), "wheat", max_length=64)


def test_target_and_source_share_no_document(domain):
    for split in ("train", "validation", "test"):
        target, source = (set(part(split)["text"]) for part in (domain.target, domain.source))
        assert len(target) == len(source) == 4 and not target & source
        assert all(text.startswith("wheat") for text in target)


def test_a_trial_draws_from_the_target_and_is_scored_on_both(domain, monkeypatch):
    assert set(domain.items("train")["is_target"]) == {1}
    items = domain.items("test")
    assert items["is_target"][:] == [1] * 4 + [0] * 4
    assert all((text[0] == "w") == mark for text, mark in zip(*items[:].values(), strict=True))
    monkeypatch.setattr(new_domain, "SOURCE_SCORED", 3)
    few = domain.items("test")
    assert few["text"][:] == items["text"][:7]  # the beginning of one order


def test_a_document_is_one_row_and_its_bytes_are_those_that_the_row_holds(domain):
    items = domain.items("test")
    rows = domain.encode(items, TOKENIZER)
    assert len(rows) == len(items)
    assert rows["bytes"][:] == [len(text.encode()) for text in items["text"]]
    for row in rows:
        assert row["labels"][0] == IGNORED and row["labels"][1:] == row["input_ids"][1:]
        assert row["input_ids"][-1] == TOKENIZER.eos_token_id


def test_what_does_not_fit_is_not_counted(domain):
    short = NewDomain(domain.corpus, "wheat", max_length=10)
    items = short.items("test")
    rows = short.encode(items, TOKENIZER)
    assert {len(ids) for ids in rows["input_ids"]} == {10}
    for row, text in zip(rows, items["text"], strict=True):
        read = TOKENIZER.decode(row["input_ids"][1:])
        assert text.startswith(read.rstrip("\N{REPLACEMENT CHARACTER}"))
        assert row["bytes"] >= len(read.rstrip("\N{REPLACEMENT CHARACTER}").encode())
        assert row["bytes"] < len(text.encode())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("newsarticles", "'newsarticles' names no domain: write newsarticles:LABEL"),
        ("newsarticles:tass", "There is no label 'tass' in newsarticles"),
    ],
)
def test_a_name_that_is_none_is_one_sentence(name, sentence):
    with pytest.raises(UserError, match=sentence):
        NewDomain.named(name)


def test_a_domain_without_test_documents_is_one_sentence(tmp_path):
    file = tmp_path / "few.csv"
    lines = [f"words {i * 7919} of {i * 104729},{'rare' if i == 3 else 'a'}" for i in range(30)]
    file.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    with pytest.raises(UserError, match="has no validation document of 'rare'"):
        NewDomain.named(f"{file}:rare")


def test_a_named_domain_is_read_whole():
    found = NewDomain.named("newsarticles:tass.com")
    assert len(found.items("train")) == 386
    assert int(np.sum(found.items("test")["is_target"])) == 48
