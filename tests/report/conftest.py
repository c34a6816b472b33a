"""The report of all notebooks as they are committed, built once for all tests of its pages."""

import json

import pytest

from helpers import ROOT
from helpers.report.book import build
from helpers.runs.schema import load_record

REFERENCE = ROOT / "data" / "reference" / "quick"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="session")
def whole_report(tmp_path_factory):
    """Return the folder of a report of every notebook, from the records that come with them.

    A notebook without a stored record (15 reads all others) gets an empty one.
    """
    folder = tmp_path_factory.mktemp("whole")
    model = json.loads((REFERENCE / "00_start_here.json").read_text(encoding="utf-8"))
    records = []
    for notebook in NOTEBOOKS:
        record = REFERENCE / f"{notebook.stem}.json"
        if not record.exists():
            record = folder / record.name
            empty = {"notebook": notebook.stem, "metrics": [], "claims": [], "parameters": {}}
            record.write_text(json.dumps(model | empty), encoding="utf-8")
        load_record(record)
        records.append(record)
    source = {"name": "r8", "title": "Reuters R8", "citation": "Lewis 1997.", "licence": "see it"}
    return build(NOTEBOOKS, records, folder / "report", [source]).parent
