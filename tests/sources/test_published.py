"""Published results: of corpora that there are, each with its source."""

import yaml

from helpers.sources.catalog import load_catalog
from helpers.sources.published import FILE, published


def test_every_row_has_its_source_and_they_rise():
    for corpus in yaml.safe_load(FILE.read_text(encoding="utf-8"))["corpora"]:
        assert corpus in load_catalog().texts
        rows = published(corpus)
        assert [row["accuracy"] for row in rows] == sorted(row["accuracy"] for row in rows)
        assert all(0 < row["accuracy"] < 1 and row["labels"] > 0 for row in rows)
        assert all(len(row["source"]) > 20 for row in rows)
        assert len({row["system"] for row in rows}) == len(rows)


def test_of_other_texts_nothing_is_known():
    assert published("my_texts.csv") == published("") == []
