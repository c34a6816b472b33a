"""``python -m helpers export``: a delivered network as one ONNX file, in 8 bits on request."""

import argparse
import json

from helpers.sources import readers

CHECKED = 1000
"""Texts of a file by which both are compared, at most: the first ones."""


def export(chosen: argparse.Namespace) -> int:
    """Write the file, compare its answers where texts are given; return the exit code.

    Raises:
        UserError: what the folder or the file of texts is refused for.
    """
    from helpers.delivery import portable

    texts: list[str] = []
    if chosen.check:
        rows = readers.read_file(chosen.check)
        texts = readers.columns(rows, chosen.text, None)[0][:CHECKED]
    file = portable.export(chosen.model, int8=chosen.int8)
    facts = {"file": str(file), "megabytes": round(file.stat().st_size / 1e6, 1)}
    if texts:
        found = portable.export_agreement(chosen.model, file, texts)
        facts |= {"texts": found.texts, "same_answers": found.same, "largest_difference": found.off}
    if chosen.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(f"{file} ({facts['megabytes']} MB)")
    if texts:
        print(
            f"The same answer as the model for {found.same:.1%} of {found.texts:,} texts; a "
            f"probability differs by at most {found.off:.3f}."
        )
    return 0
