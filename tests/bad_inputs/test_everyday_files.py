"""Files as everyday work has them: each is read, or refused or warned of in one sentence.

Each test stands for a kind of file that strangers brought. How a form is read in all its variants
is tested beside the reader; here stand the files as they come, through the door of the command line.
"""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from helpers import UserError
from helpers.__main__ import main
from helpers.base.doors import COMMAND_LINE, through
from helpers.delivery.clock import Clock
from helpers.delivery.deliver import deliver
from helpers.sources.corpora import from_rows
from helpers.sources.health import examine
from helpers.sources.readers import choose_columns, columns, read_file

CLASSES = ("negative", "positive")


def review(i):
    words = ("broke after a week", "feels sturdy")[i % 2]
    return f"The lamp number {i} that I bought {words}, and my neighbour agrees."


def rows(n=40):
    return [(review(i), CLASSES[i % 2]) for i in range(n)]


def table(pairs, mark=",", header=("text", "label"), quote='"'):
    cells = [header, *pairs]
    return "".join(mark.join(f"{quote}{cell}{quote}" for cell in row) + "\n" for row in cells)


def brought(path, content):
    """Return texts, labels and all that is said of a file, as `assess` reads it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with through(COMMAND_LINE):
        read = read_file(path)
        texts, labels = columns(read, "text", "label")
        notes = choose_columns(read, "text", "label").notes
        warnings = replace(examine(texts, labels), source=str(path), notes=notes).warnings()
    return texts, labels, warnings


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("semicolons.csv", table(rows(), ";")),
        ("tabs.tsv", table(rows(), "\t", quote="")),
        ("gzipped.csv.gz", gzip.compress(table(rows()).encode(), mtime=0)),
    ],
)
def test_separators_and_packings_are_read_without_a_word(tmp_path, name, content):
    texts, labels, warnings = brought(tmp_path / name, content)
    assert list(zip(texts, labels, strict=True)) == rows() and warnings == []


def test_columns_without_a_name_are_left_out_and_the_rest_is_guessed(tmp_path):
    pairs = [(label, text, "", "", "") for text, label in rows()]
    content = table(pairs, header=("v1", "v2", "", "", ""))
    texts, labels, warnings = brought(tmp_path / "unnamed.csv", content)
    assert list(zip(texts, labels, strict=True)) == rows()
    assert warnings == [
        "The texts of unnamed.csv are taken from its column 'v2', the classes from 'v1'."
    ]


def test_other_names_of_columns_are_guessed_where_they_are_plain(tmp_path):
    content = table(rows(), header=("review", "sentiment"))
    texts, labels, warnings = brought(tmp_path / "other.csv", content)
    assert list(zip(texts, labels, strict=True)) == rows()
    assert "from its column 'review', the classes from 'sentiment'." in warnings[0]


def test_where_names_are_not_plain_the_options_own_words_help(tmp_path):
    content = table([(i, *row) for i, row in enumerate(rows())], header=("a", "b", "c"))
    with pytest.raises(UserError) as refused:
        brought(tmp_path / "other.csv", content)
    assert str(refused.value) == (
        "other.csv has no text column 'text'; its columns are a, b, c (name one of them with "
        "--text)."
    )


def test_a_quote_that_never_closes_is_named_by_its_own_line(tmp_path):
    lines = table(rows(300), quote="").replace(",", ";").splitlines()
    lines = [line.replace("; and", " and").replace(";", ",") for line in lines]
    lines[100] = f'"{lines[100]}'
    with pytest.raises(UserError, match=r"the quote that opens in line 101 is never closed\."):
        brought(tmp_path / "lone.csv", "\n".join(lines))


def test_one_class_in_two_spellings_is_warned_of_with_what_folds_it(tmp_path):
    spelled = [(text, (label, label.upper(), f" {label.title()} ")[i % 3])
               for i, (text, label) in enumerate(rows())]  # fmt: skip
    path = tmp_path / "case.csv"
    _, _, (warning, *_) = brought(path, table(spelled))
    assert "may be 2 classes" in warning and f"`python -m helpers fold {path}`" in warning
    assert main(["fold", str(path)]) == 0
    folded = path.with_name("case.folded.csv")
    assert len(set(brought(folded, folded.read_bytes())[1])) == 2


def test_a_number_written_in_two_ways_is_one_class(tmp_path):
    pairs = [(review(i), ("0", "1", "0.0", "1.0")[i % 4]) for i in range(40)]
    assert set(brought(tmp_path / "numbers.csv", table(pairs))[1]) == {"0", "1"}


def test_several_labels_a_cell_are_warned_of(tmp_path):
    cells = ("price", "quality", "quality,service", "price,service", "service")
    pairs = [(review(i), cells[i % 5]) for i in range(60)]
    _, _, (warning, *_) = brought(tmp_path / "several.csv", table(pairs))
    assert warning.startswith("It looks like several labels a text: 5 labels are combinations of 3")


def test_classes_that_datasets_saved_as_numbers_have_their_names(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(CLASSES))})
    data = {"text": [text for text, _ in rows()], "label": [i % 2 for i in range(40)]}
    path = tmp_path / "saved.parquet"
    Dataset.from_dict(data, features=features).to_parquet(path)
    assert set(brought(path, path.read_bytes())[1]) == set(CLASSES)


def test_one_in_a_hundred_gets_macro_f1_and_never_nan(tmp_path):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(review(0).split(), 8)) + f" {i}" for i in range(300)]
    labels = ["fraud" if i % 100 == 50 else "ok" for i in range(300)]
    _, _, warnings = brought(tmp_path / "rare.csv", table(zip(texts, labels, strict=True)))
    assert any("read macro F1 beside accuracy" in warning for warning in warnings)
    cut = ["test" if i % 3 == 2 else "validation" if i % 10 == 0 else "train" for i in range(300)]
    corpus = from_rows("rare", texts, labels, cut)
    answer = deliver(corpus, tmp_path, Clock(5), encoders=[], fine_tune=False)
    said = " ".join(answer.recommendation())
    assert said.startswith("Nothing beats the largest class on these labels") and "nan" not in said
    assert "macro F1 is 0." in said
    assert answer.delivered["kind"] == "largest"


def test_three_hundred_classes_are_read_and_judged_of_as_few_texts_each(tmp_path):
    pairs = [(f"{review(i)} word{i % 300}", f"intent_{i % 300:03}") for i in range(900)]
    _, labels, (warning, *_) = brought(tmp_path / "many.csv", table(pairs))
    assert len(set(labels)) == 300
    assert warning.startswith("300 of 300 labels have fewer than 10 items")


def test_lists_of_tokens_and_tags_are_read_as_words_with_tags(tmp_path):
    path = tmp_path / "entities.jsonl"
    row = {"tokens": ["Sold", "by", "Elena"], "ner_tags": ["O", "O", "B-PER"]}
    path.write_text(f"{json.dumps(row)}\n" * 3, encoding="utf-8")
    texts, _ = columns(read_file(path), "tagged", None)
    assert texts[0].splitlines() == ["Sold\tO", "by\tO", "Elena\tB-PER"]
