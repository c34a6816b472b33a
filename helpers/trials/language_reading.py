"""Trials of language models for a notebook: bits per byte, of the target and of the source."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from helpers import UserError
from helpers.evaluation import bits
from helpers.evaluation.comparison import Comparison
from helpers.trials.outcome import Outcome
from helpers.trials.reading import Read, draws_of
from helpers.trials.settings import found_for
from helpers.trials.studies import Question

MEASURE = "neg_bits_per_byte"
"""Minus bits per byte, so that higher is better; a difference is the bits per byte saved."""


def compared(read: Read, of: Literal["target", "source"] = "target") -> Comparison:
    """Return the arms by minus bits per byte of held-out documents, documents as the items.

    Args:
        read: of a study of language models.
        of: "target": what was learned; "source": what was kept, or forgotten.

    Raises:
        UserError: no document of that kind was scored.
    """
    tables = {
        key: np.stack([_table(outcome, of) for outcome in each.values()])
        for key, each in read.outcomes.items()
    }
    if any(not table.shape[1] for table in tables.values()):
        raise UserError(f"No document of the {of} was scored in these trials.")
    measure = MEASURE if of == "target" else f"{MEASURE}_of_source"
    return Comparison(tables, bits.negative, measure, draws_of(read))


def _table(outcome: Outcome, of: str) -> np.ndarray:
    """Return bits and bytes of each document, (n, 2)."""
    chosen = outcome.items["is_target"] == (of == "target")
    nats, size = (outcome.items[name][chosen].astype(float) for name in ("nats", "bytes"))
    return np.column_stack([nats / np.log(2), size])


def searched(asked: Question, arms: Sequence[str]) -> list[dict[str, Any]]:
    """Return every setting that was tried for some arms, with its score on validation documents.

    ``arm``, ``learning_rate``, ``weight`` (λ; of fine-tuning infinite, of going on with the source
    0, and nan of others) and ``bits``, per byte of the target, lower is better.
    """
    ends = {"fine_tuned": np.inf, "source_continued": 0.0}
    return [
        {
            "arm": entry["arm"],
            "learning_rate": tried["learning_rate"],
            "weight": tried.get("weight", ends.get(entry["arm"], np.nan)),
            "bits": -tried["score"],
        }
        for entry in found_for(asked.task, asked.corpus, asked.model)
        if entry["arm"] in arms and entry["labels"] in asked.labels
        for tried in entry["tried"]
    ]
