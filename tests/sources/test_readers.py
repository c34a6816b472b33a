import gzip
import json
import re

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import UserError
from helpers.sources.readers import columns, read_file

ITEMS = [{"text": "oil rises", "label": "oil"}, {"text": "gold «falls»", "label": "gold"}]


def _write(path, items=ITEMS):
    name = path.name
    if name.endswith(".parquet"):
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(items), path)
        return path
    if name.endswith(".csv"):
        data = "text,label\n" + "".join(f'"{i["text"]}",{i["label"]}\n' for i in items)
    elif ".jsonl" in name or name.startswith("lines"):
        data = "".join(json.dumps(item) + "\n" for item in items)
    else:
        data = json.dumps(items, ensure_ascii=False)
    raw = data.encode()
    path.write_bytes(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
    return path


@pytest.mark.parametrize(
    "name",
    ["a.json", "a.json.gz", "lines.json", "a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet", "A.JSON"],
)
def test_every_format_gives_the_same_rows(tmp_path, name):
    assert read_file(_write(tmp_path / name)).values == ITEMS


def test_csv_keeps_quotes_newlines_and_na(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbftext,label\r\n"two ""lines"",\nreally",NA\r\n\r\nx,y\r\n')
    rows = read_file(path)
    assert rows.values[0] == {"text": 'two "lines",\nreally', "label": "NA"}
    assert rows.at(1) == "line 5 of a.csv"


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20)), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_json_and_json_lines_round_trip(tmp_path_factory, items):
    folder = tmp_path_factory.mktemp("round")
    (folder / "a.json").write_text(json.dumps(items), encoding="utf-8")
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    (folder / "a.jsonl").write_text(lines, encoding="utf-8", newline="")
    assert read_file(folder / "a.json").values == items == read_file(folder / "a.jsonl").values


GZIPPED = gzip.compress(json.dumps(ITEMS * 50).encode(), mtime=0)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.json", b"", "a.json is empty."),
        ("a.json", b" \n ", "a.json holds nothing but white space."),
        ("a.json", b"[]", "a.json holds no items."),
        ("a.csv", b"text,label\n", "a.csv holds no items."),
        ("a.txt", b"x", "a.txt does not end with one of .arrow, .bio, .conll, .csv"),
        ("a.json", b'[{"text":\n"caf\xe9"}]', "is not UTF-8: byte 14 (line 2) is 0xe9"),
        ("a.csv", b"text\ncaf\xe9\n", "is not UTF-8: byte 8 (line 2) is 0xe9"),
        ("a.json.gz", GZIPPED[:-20], "a.json.gz is cut short: its gzip stream ends too early."),
        ("a.json.gz", b"[]", "a.json.gz is not a whole gzip file"),
        ("a.json", b'[{"text": "a"},\n{"text" "b"}]', "is not valid JSON: line 2, column 9"),
        ("a.jsonl", b'{"text": "a"}\n\n{"text"\n', "is not valid JSON: line 3, column 8"),
        ("a.json", b'{"text": "a"}\n{"text"\n', "is not valid JSON: line 2, column 8"),
        ("a.json", b'{"text": "a"}', "holds one object, not a list of objects such as"),
        ("a.json", b'"a"', "holds a string, not a list of objects"),
        ("a.json", b"[" * 100_000, "is nested too deeply"),
        ("a.jsonl", b"[" * 100_000, "is nested too deeply in line 1"),
        ("a.json", b'[{"text": "a"}, "b"]', "Item 2 of a.json is a string, not an object"),
        ("a.jsonl", b'{"text": "a"}\n\n[]\n', "Line 3 of a.jsonl is a list, not an object"),
        ("a.csv", b"text,label\na,b,c\n", "Line 2 of "),
        ("a.csv", b'text,label\na,"b', "a.csv is not valid CSV: the quote that opens in line 2 is"),
        ("a.csv", b"text,text\na,b\n", "names the column 'text' more than once"),
        ("a.parquet", b"PAR1 not really", "a.parquet is not a whole Parquet file"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        read_file(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(UserError, match="There is no file"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(UserError, match="is a folder"):
        read_file(tmp_path)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"payload": "a", "label": "x"}], "has no text column 'text'; its columns are payload, l"),
        ([{"text": "a", "group": "x"}], "has no label column 'label'; its columns are text, group"),
        (
            [{"text": "a", "label": 1}, {"text": " ", "label": 2}, {"label": 2}],
            "The text in item 2 of a.json ('text') is empty (and 1 more)",
        ),
        ([{"text": 5, "label": 1}], "The text in item 1 of a.json ('text') is a number, not a"),
        (
            [{"text": "a", "label": 1}, {"text": "b", "label": None}, {"text": "c", "label": ""}],
            "The label in item 2 of a.json ('label') is missing (and 1 more)",
        ),
        ([{"text": "a", "label": 1}, {"text": "b", "label": float("nan")}], "item 2 of a.json"),
        ([{"text": "a", "label": ["x"]}], "The label in item 1 of a.json is a list, not a string"),
        (
            [{"text": "a", "label": "x"}, {"text": "b", "label": "x"}],
            "All 2 items of a.json have the label 'x' in 'label'; at least two classes are needed.",
        ),
    ],
)
def test_bad_columns_are_one_sentence(tmp_path, items, message):
    (tmp_path / "a.json").write_text(json.dumps(items), encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(message)):
        columns(read_file(tmp_path / "a.json"), "text", "label")


def test_labels_become_strings(tmp_path):
    items = [
        {"text": "a", "label": 1.0},
        {"text": "b", "label": True},
        {"text": "c", "label": " x"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(items), encoding="utf-8")
    assert columns(read_file(tmp_path / "a.json"), "text", "label")[1] == ["1", "True", "x"]
    assert columns(read_file(tmp_path / "a.json"), "text", None) == (["a", "b", "c"], None)


@pytest.mark.parametrize(
    "content",
    [
        {"text": {"0": "a", "1": "b"}, "label": {"0": "x", "1": "y"}},
        {"text": ["a", "b"], "label": ["x", "y"]},
    ],
)
def test_a_table_by_columns_is_read_as_pandas_writes_it(tmp_path, content):
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    rows = read_file(tmp_path / "a.json").values
    assert rows == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


@pytest.mark.parametrize("content", [{"text": ["a", "b"], "label": ["x"]}, {"text": []}, {}])
def test_columns_that_do_not_fit_are_one_object(tmp_path, content):
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="holds one object, not a list of objects"):
        read_file(tmp_path / "a.json")
