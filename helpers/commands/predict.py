"""The front door ``python -m helpers predict``: a file of texts in, the same with labels out."""

import argparse
import json
import sys
import time
from pathlib import Path

from helpers import visible
from helpers.sources import readers


def predict(chosen: argparse.Namespace) -> int:
    """Label a file; return the exit code.

    Raises:
        UserError: what the file, the folder or the options are refused for, before any work.
    """
    from helpers.delivery import folder
    from helpers.delivery import predict as labelling
    from helpers.delivery.networks import precision_of

    out = chosen.out or beside(chosen.file)
    labelling.check_files(chosen.file, out, chosen.threshold)
    model, facts = folder.load(chosen.model, precision_of("cpu"))
    started = time.perf_counter()
    answered = labelling.predict(
        model, facts["labels"], chosen.file, out,
        text_column=chosen.text, threshold=chosen.threshold,
    )  # fmt: skip
    counts, warning = answered.counts, answered.unlike(facts.get("mean_probability"))
    n, seconds = sum(counts.values()), time.perf_counter() - started
    print(f"{n:,} texts in {seconds:.1f} s ({n / seconds:,.0f} a second)", file=sys.stderr)
    if warning:
        print(warning, file=sys.stderr)
    if chosen.json:
        facts = {"out": str(out), "counts": counts, "warning": warning}
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return 0
    for label, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        print(f"{count:>9,}  {visible(label) or '(no label: below the threshold)'}")
    print(f"labelled: {out}")
    return 0


def beside(file: Path) -> Path:
    """Return the default place of the answers, in the file's own format where it can be written.

    >>> beside(Path("a/new.csv")).name, beside(Path("new.json.gz")).name, beside(Path("a.tsv")).name
    ('new.labelled.csv', 'new.labelled.jsonl', 'a.labelled.csv')
    """
    from helpers.delivery.streams import WRITTEN

    suffix = readers.suffix_of(file) or ""
    stem = file.name[: len(file.name) - len(suffix)]
    table = suffix.startswith((".csv", ".tsv", ".tab"))
    kept = suffix if suffix in WRITTEN else ".csv" if table else ".jsonl"
    return file.with_name(f"{stem}.labelled{kept}")
