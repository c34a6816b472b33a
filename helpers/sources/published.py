"""What others have published on corpora of the catalogue, ``data/published.yaml``."""

from typing import Any

import yaml

from helpers import ROOT

FILE = ROOT / "data" / "published.yaml"


def published(corpus: str) -> list[dict[str, Any]]:
    """Return systems that others have measured on a corpus, the worst first; none where none are.

    Returns:
        Rows of ``system``, ``labels`` (labelled texts that it had), ``accuracy`` in [0, 1] and
        ``source``.

    >>> [row["system"] for row in published("reuters-r8")][0], published("mine.csv")
    ('Text GCN', [])
    """
    known = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    entry = known["corpora"].get(corpus)
    if entry is None:
        return []
    rows = [
        {
            "system": each["system"],
            "labels": entry["labels"],
            "accuracy": each["accuracy"],
            "source": known["sources"][each["source"]],
        }
        for each in entry["systems"]
    ]
    return sorted(rows, key=lambda row: row["accuracy"])
