"""The command that makes a run of a notebook again."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from helpers.runs.schema import Record


def repeat_command(record: Record, defaults: Mapping[str, Any]) -> str:
    """Return the shell command that repeats the run of `record`.

    Parameters that are as the notebook has them (`defaults`) are left out.

    >>> from helpers import ROOT
    >>> from helpers.runs.schema import load_record
    >>> record = load_record(ROOT / "data/reference/quick/06_bert_finetuning.json")
    >>> repeat_command(record, record.parameters | {"draws": 5, "labels": [16]})
    ".venv/bin/python -m helpers run 06 -p labels '[16, 64, 256, 1024]' -p draws 10"
    """
    name = record.notebook.partition("_")[0]
    words = [
        ".venv/bin/python",
        "-m",
        "helpers",
        "run",
        name if name.isdigit() else record.notebook,
    ]
    for parameter, value in record.parameters.items():
        if parameter not in defaults or defaults[parameter] != value:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            words += ["-p", parameter, text]
    return shlex.join(words)
