"""Settings found before trials exist: ``data/settings.yaml``.

Each arm gets a search of like size on each corpus and label count, on the draw
:data:`helpers.sources.sampling.TUNING` (never scored) and on validation items: six settings. All
scores are kept in the file. What holds for all arms is settled here too: no dropout, bfloat16
products, batches of equally many tokens (measured on validation items, see
``data/trials/README.md``).
"""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from helpers import ROOT, UserError
from helpers.base.files import write_atomically
from helpers.trials.tasks.classification import HEADS as HEADS
from helpers.trials.tasks.retrieval import BATCH_PAIRS as BATCH_PAIRS

FILE = ROOT / "data" / "settings.yaml"

HEADER = """\
# Settings of all arms, found on a tuning draw and validation items before any test item was scored
# (`python -m helpers trials STUDY --search`). Each entry keeps every setting that was tried with
# its validation score; `edge` names what was chosen at the end of its grid.
"""


@functools.lru_cache(maxsize=8)
def _read(file: Path, stamp: tuple[int, int]) -> dict[str, Any]:
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - safe
        if not all(entry.keys() >= _FIELDS for entry in found["found"]):
            raise KeyError
        return {
            "corpora": dict(found["corpora"]),
            "models": dict(found["models"]),
            "found": list(found["found"]),
        }
    except (yaml.YAMLError, OSError, TypeError, KeyError, ValueError, AttributeError):
        raise UserError(f"{file} is no file of settings: restore it from git.") from None


_FIELDS = {"task", "corpus", "model", "arm", "labels", "setting"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_settings(file: Path = FILE) -> dict[str, Any]:
    """Return the file: ``corpora`` and ``models`` (what was read), ``found`` (the entries).

    Raises:
        UserError: a file that holds something else.
    """
    if not file.exists():
        return {"corpora": {}, "models": {}, "found": []}
    facts = file.stat()
    return _read(file, (facts.st_size, facts.st_mtime_ns))


def setting_for(
    task: str, corpus: str, model: str, arm: str, labels: int, file: Path = FILE
) -> dict[str, Any]:
    """Return the setting of an arm: found for this label count, or for the nearest one.

    Where nothing was found on this corpus and model, that of the nearest label count on any corpus
    of the task is taken: a beginning, which a search would better.

    Raises:
        UserError: the arm was searched nowhere.
    """
    entries = [
        entry
        for entry in read_settings(file)["found"]
        if (entry["task"], entry["arm"]) == (task, arm)
    ]
    same = [entry for entry in entries if (entry["corpus"], entry["model"]) == (corpus, model)]
    if not entries:
        raise UserError(
            f"No setting of the arm '{arm}' of {task} has been found yet: run "
            "`python -m helpers trials STUDY --search` with a study that has it."
        )
    nearest = min(
        same or entries,
        key=lambda entry: (
            abs(math.log(entry["labels"] / labels)),
            entry["corpus"],
            entry["model"],
        ),
    )
    return dict(nearest["setting"])


def save_found(entries: Sequence[dict[str, Any]], facts: Mapping[str, Any], file: Path) -> None:
    """Put new entries in place of earlier ones of the same arm, corpus, model and label count."""
    kept = read_settings(file)
    marks = ("task", "corpus", "model", "arm", "labels")
    new = {tuple(str(entry[mark]) for mark in marks): entry for entry in entries}
    old = {tuple(str(entry[mark]) for mark in marks): entry for entry in kept["found"]}
    sort_by = {key: (*key[:4], int(key[4])) for key in old | new}
    whole = {
        "corpora": kept["corpora"] | dict(facts["corpora"]),
        "models": kept["models"] | dict(facts["models"]),
        "found": [(old | new)[key] for key in sorted(sort_by, key=sort_by.__getitem__)],
    }
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)
    write_atomically(file, HEADER + text)


def found_for(task: str, corpus: str, model: str, file: Path = FILE) -> list[dict[str, Any]]:
    """Return the entries of one corpus and model, by arm and label count; none where none are.

    >>> found_for("classification", "nowhere", "minilm")
    []
    """
    marks = (task, corpus, model)
    return [
        dict(entry)
        for entry in read_settings(file)["found"]
        if (entry["task"], entry["corpus"], entry["model"]) == marks
    ]


def table(task: str, corpus: str, model: str, labels: Sequence[int]) -> list[dict[str, Any]]:
    """Return what was found for some label counts, as rows for a reader."""
    return [
        {
            "arm": entry["arm"],
            "labels": entry["labels"],
            "setting": ", ".join(
                f"{name.replace('_', ' ')} {value:g}" for name, value in entry["setting"].items()
            ),
            "validation score": entry["score"],
            "items": entry["validation_items"],
            "at the edge of its grid": ", ".join(entry["edge"]).replace("_", " ") or "no",
        }
        for entry in found_for(task, corpus, model)
        if entry["labels"] in labels
    ]
