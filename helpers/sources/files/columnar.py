"""Columns in Arrow's formats: Parquet, Feather, and what the library ``datasets`` keeps.

Classes that ``datasets`` stores as numbers get their names back, which it keeps beside the schema.
"""

import io
import json
from pathlib import Path
from typing import Any

from helpers import UserError
from helpers.sources import packing
from helpers.sources.rows import Format, Rows

_KINDS = {".parquet": "Parquet", ".feather": "Feather", ".arrow": "Arrow"}


def read(path: Path, data: bytes) -> Rows:
    """Return the rows of a table.

    Raises:
        UserError: a file that is cut short or something else.
    """
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet

    name = _KINDS[packing.ending(path)]
    try:
        if name == "Parquet":
            table = pyarrow.parquet.read_table(io.BytesIO(data))
        elif name == "Feather" or data.startswith(b"ARROW1"):
            table = pyarrow.feather.read_table(io.BytesIO(data))
        else:
            table = pyarrow.ipc.open_stream(io.BytesIO(data)).read_all()
        values = table.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{path} is not a whole {name} file: {' '.join(str(error).split()).rstrip('.')}."
        ) from None
    for column, names in class_names(table.schema.metadata or {}).items():
        if column in table.column_names:
            for value in values:
                value[column] = named(value[column], names)
    return Rows(path.name, "row", range(1, table.num_rows + 1), values)


def class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Return the names of each column of classes that ``datasets`` wrote.

    A list of classes, the tags of tokens, counts too.

    >>> about = {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}}
    >>> class_names({b"huggingface": json.dumps({"info": {"features": about}}).encode()})
    {'label': ['bad', 'good']}
    """
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        found = {}
        for column, feature in features.items():
            inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
            if isinstance(inner, dict) and inner.get("_type") == "ClassLabel":
                found[column] = [str(name) for name in inner["names"]]
        return found
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def named(value: Any, names: list[str]) -> Any:
    """Return the name of a class's number; -1 stands for a label that the publisher keeps.

    >>> named(1, ["bad", "good"]), named([0, -1], ["bad", "good"])
    ('good', ['bad', None])
    """
    if isinstance(value, list):
        return [named(each, names) for each in value]
    if isinstance(value, int) and -1 <= value < len(names):
        return names[value] if value >= 0 else None
    return value


FORMAT = Format((".parquet", ".feather", ".arrow"), read)
