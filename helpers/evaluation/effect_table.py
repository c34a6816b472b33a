"""The verdict card of a transfer effect: every measure with its interval and what may be said.

The measures answer different questions and may disagree (:mod:`helpers.evaluation.effect`), so the
card shows all of them. Each interval covers new items *and* new seeds at once, and pairs the two
models item by item and seed by seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation.effect import (
    asymptotic_gain,
    jumpstart,
    label_efficiency_ratio,
    transfer_ratio,
)
from helpers.evaluation.intervals import Interval, two_level_interval
from helpers.evaluation.significance import HelpsOrHurts, smallest_detectable, verdict

Floats = npt.NDArray[np.float64]
CurveMeasure = Callable[[Floats, Floats, Floats], float]
"""Label counts, pretrained curve and reference curve, (c,) each, to one number."""


@dataclass(frozen=True)
class Effect:
    """One line of the card.

    Attributes:
        name: of the measure.
        question: that it answers.
        interval: value with bounds over items and seeds; above 0 pretraining helps.
        note: what the value stands for, where a number alone misleads.
    """

    name: str
    question: str
    interval: Interval
    note: str = ""

    @property
    def said(self) -> HelpsOrHurts:
        """The verdict: helps, hurts or undecided."""
        return verdict(self.interval)

    @property
    def detectable(self) -> float:
        """Smallest true effect that such a run would probably (0.8) have found; nan: undefined."""
        return smallest_detectable(self.interval)


def effects(
    labels: npt.ArrayLike, pretrained: npt.ArrayLike, reference: npt.ArrayLike
) -> list[Effect]:
    """Return jumpstart, asymptotic gain, transfer ratio and label efficiency, with intervals.

    Args:
        labels: (c,) increasing label counts, at least 2.
        pretrained: (s, c, n) score of each item (0/1 for right, or any score whose mean is the
            score) of the pretrained model, s seeds, c counts, n items.
        reference: the same of the model it is held against.

    Label efficiency is told as its logarithm to base 2, in doublings: 0 where a label is worth a
    label, 1 where it is worth two, so that "above 0" helps here as well. Where the reference never
    reaches the score, or in some subset of the items does not, there is a bound and no interval.

    Raises:
        UserError: shapes that do not fit, fewer than 2 seeds, counts or items, missing values.

    >>> rng = np.random.default_rng(0)
    >>> good = rng.random((3, 2, 400)) < np.array([0.8, 0.9])[:, None]
    >>> poor = rng.random((3, 2, 400)) < np.array([0.5, 0.7])[:, None]
    >>> [(row.name, row.said) for row in effects([16, 64], good, poor)][:2]
    [('jumpstart', 'helps'), ('asymptotic gain', 'helps')]
    """
    counts = np.asarray(labels, dtype=float)
    first, second = (np.asarray(x, dtype=float) for x in (pretrained, reference))
    if first.shape != second.shape or first.ndim != 3 or first.shape[1] != len(counts):
        raise UserError(
            "pretrained and reference must both be (seeds, label counts, items) with "
            f"{len(counts)} label counts, not {first.shape} and {second.shape}."
        )
    if len(counts) < 2 or counts[0] <= 0 or (np.diff(counts) <= 0).any():
        raise UserError("labels must be at least 2 counts, positive and strictly increasing.")
    a, b = (np.moveaxis(table, 1, 2) for table in (first, second))  # (s, n, c)
    card = [
        Effect(name, question, two_level_interval(a, b, _of_rows(counts, measure)))
        for name, question, measure in _measures(counts)
        if measure is not transfer_ratio
        or (min(first.min(), second.min()) >= 0 and second.mean() > 0)
    ]
    for at in counts[:-1]:
        card.append(_efficiency(counts, float(at), a, b))
    return card


def _measures(counts: Floats) -> list[tuple[str, str, CurveMeasure]]:
    """Return name, question and function of the measures that need no place on the curve."""
    return [
        ("jumpstart", f"Is it better at {counts[0]:g} labels?", jumpstart),
        ("asymptotic gain", f"Is it better at {counts[-1]:g} labels?", asymptotic_gain),
        (
            "transfer ratio",
            "Is it better on the whole, as a share of the reference?",
            transfer_ratio,
        ),
    ]


def _labels_worth(at: float) -> tuple[str, str]:
    return f"label efficiency at {at:g}", f"How many labels are {at:g} worth, in doublings?"


def _doublings(counts: Floats, pretrained: Floats, reference: Floats, at: float) -> float:
    return float(np.log2(label_efficiency_ratio(counts, pretrained, reference, at).ratio))


def _of_rows(counts: Floats, measure: CurveMeasure) -> Callable[[Floats, Floats], Floats]:
    """Return the statistic that takes a measure of each pair of curves, (m, c), (m, c) -> (m,)."""
    return lambda x, y: np.array([measure(counts, a, b) for a, b in zip(x, y, strict=True)])


def _efficiency(counts: Floats, at: float, a: Floats, b: Floats) -> Effect:
    """Return the line of label efficiency at one count, in doublings."""
    whole = label_efficiency_ratio(counts, a.mean((0, 1)), b.mean((0, 1)), at)
    statistic = _of_rows(counts, partial(_doublings, at=at))
    try:
        interval = two_level_interval(a, b, statistic)
    except UserError:  # not reached by some seed, or without some item: no interval, a bound
        value = float(np.log2(whole.ratio if whole.status == "reached" else whole.bound / at))
        interval = Interval(
            value, np.nan, np.nan, a.shape[1], 0.95, f"undefined: {whole.status} in some samples"
        )
    return Effect(*_labels_worth(at), interval, str(whole))
