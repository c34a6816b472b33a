"""What a trial gave: what was said of every scored item, the curve, the cost, the origin.

An outcome is never aggregated: a score is worked out from the items whenever somebody asks. It is
one safetensors file, arrays with the rest as JSON in its header, so that it is read without a
pickle and its header without its arrays.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from helpers import UserError
from helpers.trials.tasks import task_of
from helpers.trials.trial import Trial, from_json


@dataclass(frozen=True)
class Outcome:
    """What a trial gave.

    Attributes:
        items: arrays by the names that the task has, one row for each scored item.
        curve: arrays of one length: ``step``, ``training_loss``, ``validation_loss`` (nats),
            ``validation_score``; empty where nothing was trained step by step.
        cost: ``steps``, ``tokens``, ``flops``, ``seconds``, ``megabytes`` and the like.
        origin: device, threads, versions, date, commit.
    """

    items: Mapping[str, np.ndarray]
    curve: Mapping[str, np.ndarray] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)


def check_items(trial: Trial, outcome: Outcome) -> None:
    """Refuse an outcome that is not of this trial's items.

    Raises:
        UserError: arrays that the task does not have, or of another number of items.
    """
    wanted = task_of(trial.task).items
    if set(outcome.items) != set(wanted):
        raise UserError(
            f"The outcome of {trial.label} has the arrays {', '.join(sorted(outcome.items))}; "
            f"{trial.task} has {', '.join(wanted)}."
        )
    for name, array in outcome.items.items():
        if len(array) != trial.items:
            raise UserError(
                f"The outcome of {trial.label} has {len(array):,} items in '{name}', but "
                f"{trial.items:,} are scored: it belongs to other items."
            )


def to_bytes(trial: Trial, outcome: Outcome) -> bytes:
    """Return trial and outcome as the bytes of one safetensors file; equal ones are equal.

    Raises:
        UserError: as :func:`check_items`.
    """
    check_items(trial, outcome)
    arrays = {
        f"{part}.{name}": np.ascontiguousarray(array)
        for part in ("items", "curve")
        for name, array in getattr(outcome, part).items()
    }
    facts = {"trial": trial.json(), "cost": dict(outcome.cost), "origin": dict(outcome.origin)}
    return save(arrays, {"outcome": json.dumps(facts, sort_keys=True, ensure_ascii=False)})


def read_trial(data: bytes, where: str = "the outcome") -> Trial:
    """Return the trial of an outcome's bytes (their beginning is enough).

    Raises:
        UserError: as :func:`from_bytes`.
    """
    return from_json(_facts(data, where)["trial"])


def from_bytes(data: bytes, where: str = "the outcome") -> tuple[Trial, Outcome]:
    """Return what :func:`to_bytes` wrote.

    Args:
        data: a whole file.
        where: what a message calls it.

    Raises:
        UserError: cut short, or no outcome.
    """
    facts = _facts(data, where)
    try:
        arrays = load(data)
    except (SafetensorError, ValueError):
        raise UserError(_damaged(where)) from None
    parts: dict[str, dict[str, np.ndarray]] = {"items": {}, "curve": {}}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        if part not in parts:
            raise UserError(_damaged(where))
        parts[part][rest] = array
    return from_json(facts["trial"]), Outcome(**parts, cost=facts["cost"], origin=facts["origin"])


def _facts(data: bytes, where: str) -> dict[str, Any]:
    """Return the JSON of the header."""
    try:
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + size])
        facts: dict[str, Any] = json.loads(header["__metadata__"]["outcome"])
        if not {"trial", "cost", "origin"} <= facts.keys():
            raise ValueError
    except (AttributeError, struct.error, ValueError, KeyError, TypeError):
        raise UserError(_damaged(where)) from None
    return facts


def _damaged(where: str) -> str:
    return f"{where} is cut short or no outcome of a trial; delete it, and the trial is run again."
