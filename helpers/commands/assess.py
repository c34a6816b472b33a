"""Notebook 16 on a user's texts, and its report: what ``python -m helpers assess`` does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers import ROOT
from helpers.report.book import build
from helpers.runs.execute import execute
from helpers.runs.plan import find_notebook, plan_run
from helpers.sources import readers
from helpers.sources.user_corpus import find_file

SOON = 20_000_000
"""Bytes of a file that is looked at before the kernel starts; a larger one is read there alone."""


def assess(
    files: Mapping[str, str],
    parameters: Mapping[str, Any],
    out: Path | None = None,
    *,
    progress: bool = False,
) -> dict[str, str]:
    """Execute notebook 16 on labelled texts and build its report; return what was found and where.

    Args:
        files: "train", "test" and "unlabelled"; empty where there is none. Train may be a name of
            the catalogue or a hub id.
        parameters: further ones of the notebook.
        out: folder for all results; None: ``build/assess/<name of the file>``.
        progress: show a bar.

    Returns:
        "recommendation" in words; paths of "report", "record", "model" and, if texts were to be
        labelled, "predictions".

    Raises:
        UserError: bad files or parameters, before anything runs, or what the notebook refuses.
        CellError: the notebook failed otherwise.
    """
    notebook = find_notebook("16_your_data")
    paths = {name: find_file(given) if given else None for name, given in files.items()}
    values: dict[str, Any] = {
        f"{name}_file": str(path.resolve()) if path else files[name] for name, path in paths.items()
    }
    stem = Path(files["train"]).name.split(".")[0] or "texts"
    folder = (out or ROOT / "build" / "assess" / stem).resolve()
    run = plan_run(notebook, values | {"out": str(folder)} | dict(parameters))
    for name, path in paths.items():
        if path and path.stat().st_size <= SOON:
            _look(path, run.values, labelled=name != "unlabelled", domains=name == "train")
    result, record = folder / notebook.name, folder / "record.json"
    execute(notebook, run.given, result, record, progress=progress)
    found = {
        "recommendation": (folder / "recommendation.md").read_text(encoding="utf-8").strip(),
        "report": str(build([result], [record], folder / "report")),
        "record": str(record),
        "model": str(folder / "model"),
    }
    return found | (
        {"predictions": str(folder / "predictions.jsonl")} if files["unlabelled"] else {}
    )


def _look(path: Path, values: Mapping[str, Any], *, labelled: bool, domains: bool) -> None:
    """Read a file as the notebook will, so that what is wrong with it is said at once."""
    rows = readers.read_file(path)
    readers.columns(rows, values["text_column"], values["label_column"] if labelled else None)
    if domains and values["domain_column"]:
        readers.values_of(rows, values["domain_column"], "domain")
