"""Files are read in parts that know their places, and written as the rows come."""

import gzip
import json

import pytest

from helpers import UserError
from helpers.delivery import streams

ROWS = [{"text": f"text {i}", "n": i} for i in range(20)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(streams, "AT_ONCE", 7)


@pytest.mark.parametrize("ending", streams.WRITTEN)
def test_what_is_written_in_parts_is_read_in_parts(tmp_path, ending):
    place = tmp_path / f"rows{ending}"
    with streams.writer_of(place, place) as write:
        for start in range(0, 20, 6):
            write(ROWS[start : start + 6])
    parts = list(streams.file_parts(place))
    assert [len(part.values) for part in parts] == [7, 7, 6]
    texts = [row["text"] for part in parts for row in part.values]
    assert texts == [row["text"] for row in ROWS]
    places = [number for part in parts for number in part.numbers]
    first = 2 if ending == ".csv" else 1  # behind the header
    assert places == list(range(first, first + 20))


def test_what_cannot_be_streamed_is_cut_into_parts_all_the_same(tmp_path):
    whole = tmp_path / "rows.json"
    whole.write_text(json.dumps(ROWS))
    (tmp_path / "rows.csv").write_text("n;text\n" + "1;a\n" * 8)
    assert [len(part.values) for part in streams.file_parts(whole)] == [7, 7, 6]
    assert [len(part.values) for part in streams.file_parts(tmp_path / "rows.csv")] == [7, 1]


def test_nothing_in_it_and_half_of_it_are_said(tmp_path):
    empty, half = tmp_path / "empty.jsonl", tmp_path / "half.jsonl.gz"
    empty.write_text("\n")
    half.write_bytes(gzip.compress(json.dumps(ROWS[0]).encode())[:-9])
    with pytest.raises(UserError, match=r"empty.jsonl holds no items\."):
        list(streams.file_parts(empty))
    with pytest.raises(UserError, match=r"half.jsonl.gz is not a whole gzip file: "):
        list(streams.file_parts(half))
