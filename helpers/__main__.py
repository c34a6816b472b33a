"""The command line: ``python -m helpers --help``."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import ROOT, UserError
from helpers.base.doors import COMMAND_LINE, through
from helpers.commands.parser import parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a UserError becomes one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    extra: list[str] = []
    if "--" in words and words[0] in ("pipeline", "sweep"):
        extra = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
    chosen = parse(words)
    chosen.extra = extra
    try:
        with through(COMMAND_LINE, kernels="text" in chosen):
            return int(_COMMANDS[chosen.command](chosen) or 0)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one stopped.", file=sys.stderr)
        return 130


def _run(chosen: argparse.Namespace) -> int:
    from helpers.base.processes import end_with_parent
    from helpers.runs.execute import CellError, execute
    from helpers.runs.notebooks import find_notebook
    from helpers.runs.pipeline import end_after
    from helpers.runs.plan import plan
    from helpers.runs.planned import plan_run

    notebook = find_notebook(chosen.notebook)
    values = json.loads(chosen.values) if chosen.values else {}
    if chosen.profile != "quick":
        values |= next((p.given for p in plan(chosen.profile) if p.name == notebook.stem), {})
    run = plan_run(notebook, values | dict(chosen.parameter))
    out, record = run.file(".ipynb"), run.file(".json")
    if chosen.out:
        out, record = (chosen.out.resolve() / path.name for path in (out, record))
    if chosen.job:
        end_with_parent()
        if chosen.seconds:
            end_after(chosen.seconds, chosen.job, run.label)
    print(f"{run.label}: started", file=sys.stderr, flush=True)
    started = time.perf_counter()
    try:
        execute(
            notebook,
            run.given,
            out,
            record,
            progress=sys.stderr.isatty() and not chosen.job,
        )
    except (CellError, UserError) as error:
        if chosen.job is None and isinstance(error, UserError):
            raise
        if chosen.job:
            chosen.job.write_text(f"{error}\n", encoding="utf-8")
        text = str(error) if chosen.job is None else _last_lines(str(error))
        print(f"{run.label}: failed. {text}", file=sys.stderr, flush=True)
        return 2 if isinstance(error, UserError) else 1
    line = f"{run.label}: finished in {time.perf_counter() - started:.0f} s"
    print(line, file=sys.stderr, flush=True)
    if chosen.job:
        chosen.job.write_text(line + "\n", encoding="utf-8")
    elif chosen.json:
        print(json.dumps({"notebook": str(out), "record": str(record)}, indent=2))
    else:
        print(f"notebook: {out}\nrecord:   {record}")
    return 0


def _last_lines(text: str) -> str:
    """Return the summary of a failed cell, without the traceback that the log holds."""
    return " ".join(text.splitlines()[-2:])


def _pipeline(chosen: argparse.Namespace) -> int:
    from helpers.runs.pipeline import run_pipeline

    return run_pipeline(chosen.profile, chosen.grid, chosen.cores, chosen.extra)


def _sweep(chosen: argparse.Namespace) -> int:
    import contextlib

    from helpers.report import sweeps
    from helpers.runs.pipeline import run_pipeline
    from helpers.runs.plan import plan

    runs = plan(grid=chosen.grid)
    # with --json nothing else may stand on stdout
    with contextlib.redirect_stdout(sys.stderr if chosen.json else sys.stdout):
        code = run_pipeline(grid=chosen.grid, cores=chosen.cores, extra=chosen.extra, report=False)
        page = sweeps.write_summary(chosen.grid, runs)
    done, missing = [], []
    for run in runs:
        record = run.file(".json")
        if record.exists():
            done.append({"run": run.label, "record": str(record)})
        else:
            missing.append(run.label)
    if chosen.json:
        print(json.dumps({"summary": str(page), "done": done, "missing": missing}, indent=2))
    else:
        print(f"Summary of {len(done)} runs: {page}")
    return code


def _notebooks(chosen: argparse.Namespace) -> int:
    from helpers.runs.execute import CellError, in_place
    from helpers.runs.notebooks import all_notebooks, all_solutions, find_lesson_or_solution

    asked = [find_lesson_or_solution(name) for name in chosen.names]
    notebooks = asked or [*all_notebooks(), *all_solutions()]
    names = [str(Path(path.parent.name, path.stem)) for path in notebooks]
    print(f"{len(notebooks)} to execute: {', '.join(names)}")
    try:
        for (_, seconds), name in zip(in_place(notebooks), names, strict=True):
            print(f"{name}: executed in place in {seconds:.0f} s", flush=True)
    except CellError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _report(chosen: argparse.Namespace) -> int:
    from helpers.base.processes import end_with_parent
    from helpers.report.book import build
    from helpers.runs.pipeline import REPORT
    from helpers.runs.plan import plan

    if chosen.job:
        end_with_parent()
    runs = plan(chosen.profile, chosen.grid)
    missing = [run.label for run in runs if not run.file(".json").exists()]
    if chosen.job:  # snakemake saw to the runs; what was added since then is for the next time
        runs = [run for run in runs if run.file(".json").exists()]
    elif missing:
        raise UserError(
            f"{len(missing)} of {len(runs)} runs are not done ({missing[0]}, …): run "
            "`python -m helpers pipeline` first."
        )
    notebooks, records = ([run.file(suffix) for run in runs] for suffix in (".ipynb", ".json"))
    build(notebooks, records, REPORT.parent, _sources())
    if not chosen.job:
        print(f"Report: {os.path.relpath(REPORT, ROOT) if Path.cwd() == ROOT else REPORT}")
    return 0


def _sources() -> list[dict[str, str]]:
    """Return the texts and weights of the catalogue, as the report names them."""
    from helpers.sources.catalog import load_catalog

    catalog = load_catalog()
    kinds = (catalog.texts, catalog.translations, catalog.dialogues, catalog.weights)
    return [
        {"name": name, "title": entry.title, "citation": entry.citation, "licence": entry.licence}
        for kind in kinds
        for name, entry in kind.items()
    ]


def _assess(chosen: argparse.Namespace) -> int:
    from helpers.commands.assess import assess
    from helpers.runs.execute import CellError

    print(f"Assessing {chosen.file} …", file=sys.stderr, flush=True)
    columns = {f"{name}_column": getattr(chosen, name) for name in ("text", "label", "domain")}
    try:
        found = assess(
            {"train": chosen.file, "test": chosen.test, "unlabelled": chosen.unlabelled},
            columns | _limit(chosen) | dict(chosen.parameter),
            chosen.out,
            progress=sys.stderr.isatty(),
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except CellError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if chosen.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        print(found.pop("recommendation") + "\n")
        print("\n".join(f"{name + ':':<15}{path}" for name, path in found.items()))
    return 0


def _fold(chosen: argparse.Namespace) -> int:
    from helpers.commands.fold import fold

    folded = fold(chosen.file, chosen.label, chosen.out)
    for group in folded.groups:
        print(f"{group[0]}: {', '.join(group[1:])}", file=sys.stderr)
    print(folded.path)
    return 0


def _limit(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the limit of time as a parameter, where one was given."""
    return {} if chosen.minutes is None else {"minutes": chosen.minutes}


def _predict(chosen: argparse.Namespace) -> int:
    from helpers.commands.predict import predict

    return predict(chosen)


def _export(chosen: argparse.Namespace) -> int:
    from helpers.commands.export import export

    return export(chosen)


def _compare(chosen: argparse.Namespace) -> int:
    from helpers.commands.compare import run

    return run(chosen)


def _list(chosen: argparse.Namespace) -> int:
    from helpers.sources.catalog import load_catalog

    catalog = load_catalog()
    entries: dict[str, Any] = dict(catalog.weights)
    if chosen.kind == "sources":
        entries = {**catalog.texts, **catalog.dialogues, **catalog.translations}
    listed = {
        name: {"title": entry.title, "licence": entry.licence} for name, entry in entries.items()
    }
    if chosen.json:
        print(json.dumps(listed, ensure_ascii=False, indent=2))
        return 0
    width = max(map(len, listed))
    for name, facts in listed.items():
        print(f"{name:<{width}}  {facts['title']}\n{'':<{width}}  licence: {facts['licence']}")
    return 0


def _data(chosen: argparse.Namespace) -> int:
    from helpers.sources.catalog import fetch_all, load_catalog

    fetch_all()
    from helpers.sources.corpora import load_texts

    for name in load_catalog().texts:
        corpus = load_texts(name)  # cut and cleaned once; later reads take no time
        sizes = ", ".join(f"{len(split):,} {part}" for part, split in corpus.splits.items())
        print(f"{name}: {sizes}", file=sys.stderr, flush=True)
    return 0


def _trials(chosen: argparse.Namespace) -> int:
    from helpers.commands.trials import trials

    return trials(chosen)


def _plan(chosen: argparse.Namespace) -> int:
    from helpers.commands.plan import plan

    return plan(chosen)


_COMMANDS = {
    "plan": _plan,
    "trials": _trials,
    "run": _run,
    "pipeline": _pipeline,
    "sweep": _sweep,
    "assess": _assess,
    "fold": _fold,
    "predict": _predict,
    "compare": _compare,
    "export": _export,
    "notebooks": _notebooks,
    "report": _report,
    "list": _list,
    "data": _data,
}

if __name__ == "__main__":
    sys.exit(main())
