"""Texts of the library ``datasets``, of the hub or saved in a folder, split by split."""

from pathlib import Path

import datasets

from helpers import UserError
from helpers.sources import readers
from helpers.sources.cuts import SPLITS
from helpers.sources.files import columnar


def from_disk(path: Path) -> datasets.DatasetDict | None:
    """Return the data set that ``datasets`` saved in a folder; None for anything else.

    Raises:
        UserError: some of its files are missing or damaged.

    >>> from_disk(Path("helpers"))
    """
    if not any((path / name).is_file() for name in ("dataset_dict.json", "state.json")):
        return None
    try:
        found = datasets.load_from_disk(path)
    except (OSError, ValueError, KeyError) as error:
        why = " ".join(str(error).split())[:200].rstrip(".")
        raise UserError(f"{path} is not a whole data set: {why}.") from None
    return found if isinstance(found, datasets.DatasetDict) else datasets.DatasetDict(train=found)


def read_splits(
    name: str, found: datasets.DatasetDict, text_column: str, label_column: str | None
) -> tuple[list[str], list[str] | None, list[str]]:
    """Return texts, labels (None where none are asked for) and the split of each.

    Classes that are kept as numbers get their names. Where there is a single split, or none but
    train, the split is "all", to be cut. A further split without any label is left out.

    Raises:
        UserError: what :func:`helpers.sources.readers.columns` refuses.
    """
    texts: list[str] = []
    labels: list[str] = []
    published: list[str] = []
    for split in [split for split in SPLITS if split in found] or list(found)[:1]:
        rows = _rows(f"{name} ({split})", found[split])
        if split != "train" and label_column:
            column = readers.choose_columns(rows, text_column, label_column).label or label_column
            if all(value.get(column) is None for value in rows.values):
                continue  # no labels: such a test split cannot be tested on
        more, classes = readers.columns(rows, text_column, label_column)
        texts += more
        labels += classes or []
        published += [split if len(found) > 1 else "all"] * len(more)
    if set(published) == {"train"}:
        published = ["all"] * len(texts)
    return texts, labels if label_column else None, published


def _rows(source: str, data: datasets.Dataset) -> readers.Rows:
    columns = data.column_names
    cells = zip(*(data[column][:] for column in columns), strict=True)
    values = [dict(zip(columns, row, strict=True)) for row in cells]
    for column, feature in data.features.items():
        names = getattr(getattr(feature, "feature", feature), "names", None)
        if names:
            for value in values:
                value[column] = columnar.named(value[column], names)
    return readers.Rows(source, "row", range(1, len(values) + 1), values)
