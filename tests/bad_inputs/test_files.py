"""Files and folders of texts: each mistake has its one sentence."""

import bz2
import gzip
import io
import json
import lzma
import tempfile
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import UserError
from helpers.sources.corpora import load_texts
from helpers.sources.readers import columns, read_file
from helpers.sources.user_corpus import load_yours

GOOD = '{"text":"a b c","label":"x"}\n{"text":"d e f","label":"y"}\n'
ENDINGS = (
    ".arrow, .bio, .conll, .csv, .feather, .iob, .iob2, .json, .jsonl, .ndjson, .parquet, .tab, "
    ".tsv (also packed: .gz, .bz2, .xz, .zip)"
)

FILES = [
    ("a.csv", "", "{path} is empty."),
    ("a.csv", "  \n \n", "{path} holds nothing but white space."),
    ("a.csv", "text,label\n", "{path} holds no items."),
    ("a.csv", "text,label\na,x\nb\n", "Line 3 of {path} has 1 fields, but the header has 2 (text, label)."),
    ("a.csv", "text,text\na,b\n", "{path} names the column 'text' more than once."),
    ("a.csv", 'text,label\n"a,x\n', "{path} is not valid CSV: the quote that opens in line 2 is never closed."),
    ("a.csv", "text,label\ncaf\xe9,x\n".encode("latin-1"), "{path} is not UTF-8: byte 14 (line 2) is 0xe9; save it as UTF-8."),
    ("a.csv", "text,label\na,x\n".encode("utf-16"), '{path} is UTF-16, which Excel calls Unicode text: save it as UTF-8 (in Excel "CSV UTF-8").'),
    ("a.csv", "text,label\na,x\nb,x\n", "All 2 items of a.csv have the label 'x' in 'label'; at least two classes are needed."),
    ("a.csv", "text,label\na,\x1b[31mx\nb,\x1b[31mx\n", "All 2 items of a.csv have the label '<U+001B>[31mx' in 'label'; at least two classes are needed."),
    ("a.csv", "text,label\n ,x\nb,y\n", "The text in line 2 of a.csv ('text') is empty; remove such items or fill them in."),
    ("a.csv", "text,label\na,\nb,y\nc,\n", "The label in line 2 of a.csv ('label') is missing (and 1 more); every item needs one."),
    ("a.json", '[{"text": "a"', "{path} is not valid JSON: line 1, column 14: Expecting ',' delimiter."),
    ("a.json", "3", '{path} holds a number, not a list of objects such as [{"text": "…"}, …].'),
    ("a.json", "null", '{path} holds null, not a list of objects such as [{"text": "…"}, …].'),
    ("a.json", '["a","b"]', 'Item 1 of a.json is a string, not an object such as {"text": "…"}.'),
    ("a.json", "[" * 100_000, "{path} is nested too deeply to be a list of objects."),
    ("a.jsonl", GOOD + "{oops\n", "{path} is not valid JSON: line 3, column 2: Expecting property name enclosed in double quotes."),
    ("a.jsonl", GOOD + "[1]\n", 'Line 3 of a.jsonl is a list, not an object such as {"text": "…"}.'),
    ("a.jsonl", '{"text":{"a":1},"label":"x"}\n', "The text in line 1 of a.jsonl ('text') is one object, not a string."),
    ("a.jsonl", '{"text":3,"label":"x"}\n', "The text in line 1 of a.jsonl ('text') is a number, not a string."),
    ("a.jsonl", '{"text":"a","label":["x"]}\n{"text":"b","label":"x"}\n', "The label in line 1 of a.jsonl is a list, not a string or a number."),
    ("a.jsonl", '{"payload":"a","label":"x"}\n', "a.jsonl has no text column 'text'; its columns are payload, label (set text_column to one of them)."),
    ("a.jsonl", '{"text":"a","group":"x"}\n', "a.jsonl has no label column 'label'; its columns are text, group (set label_column to one of them, or None for texts without labels)."),
    ("a.jsonl", GOOD, "{path} has too few different texts: of 2 items none is left for the validation split once duplicates are removed."),
    ("a.parquet", b"PAR1xxxx", "{path} is not a whole Parquet file: Could not open Parquet input source '<Buffer>': Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file."),
    ("a.jsonl.gz", b"not gzip", "{path} is not a whole gzip file: Not a gzipped file (b'no')."),
    ("a.jsonl.gz", gzip.compress(GOOD.encode() * 100, mtime=0)[:-20], "{path} is cut short: its gzip stream ends too early."),
    ("a.txt", "a", f"{{path}} does not end with one of {ENDINGS}."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "says"), FILES, ids=[f"{i} {one[0]}" for i, one in enumerate(FILES)]
)
def test_a_bad_file_is_one_sentence(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as error:
        load_texts(str(path))
    assert str(error.value) == says.replace("{path}", str(path))


NAMES = [
    ("/nowhere/texts.csv", "There is no file /nowhere/texts.csv."),
    ("/nowhere/\x1b[31mnow\u202ehere.csv", "There is no file /nowhere/<U+001B>[31mnow<U+202E>here.csv."),
    ("https://example.org/a.csv", "There is no file https:/example.org/a.csv. An address is not read: download the file first."),
    ("https://huggingface.co/datasets/fancyzhx/ag_news", "There is no file https:/huggingface.co/datasets/fancyzhx/ag_news. An address is not read: write the hub id, fancyzhx/ag_news."),
    ("reuters-r9", "There are no texts 'reuters-r9' in the catalogue, and no such file. Did you mean 'reuters-r8'? (A hub id is written owner/name.)"),
    ("a/b/c", "There is no file a/b/c."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "says"), NAMES)
def test_a_name_that_stands_for_nothing_is_one_sentence(name, says):
    with pytest.raises(UserError) as error:
        load_texts(name)
    assert str(error.value) == says


def test_a_folder_is_no_file_of_texts(tmp_path):
    with pytest.raises(UserError) as error:
        load_texts(str(tmp_path))
    assert str(error.value) == (
        f"{tmp_path} is a folder without a train file: name a file of texts, or put train.* (and "
        f"test.*) there, ending with one of {ENDINGS}."
    )


def test_a_file_that_is_no_file_name_has_a_hint():
    with pytest.raises(UserError) as error:
        load_yours("reuters-r9")
    assert str(error.value) == "There is no file reuters-r9. Did you mean 'reuters-r8'?"


PLAIN = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
PACKED = (".csv.gz", ".jsonl.bz2", ".json.xz", ".tsv.zip")


def valid(suffix):
    """A small valid file of the kind."""
    rows = [{"text": f"words number {i}", "label": "xy"[i % 2]} for i in range(6)]
    if suffix == ".parquet":
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
        return sink.getvalue().to_pybytes()
    if suffix.startswith((".csv", ".tsv")):
        mark = "," if suffix.startswith(".csv") else "\t"
        text = f"text{mark}label\n"
        text += "".join(f"{row['text']}{mark}{row['label']}\n" for row in rows)
    elif suffix.startswith(".jsonl"):
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
    else:
        text = json.dumps(rows)
    return packed(suffix, text.encode())


def packed(suffix, data):
    if suffix.endswith(".zip"):
        with zipfile.ZipFile(target := io.BytesIO(), "w") as archive:
            archive.writestr("texts", data)
        return target.getvalue()
    pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    return pack.get(suffix[suffix.rfind(".") :], bytes)(data)


def read(suffix, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"texts{suffix}"
        path.write_bytes(data)
        try:
            texts, labels = columns(read_file(path), "text", "label")
        except UserError as error:
            assert str(error).isprintable() and str(error).endswith((".", "?", ")"))
        else:
            assert len(texts) == len(labels or [])


@pytest.mark.parametrize("suffix", PLAIN + PACKED)
@settings(max_examples=60)
@given(data=st.binary(max_size=200))
def test_random_bytes_are_a_table_or_a_sentence(suffix, data):
    read(suffix, data)


@pytest.mark.parametrize("suffix", PLAIN + PACKED)
@settings(max_examples=60)
@given(at=st.floats(0, 1), new=st.binary(min_size=1, max_size=4), cut=st.booleans())
def test_a_damaged_file_is_a_table_or_a_sentence(suffix, at, new, cut):
    whole = valid(suffix)
    place = int(at * (len(whole) - 1))
    read(suffix, whole[:place] if cut else whole[:place] + new + whole[place + len(new) :])
