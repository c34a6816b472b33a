"""Shipped outcomes run again: is a stored score one that this machine gets too?"""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from helpers import UserError
from helpers.trials import runner
from helpers.trials.store import Store
from helpers.trials.trial import Trial

LEAST = 0.002
"""Of scores in [0, 1]: what another processor's rounding moves in an arm without any chance."""


@dataclass(frozen=True)
class Check:
    """One trial run again.

    Attributes:
        trial: which.
        stored: its score.
        new: the score now; nan where it could not be run.
        allowed: 4 · √2 standard deviations of the draws of its arm, or :data:`LEAST`.
    """

    trial: Trial
    stored: float
    new: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether the two scores are as near as two trainings of one trial are."""
        return abs(self.new - self.stored) <= self.allowed

    def __str__(self) -> str:
        """Return a line for the reader."""
        state = "agrees" if self.agrees else "DISAGREES"
        return (
            f"{self.trial.label}: stored {self.stored:.4f}, now {self.new:.4f}, "
            f"allowed ±{self.allowed:.4f}: {state}"
        )


def sample(trials: Sequence[Trial], n: int, seed: int, seconds: float | None = None) -> list[Trial]:
    """Return ``n`` trials at random, of those that take at most ``seconds``.

    Raises:
        UserError: n below 1, or nothing to take from.
    """
    if n < 1:
        raise UserError(f"--verify must be at least 1 trial, not {n}.")
    known = [
        trial for trial in trials if seconds is None or runner.expected_seconds(trial) <= seconds
    ]
    if not known:
        raise UserError("There is no shipped outcome to verify.")
    chosen = np.random.default_rng(seed).permutation(len(known))[:n]
    return [known[at] for at in chosen]


def verify(chosen: Sequence[Trial], shipped: Store, **how: Any) -> list[Check]:
    """Run trials again, into a store of their own, and compare the scores.

    Args:
        chosen: shipped trials.
        shipped: where their outcomes and those of their draws are.
        how: ``jobs``, ``device``, ``minutes``, ``progress`` as in :func:`runner.run_trials`.
    """
    everything = shipped.all_trials()
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        fresh = Store(Path(folder), None)
        runner.run_trials(chosen, fresh, **how)
        for trial in chosen:
            old, new = shipped.get(trial), fresh.get(trial)
            if old is None:
                raise UserError(f"{trial.label} has no stored outcome to verify.")
            same = [each for each in everything if _but_draw(each) == _but_draw(trial)]
            kept = Path(folder) / "inputs"
            scores = [
                runner.score_of(each, out, kept) for each in same if (out := shipped.get(each))
            ]
            spread = float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0
            checks.append(
                Check(
                    trial,
                    runner.score_of(trial, old, kept),
                    math.nan if new is None else runner.score_of(trial, new, kept),
                    max(4 * math.sqrt(2) * spread, LEAST),
                )
            )
    return checks


def _but_draw(trial: Trial) -> tuple[Any, ...]:
    return (trial.corpus_hash, trial.arm, trial.model, trial.labels, trial.split, trial.setting)
