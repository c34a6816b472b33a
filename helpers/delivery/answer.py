"""What the user is told: what was taken, how good it is, whether more labels are worth it.

Kept in two files beside the model, ``answer.json`` and ``held_out.safetensors``, so that it is
worked out once and shown always.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from helpers import visible
from helpers.base.files import replacing_file, write_atomically
from helpers.delivery.curve import LabelCurve
from helpers.delivery.estimate import Estimate
from helpers.evaluation.intervals import Interval

ANSWER, HELD_OUT = "answer.json", "held_out.safetensors"
SHOWN = 100
"""Errors and suspects kept, at most."""

WORTH = 0.005
"""A gain of accuracy below this, from twice as many labels, is called little."""


@dataclass(frozen=True)
class Answer:
    """What was found on a user's labels.

    Attributes:
        key: hash of texts and parameters that it belongs to.
        names: of the classes.
        candidates: name, labels, log-probability, what it is behind the best and the standard error
            of that, whether it was taken; the simplest first.
        left_out: candidates that there was no time for, and why, a sentence each.
        delivered: name, kind, setting, labels of the model in the folder, and the labels behind the
            estimate.
        truth: (n,) classes of the texts that chose nothing.
        probabilities: (n, c) by "chosen", "largest" and "words".
        errors: text, label, answer and probability of the surest wrong answers.
        suspects: text, label and rather, of labels that look wrong, the most suspect first.
        judged: labels that were looked at for that.
        curve: None where there was no time for it.
        seconds: what all of it took.
    """

    key: str
    names: list[str]
    candidates: list[dict[str, Any]]
    left_out: list[str]
    delivered: dict[str, Any]
    truth: Any
    probabilities: Mapping[str, Any]
    errors: list[dict[str, Any]]
    suspects: list[dict[str, str]]
    judged: int
    curve: LabelCurve | None
    seconds: float

    def estimate(self, which: str = "chosen") -> Estimate:
        """Return the estimate of the "chosen" model, of the "largest" class, or of "words"."""
        return Estimate(self.names, self.truth, self.probabilities[which])

    @property
    def beats_largest(self) -> bool:
        """Whether accuracy or macro F1 is above the largest class's, interval and all."""
        gains = self.estimate().over(self.estimate("largest"))
        return any(gain.defined and gain.low > 0 for gain in gains)

    def recommendation(self) -> list[str]:
        """Return at most five plain sentences; names in them are as in the data."""
        mine, largest = self.estimate(), self.estimate("largest")
        found = [self._what(), _how_good(mine.accuracy, mine.macro_f1)]
        beside = f"the largest class alone has {_percent(largest.accuracy.value)}"
        if self.delivered["kind"] not in ("largest", "words"):
            words = self.estimate("words").accuracy
            beside += f", TF-IDF of words {_percent(words.value)}"
        if self.delivered["kind"] != "largest":
            found.append(f"For comparison: {beside}.")
        if self.curve is not None and self.beats_largest:
            found.append(_doubling(self.curve.gain_of_doubling(), self.curve.candidate))
        last = self._weak_class() if self.beats_largest else ""
        if len(self.suspects) > 0.02 * self.judged:
            last = (
                f"Read the suspect labels first: {_number_of(self.suspects)} of the "
                f"{self.judged:,} looked at seem wrong."
            )
        return [visible(sentence) for sentence in (*found, last) if sentence][:5]

    def _what(self) -> str:
        n = self.delivered["labels"]
        if not self.beats_largest:
            biggest = self.names[int(self.estimate("largest").predicted[0])]
            return (
                f"Nothing beats the largest class on these labels: always saying '{biggest}' is as "
                "good."
            )
        return f"Take the model in this folder: {self.delivered['name']}, trained on {n:,} labels."

    def _weak_class(self) -> str:
        """Name the class that is found least, where it is found in less than half of its texts."""
        rows = [row for row in self.estimate().classes() if row["texts"] >= 5]
        worst = min(rows, key=lambda row: row["recall"], default=None)
        if worst is None or worst["recall"] >= 0.5:
            return ""
        return (
            f"It finds only {_percent(worst['recall'])} of the {worst['texts']} texts of "
            f"'{worst['class']}': label more of these."
        )

    def store(self, folder: Path) -> None:
        """Write both files, each whole or not at all."""
        arrays = {"truth": np.asarray(self.truth)}
        arrays |= {f"of.{name}": np.asarray(table) for name, table in self.probabilities.items()}
        if self.curve is not None:
            arrays["curve"] = self.curve.right
        with replacing_file(folder / HELD_OUT) as file:
            save_file(arrays, file)
        facts = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("truth", "probabilities", "curve")
        }
        if self.curve is not None:
            facts["curve"] = {"candidate": self.curve.candidate, "counts": self.curve.counts}
        write_atomically(
            folder / ANSWER, json.dumps(facts, ensure_ascii=False, indent=1, default=float) + "\n"
        )

    @classmethod
    def restore(cls, folder: Path, key: str) -> "Answer | None":
        """Return what :meth:`store` wrote, if it belongs to the key; else None."""
        try:
            facts = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
            if facts["key"] != key:
                return None
            arrays = load_file(folder / HELD_OUT)
            curve = facts.pop("curve", None)
            tables = {k[3:]: arrays[k] for k in arrays if k.startswith("of.")}
            whole: dict[str, Any] = {"truth": arrays["truth"], "probabilities": tables}
            whole["curve"] = LabelCurve(**curve, right=arrays["curve"]) if curve else None
            return cls(**facts, **whole)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            return None


def _number_of(kept: Sequence[object]) -> str:
    """Return how many there are of what is kept up to :data:`SHOWN`.

    >>> _number_of("ab"), _number_of(range(SHOWN))
    ('2', 'at least 100')
    """
    return f"at least {SHOWN}" if len(kept) >= SHOWN else f"{len(kept)}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _how_good(accuracy: Interval, macro_f1: Interval) -> str:
    """Return the sentence on quality, without bounds where there are none.

    >>> good = Interval(0.9, 0.8, 0.95, 40, 0.95, "")
    >>> _how_good(good, Interval(0.5, np.nan, np.nan, 40, 0.95, ""))
    'On 40 texts that chose nothing it is right in 90.0 % (80.0 to 95.0); macro F1 is 0.50.'
    """
    bounds = f" ({100 * accuracy.low:.1f} to {100 * accuracy.high:.1f})" if accuracy.defined else ""
    around = f" ({macro_f1.low:.2f} to {macro_f1.high:.2f})" if macro_f1.defined else ""
    return (
        f"On {accuracy.n:,} texts that chose nothing it is right in {_percent(accuracy.value)}"
        f"{bounds}; macro F1 is {macro_f1.value:.2f}{around}."
    )


def _doubling(gain: Interval, name: str) -> str:
    """Return the sentence on twice as many labels.

    >>> _doubling(Interval(0.02, 0.01, 0.03, 100, 0.95, ""), "TF-IDF of words")
    'Twice as many labels would probably add 2.0 points of accuracy (1.0 to 3.0; TF-IDF of words).'
    """
    points = f"{100 * gain.value:.1f} points of accuracy"
    around = f"({100 * gain.low:.1f} to {100 * gain.high:.1f}; {name})"
    if gain.value < WORTH:
        return f"Twice as many labels would probably add little: {points} {around}."
    return f"Twice as many labels would probably add {points} {around}."
