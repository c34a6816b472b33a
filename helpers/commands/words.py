"""The words of some commands: ``trials``, ``compare`` and ``export``."""

import argparse
from pathlib import Path
from typing import Any

_TRIALS = """\
examples:
  python -m helpers trials                        the studies, and what is stored of them
  python -m helpers trials topics                 one study, arm by arm
  python -m helpers trials topics --run --minutes 60
  python -m helpers trials topics --search        settings, on a tuning draw and validation items
  python -m helpers trials topics --pack pack     for a machine that has torch and transformers
  python -m helpers trials --merge outcomes-000.zip

A run goes on where an earlier one was stopped, however it ended.
"""


def add_trials(commands: Any) -> None:
    """Add ``trials``."""
    parser = commands.add_parser(
        "trials",
        help="trainings that are kept: list, search settings, run, take elsewhere, verify",
        description="List the trials of a study, stored and missing, and about how long the rest "
        "takes on this machine; or work on them.",
        epilog=_TRIALS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="?", help="which, or several: topics,news (all)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--run", action="store_true", help="run what is missing, most decisive first")
    what.add_argument("--search", action="store_true", help="find the settings of all arms first")
    what.add_argument("--pack", type=Path, metavar="DIR", help="write what a bare machine needs")
    what.add_argument("--merge", type=Path, metavar="FILE", help="take outcomes back in")
    what.add_argument("--ship", action="store_true", help="put own outcomes into data/trials")
    what.add_argument("--verify", type=int, metavar="N", help="run N stored trials again, compare")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    parser.add_argument("--minutes", type=float, help="stop after so long (no limit)")
    parser.add_argument("--arms", help="only these arms, like fine_tuned,from_scratch")
    parser.add_argument("--labels", help="only these label counts, like 64,256")
    parser.add_argument("--draws", type=int, help="only the first so many draws")
    parser.add_argument("--fresh", action="store_true", help="as if nothing came with the project")
    parser.add_argument("--seed", type=int, default=0, help="of --verify's choice (0)")
    parser.add_argument("--cheap", action="store_true", help="--verify: only trials of seconds")
    parser.add_argument("--json", action="store_true", help="the list, as JSON, on stdout")
    parser.set_defaults(command="trials")


def add_compare(commands: Any) -> None:
    """Add ``compare``."""
    parser = commands.add_parser(
        "compare",
        help="two systems' predictions of the same items: which is better, how sure is that",
        description="Compare two files of predictions made anywhere with the true classes: "
        "accuracy and macro F1, their paired differences with intervals, how many items would "
        "decide, class by class. Rows are paired by a column of ids, or in their order. Two sample "
        "logs of lm-eval (--log_samples) are compared by their own metrics, without --truth.",
    )
    parser.add_argument("a", type=Path, metavar="A", help="predictions of one system")
    parser.add_argument("b", type=Path, metavar="B", help="predictions of another")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="the true classes")
    parser.add_argument("--label", default="label", metavar="COLUMN", help="of the truth (label)")
    parser.add_argument(
        "--prediction", default="", metavar="COLUMN", help="of A and B (predicted_label, …)"
    )
    parser.add_argument("--id", default="", metavar="COLUMN", help="which item a row is about (id)")
    parser.add_argument("--metric", default="", help="of the logs (all that both have)")
    parser.add_argument("--filter", default="", help="of the logs, where they have several")
    parser.add_argument(
        "--smallest", type=float, default=0.01, help="difference that matters (0.01)"
    )
    parser.add_argument("--json", action="store_true", help="what was found, as JSON, on stdout")
    parser.set_defaults(command="compare")


def add_export(commands: Any) -> None:
    """Add ``export``."""
    parser = commands.add_parser(
        "export",
        help="a model that assess has delivered as one ONNX file, in 8 bits on request",
        description="Write onnx/model.onnx (or, with --int8, onnx/model_int8.onnx) into the folder "
        "of a delivered network: token ids in, the probability of each class out.",
    )
    parser.add_argument("model", type=Path, help="the folder model/ that assess has left")
    parser.add_argument("--int8", action="store_true", help="8-bit integers: a quarter of the size")
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="texts by which its answers are compared"
    )
    parser.add_argument("--text", default="text", metavar="COLUMN", help="of that file (text)")
    parser.add_argument("--json", action="store_true", help="what was written, as JSON, on stdout")
    parser.set_defaults(command="export")
