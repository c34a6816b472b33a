"""A user's labelled texts in, a model and its report out: what ``python -m helpers assess`` does.

The model is found and trained here, in the open, with lines of progress; notebook 16, which does
the same, then finds it there and shows what was measured.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from helpers import ROOT, UserError
from helpers.base.determinism import THREADS_ALONE, settle
from helpers.delivery.answer import Answer
from helpers.delivery.clock import Clock
from helpers.delivery.deliver import check_tuning, deliver
from helpers.delivery.encoders import encoders_for
from helpers.report.book import build
from helpers.runs.execute import execute
from helpers.runs.notebooks import find_notebook
from helpers.runs.planned import plan_run
from helpers.sources import readers
from helpers.sources.user_corpus import find_file, load_yours
from helpers.transfer.finetuning import choose_device

SOON = 20_000_000
"""Bytes of a file that is looked at before the kernel starts; a larger one is read there alone."""

DEFAULTS = {"fine_tune": True, "most_rows": 1_000_000}
"""Where the command gives more time and rows than the notebook, which is a lesson at its own."""


def assess(
    files: Mapping[str, str],
    parameters: Mapping[str, Any],
    out: Path | None = None,
    *,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> dict[str, str]:
    """Deliver a model of labelled texts, execute notebook 16 on it, build the report.

    Args:
        files: "train", "test" and "unlabelled"; empty where there is none. Train may be a name of
            the catalogue or a hub id.
        parameters: further ones of the notebook.
        out: folder for all results; None: ``build/assess/<name of the file>``.
        progress: show a bar while the notebook runs.
        say: takes lines of progress; None: nothing is said.

    Returns:
        "recommendation" in plain sentences; paths of "report", "record", "model" and, if texts were
        to be labelled, "predictions".

    Raises:
        UserError: bad files or parameters, before anything runs, or what the notebook refuses.
        CellError: the notebook failed otherwise.
    """
    started = time.monotonic()
    notebook = find_notebook("16_your_data")
    paths = {name: find_file(given) if given else None for name, given in files.items()}
    values: dict[str, Any] = {
        f"{name}_file": str(path.resolve()) if path else files[name] for name, path in paths.items()
    }
    stem = Path(files["train"]).name.split(".")[0] or "texts"
    folder = (out or ROOT / "build" / "assess" / stem).resolve()
    run = plan_run(notebook, values | DEFAULTS | {"out": str(folder)} | dict(parameters))
    check_tuning(run.values["fine_tune"], run.values["lora_rank"])
    for name, path in paths.items():
        if path and path.stat().st_size <= SOON:
            _look(path, run.values, labelled=name != "unlabelled", domains=name == "train")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}.") from None
    answer = _deliver(run.values, folder, started, say)
    result, record = folder / notebook.name, folder / "record.json"
    execute(notebook, run.given, result, record, progress=progress)
    found = {
        "recommendation": "\n".join(answer.recommendation()),
        "report": str(build([result], [record], folder / "report")),
        "record": str(record),
        "model": str(folder / "model"),
    }
    return found | (
        {"predictions": str(folder / "predictions.jsonl")} if files["unlabelled"] else {}
    )


def _deliver(
    values: Mapping[str, Any], folder: Path, started: float, say: Callable[[str], None] | None
) -> Answer:
    """Find and train the model as the notebook does, with its parameters."""
    settle(0, THREADS_ALONE)
    clock = Clock(values["minutes"], say or (lambda line: None), started)
    clock.tell("Reading the file")
    yours = load_yours(
        values["train_file"], values["text_column"], values["label_column"],
        test_file=values["test_file"], domain_column=values["domain_column"],
        most=values["most_rows"],
    )  # fmt: skip
    largest, count = next(iter(yours.health.classes.items()))
    clock.tell(
        f"{yours.health.items:,} texts, {len(yours.health.classes)} classes; always saying "
        f"'{largest}' would be right in {count / yours.health.items:.1%}"
    )
    encoders, why = encoders_for(values["models"], yours.health.scripts)
    if why:
        clock.tell(why)
    return deliver(
        yours.corpus, folder, clock, encoders=encoders,
        fine_tune=values["fine_tune"], lora_rank=values["lora_rank"],
        own_test=bool(values["test_file"]), max_length=values["max_length"],
        device=str(choose_device(values["device"])),
    )  # fmt: skip


def _look(path: Path, values: Mapping[str, Any], *, labelled: bool, domains: bool) -> None:
    """Read a file as the notebook will, so that what is wrong with it is said at once."""
    rows = readers.read_file(path)
    readers.columns(rows, values["text_column"], values["label_column"] if labelled else None)
    if domains and values["domain_column"]:
        readers.values_of(rows, values["domain_column"], "domain")
