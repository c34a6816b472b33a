"""A user's texts: read, examined, drawn, cut; domains, a test file, mistakes."""

import csv
import json

import numpy as np
import pytest

from helpers import ROOT, UserError
from helpers.sources import user_corpus
from helpers.sources.user_corpus import find_file, load_unlabelled, load_yours

SAMPLE = ROOT / "data" / "sample"


def write(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(path)


def rows(n=80, **more):
    rng = np.random.default_rng(n)
    words = ["red", "green", "blue", "tall", "small", "round", "old", "new", "loud", "soft"]
    return [
        {"text": " ".join(rng.choice(words, 7)) + f" {i}", "label": "ab"[i % 2]} | more
        for i in range(n)
    ]


def test_the_sample_is_what_its_page_says():
    page = (SAMPLE / "README.md").read_text(encoding="utf-8")
    with (SAMPLE / "messages.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 422 and "422 rows" in page
    texts = [row["text"] for row in found]
    lines = [
        int(n.strip(" ,")) for n in page.split("labels in\nlines")[1].split("of")[0].split(",")
    ]
    assert len(lines) == 8
    fee = next(i for i, text in enumerate(texts) if "late fee" in text and i + 2 in lines)
    assert found[fee]["label"] != "complaint"


def test_a_small_file_keeps_more_for_the_test():
    corpus = load_yours(str(SAMPLE / "messages.csv")).corpus
    parts = {name: len(split) for name, split in corpus.splits.items()}
    assert parts["test"] == pytest.approx(0.3 * 422, abs=2)
    assert parts["validation"] == pytest.approx(0.1 * 422, abs=10)


def test_all_rows_are_examined_and_few_are_used(tmp_path):
    found = load_yours(write(tmp_path / "many.jsonl", rows(400)), most=100)
    assert found.health.items == 400 and found.used == 100
    labels = [n for split in found.corpus.splits.values() for n in split["label"]]
    assert abs(labels.count(0) - labels.count(1)) <= 2


def test_a_test_file_is_the_test(tmp_path):
    mine = write(tmp_path / "mine.jsonl", rows(80))
    test = write(tmp_path / "test.jsonl", rows(50))
    found = load_yours(mine, test_file=test)
    assert len(found.corpus.splits["test"]) == 50 and found.domains is None


def test_names_of_the_catalogue_work_too():
    found = load_yours("reuters-r8")
    assert found.corpus.name == "reuters-r8" and found.health.items == found.used > 7000


def test_of_a_catalogue_name_too_at_most_so_many_rows_are_used_of_each_published_split():
    whole, few = load_yours("reuters-r8"), load_yours("reuters-r8", most=600)
    assert few.health.items == whole.health.items and abs(few.used - 600) <= 3
    for split, part in few.corpus.splits.items():
        published = whole.corpus.splits[split]
        assert set(part["text"]) <= set(published["text"])
        assert len(part) == pytest.approx(600 * len(published) / whole.used, abs=2)


def test_unlabelled_texts_keep_their_order(tmp_path):
    file = write(tmp_path / "new.jsonl", [{"body": "one"}, {"body": "two"}])
    assert load_unlabelled(file, "body") == ["one", "two"]


@pytest.mark.parametrize(
    ("made", "how", "says"),
    [
        (rows(39), {}, "mine.jsonl has 39 labelled rows; with fewer than 40 nothing can be measu"),
        ([r | {"label": r["text"]} for r in rows(80)], {}, "has 80 different values in 80 rows; a"),
        (rows(80), {"domain_column": "site"}, "mine.jsonl has no domain column 'site'; its colum"),
        (rows(80, site="x"), {"domain_column": "site"}, "All 80 items of mine.jsonl have the dom"),
        (rows(80), {"test_file": "nowhere.csv"}, "There is no file nowhere.csv."),
        (rows(80), {"text_column": "body"}, "mine.jsonl has no text column 'body'; its columns "),
    ],
)
def test_mistakes_are_sentences(tmp_path, made, how, says):
    with pytest.raises(UserError) as error:
        load_yours(write(tmp_path / "mine.jsonl", made), **how)
    assert says in str(error.value)


def test_a_label_of_the_test_must_be_known(tmp_path):
    mine = write(tmp_path / "mine.jsonl", rows(80))
    test = write(
        tmp_path / "test.jsonl", [{"text": "x", "label": "a"}, {"text": "y", "label": "q"}]
    )
    with pytest.raises(
        UserError, match=r"test\.jsonl has a label 'q' that mine.jsonl does not have"
    ):
        load_yours(mine, test_file=test)


def test_a_label_that_the_test_spells_otherwise_is_told(tmp_path):
    mine = write(tmp_path / "mine.jsonl", rows(80))
    test = write(
        tmp_path / "test.jsonl", [{"text": "x", "label": "A"}, {"text": "y", "label": "b"}]
    )
    with pytest.raises(UserError) as error:
        load_yours(mine, test_file=test)
    assert str(error.value) == (
        "test.jsonl has a label 'A' that mine.jsonl does not have. It has 'a'."
    )


def test_an_address_of_the_hub_is_answered_with_its_id():
    with pytest.raises(UserError) as error:
        find_file("https://huggingface.co/datasets/fancyzhx/ag_news")
    assert str(error.value) == (
        "There is no file https://huggingface.co/datasets/fancyzhx/ag_news. An address is not "
        "read: write the hub id, fancyzhx/ag_news."
    )


def test_a_single_column_of_texts_is_found(tmp_path):
    file = write(
        tmp_path / "new.jsonl", [{"remark": f"several words of text {i}"} for i in range(9)]
    )
    assert load_unlabelled(file)[0] == "several words of text 0"


def test_what_is_no_file_has_no_columns():
    with pytest.raises(UserError, match="needs a file, which reuters-r8 is not"):
        load_yours("reuters-r8", domain_column="outlet")
    with pytest.raises(
        UserError, match="Unlabelled texts come from a file, which reuters-r8 is no"
    ):
        load_unlabelled("reuters-r8")
    with pytest.raises(UserError, match=r"There is no file reuters-r9\."):
        find_file("reuters-r9")
    assert find_file("owner/name") is None
    assert user_corpus.SMALL == 2000


def test_guesses_and_spellings_are_among_the_warnings(tmp_path):
    made = [
        {"review": f"{row['text']}", "sentiment": "aAb"[i % 3]} for i, row in enumerate(rows(90))
    ]
    file = write(tmp_path / "mine.jsonl", made)
    assert load_yours(file).health.warnings() == [
        "The texts of mine.jsonl are taken from its column 'review', the classes from 'sentiment'.",
        "3 labels may be 2 classes, some of them written in several ways ('a', 'A'): "
        f"`python -m helpers fold {file} --label sentiment` makes each class one.",
    ]
