"""A file comes back whole, in order, with two more columns, a part at a time."""

import csv
import gzip
import json

import numpy as np
import pyarrow.parquet
import pytest

from helpers import UserError
from helpers.delivery import models
from helpers.delivery.candidates import Bag
from helpers.delivery.predict import predict
from helpers.sources.columns import JOINT
from tests.delivery import made


@pytest.fixture(scope="module")
def model():
    texts, names = made.rows(60)
    labels = np.array([made.NAMES.index(name) for name in names])
    return Bag("words").fit(texts, labels, 3, [{"C": 10.0}])[0]


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr("helpers.delivery.streams.AT_ONCE", 7)


def written(path, rows):
    """Write rows in the format of the name's ending."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if path.name.endswith(".csv"):
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        data = lines.encode()
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def read(path):
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in data.decode().splitlines()]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".jsonl.gz", ".parquet", ".json"])
def test_rows_come_back_in_order_with_two_columns_more(tmp_path, model, small_parts, ending):
    texts, _ = made.rows(40, seed=2)
    rows = [{"id": str(i), "text": f'{text}, "ü"\n=1+1'} for i, text in enumerate(texts)]
    source = written(tmp_path / f"new{ending}", rows)
    out = tmp_path / f"out{'.jsonl' if ending == '.json' else ending}"
    answered = predict(model, made.NAMES, source, out)
    found = read(out)
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [row["text"] for row in found] == [row["text"] for row in rows]
    table = model.probabilities([row["text"] for row in rows])
    assert [row["predicted_label"] for row in found] == [made.NAMES[i] for i in table.argmax(1)]
    np.testing.assert_allclose(
        [float(row["probability"]) for row in found], table.max(1), atol=6e-5
    )
    assert sum(answered.counts.values()) == 40 and "" not in answered.counts
    assert answered.sure == pytest.approx(table.max(1).mean())


@pytest.mark.parametrize(("name", "mark"), [("new.csv", ";"), ("new.tsv", "\t"), ("new.tab", "\t")])
def test_tables_with_other_separators_are_read_too(tmp_path, model, small_parts, name, mark):
    texts, _ = made.rows(20, seed=2)
    lines = [f"id{mark}text", *(f"{i}{mark}{text}" for i, text in enumerate(texts))]
    (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    predict(model, made.NAMES, tmp_path / name, tmp_path / "out.csv")
    found = read(tmp_path / "out.csv")
    assert [row["id"] for row in found] == [str(i) for i in range(20)]
    assert [row["text"] for row in found] == texts


def test_below_the_threshold_there_is_no_label(tmp_path, model):
    texts, _ = made.rows(60, seed=2, share=0.3)
    source = made.write(tmp_path / "new.csv", texts)
    sure = model.probabilities(texts).max(1)
    level = float(np.round(np.median(sure), 2))
    answered = predict(model, made.NAMES, source, tmp_path / "out.csv", threshold=level)
    labels = [row["predicted_label"] for row in read(tmp_path / "out.csv")]
    assert [label == "" for label in labels] == (sure < level).tolist()
    assert answered.counts[""] == labels.count("") > 0


def test_texts_unlike_the_training_texts_are_told(tmp_path, model):
    texts, _ = made.rows(60, seed=5)
    usual = float(model.probabilities(texts).max(1).mean())
    strange = made.write(tmp_path / "new.csv", [f"ein anderes Thema {i}" for i in range(60)])
    like = made.write(tmp_path / "like.csv", made.rows(60, seed=6)[0])
    far = predict(model, made.NAMES, strange, tmp_path / "far.csv")
    near = predict(model, made.NAMES, like, tmp_path / "near.csv")
    assert far.unlike(usual).startswith("These texts look unlike the training texts: the model")
    assert near.unlike(usual) == ""


def test_a_part_at_a_time(tmp_path, model, small_parts, monkeypatch):
    seen = []
    monkeypatch.setattr(
        models.BagOfWords, "probabilities",
        lambda self, texts: seen.append(len(texts)) or np.full((len(texts), 3), 1 / 3),
    )  # fmt: skip
    for ending in (".csv", ".jsonl", ".parquet"):
        seen.clear()
        rows = [{"text": f"text {i}"} for i in range(20)]
        source = written(tmp_path / f"new{ending}", rows)
        predict(model, made.NAMES, source, tmp_path / f"out{ending}")
        assert seen == [7, 7, 6]


BAD = [
    ("a.csv", "text\nx\n\n \n", {}, "The text in line 4 of a.csv ('text') is empty; remove such items or fill them in."),
    ("a.csv", "body\nx\n", {}, "a.csv has no text column 'text'; its columns are body (name one with --text)."),
    ("a.csv", "text,probability\nx,1\n", {}, "a.csv has a column 'probability' already: it seems labelled; rename the column to label it anew."),
    ("a.csv", "", {}, "{path} is empty."),
    ("a.csv", "text,text\nx,y\n", {}, "{path} names a column more than once."),
    ("a.csv", 'text\nx\n"y\n', {}, "{path} is not valid CSV: the quote that opens in line 3 is never closed."),
    ("a.csv", "text,label\nx\n", {}, "Line 2 of {path} has 1 fields, but the header has 2 (text, label)."),
    ("a.csv", b"text\n\xff\n", {}, "{path} is not UTF-8: byte 5 (line 2) is 0xff; save it as UTF-8."),
    ("a.jsonl", '{"text": "x"}\n[1]\n', {}, 'Line 2 of a.jsonl is not an object such as {"text": "…"}.'),
    ("a.jsonl", '{"text": "x"}\n{oops\n', {}, "{path} is not valid JSON: line 2, column 2: Expecting property name enclosed in double quotes."),
    ("a.jsonl.gz", b"no", {}, "{path} is not a whole gzip file: Not a gzipped file (b'no')."),
    ("a.parquet", b"PAR1", {}, "{path} is not a whole Parquet file: "),
    ("a.txt", "x", {}, "{path} does not end with one of .arrow, .bio, .conll, .csv, .feather, .iob, .iob2, .json, .jsonl, .ndjson, .parquet, .tab, .tsv."),
    ("a.csv", "text\nx\n", {"threshold": -0.1}, "threshold must be in [0, 1], not -0.1."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "how", "says"), BAD)
def test_mistakes_are_sentences_and_nothing_is_left(tmp_path, model, name, content, how, says):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as error:
        predict(model, made.NAMES, path, tmp_path / "out.csv", **how)
    said = str(error.value)
    expected = says.replace("{path}", str(path))
    assert said.startswith(expected) if name == "a.parquet" else said == expected
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_two_columns_are_joined_as_assess_joins_them(tmp_path, model):
    texts, _ = made.rows(20, seed=3)
    pairs = [{"a": text, "b": other} for text, other in zip(texts, texts[::-1], strict=True)]
    out = tmp_path / "out.csv"
    predict(model, made.NAMES, written(tmp_path / "pairs.csv", pairs), out, text_column="a b")
    joined = [{"text": f"{pair['a']}{JOINT}{pair['b']}"} for pair in pairs]
    predict(model, made.NAMES, written(tmp_path / "one.csv", joined), tmp_path / "one_out.csv")
    said = [
        [row["predicted_label"] for row in read(path)] for path in (out, tmp_path / "one_out.csv")
    ]
    assert said[0] == said[1]
    with pytest.raises(UserError, match="has no text column 'a c'; its columns are a, b"):
        predict(model, made.NAMES, tmp_path / "pairs.csv", out, text_column="a c")
