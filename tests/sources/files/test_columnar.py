"""Arrow's formats: the same rows, names of classes, what no class can be."""

import datetime
import decimal
import json

import datasets
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest

from helpers import UserError
from helpers.sources.corpora import load_texts
from helpers.sources.readers import columns, read_file

ITEMS = [{"text": "oil rises", "label": "oil"}, {"text": "gold falls", "label": "gold"}]


def parquet(path, items):
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(items), path)
    return path


def test_feather_and_arrow_are_read_like_parquet(tmp_path):
    table = pyarrow.Table.from_pylist(ITEMS)
    pyarrow.feather.write_feather(table, tmp_path / "a.feather")
    pyarrow.feather.write_feather(table, tmp_path / "file.arrow")
    with pyarrow.ipc.new_stream(tmp_path / "stream.arrow", table.schema) as stream:
        stream.write_table(table)
    for name in ("a.feather", "file.arrow", "stream.arrow"):
        assert read_file(tmp_path / name).values == ITEMS


def labelled(values, names=("negative", "positive")):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(names))}
    )
    texts = [f"text number {i}" for i in range(len(values))]
    return datasets.Dataset.from_dict({"text": texts, "label": values}, features)


def test_classes_of_datasets_have_their_names(tmp_path):
    labelled([0, 1, 1, 0]).to_parquet(tmp_path / "a.parquet")
    _, labels = columns(read_file(tmp_path / "a.parquet"), "text", "label")
    assert labels == ["negative", "positive", "positive", "negative"]


def test_a_label_that_is_kept_back_is_missing(tmp_path):
    labelled([0, -1, 1]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"The label in row 2 of a\.parquet \('label'\) is missing"):
        columns(read_file(tmp_path / "a.parquet"), "text", "label")


def test_an_arrow_file_that_datasets_keeps_has_the_names_too(tmp_path):
    labelled([0, 1, 1, 0]).save_to_disk(tmp_path / "kept")
    (file,) = (tmp_path / "kept").glob("*.arrow")
    assert [row["label"] for row in read_file(file).values][:2] == ["negative", "positive"]


def test_a_corpus_of_a_parquet_file_has_the_names(tmp_path, cache):
    labelled([0, 1] * 30).to_parquet(tmp_path / "a.parquet")
    assert load_texts(str(tmp_path / "a.parquet")).label_names == ["negative", "positive"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (datetime.date(2024, 1, 3), "is a date, not a string or a number."),
        (datetime.datetime(2024, 1, 3), "is a datetime, not a string or a number."),
        (b"x", "is bytes, not a string or a number."),
    ],
)
def test_a_label_that_is_no_class_goes_by_its_own_name(tmp_path, value, says):
    path = parquet(tmp_path / "a.parquet", [{"text": "a", "label": value}])
    with pytest.raises(UserError) as error:
        columns(read_file(path), "text", "label")
    assert str(error.value) == f"The label in row 1 of a.parquet {says}"


def test_decimals_are_numbers(tmp_path):
    values = [decimal.Decimal("1.00"), decimal.Decimal("2.50"), decimal.Decimal("1.00")]
    path = parquet(tmp_path / "a.parquet", [{"text": "a", "label": value} for value in values])
    assert columns(read_file(path), "text", "label")[1] == ["1", "2.5", "1"]


def test_other_metadata_is_no_list_of_classes(tmp_path):
    table = pyarrow.Table.from_pylist(ITEMS)
    for content in ("{", "[]", json.dumps({"info": {"features": ["x"]}})):
        pyarrow.parquet.write_table(
            table.replace_schema_metadata({"huggingface": content}), tmp_path / "a.parquet"
        )
        assert read_file(tmp_path / "a.parquet").values == ITEMS
