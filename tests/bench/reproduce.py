"""Repeats the first steps of a checkpoint's training, from the command on its card."""

import argparse
import json
import re
import tempfile
from pathlib import Path

import numpy as np

from helpers import ROOT
from helpers.runs.execute import execute

CHECKPOINTS = ROOT / "data" / "checkpoints"


def repeat(name: str, steps: int) -> tuple[list[float], list[float]]:
    """Return the first ``steps`` training losses: as stored with the checkpoint, and repeated.

    Runs notebook 04 with the card's parameters. Fewer held-out documents are looked at, which
    changes nothing in the training (a test says so).
    """
    folder = CHECKPOINTS / name
    card = (folder / "README.md").read_text(encoding="utf-8")
    parameters = json.loads(re.search(r"```json\n(.*?)```", card, re.DOTALL)[1])
    stored = json.loads((folder / "losses.json").read_text(encoding="utf-8"))[:steps]
    with tempfile.TemporaryDirectory() as temporary:
        for key in ("save_to", "save_bert_to"):
            parameters[key] = parameters[key] and f"{temporary}/checkpoint"
        parameters |= {"stop_after": steps, "held_out_documents": 2, "looks": 2}
        notebook = ROOT / "notebooks" / "04_pretraining.ipynb"
        execute(notebook, parameters, Path(temporary, "out.ipynb"), Path(temporary, "record.json"))
        again = json.loads(Path(temporary, "checkpoint", "losses.json").read_text(encoding="utf-8"))
    return stored, again


def main() -> None:
    """Print how far the repeated losses are from the stored ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=sorted(p.name for p in CHECKPOINTS.iterdir()))
    parser.add_argument("--steps", type=int, default=200)
    chosen = parser.parse_args()
    for name in chosen.names:
        stored, again = (np.array(one) for one in repeat(name, chosen.steps))
        assert len(stored) == len(again) == chosen.steps
        print(
            f"{name}: {len(stored)} steps, loss {stored[0]:.4f} to {stored[-1]:.4f}; largest "
            f"difference of the repetition {np.abs(stored - again).max():.4f} nats per token"
        )


if __name__ == "__main__":
    main()
