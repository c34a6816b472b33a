"""The verdict card of a transfer effect: every measure with its interval and what may be said.

The measures answer different questions and may disagree (:mod:`helpers.evaluation.effect`), so the
card shows all of them. Each interval covers new items *and* new seeds at once, and pairs the two
models item by item and seed by seed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError
from helpers.evaluation.effect import (
    asymptotic_gain,
    jumpstart,
    label_efficiency_ratio,
    transfer_ratio,
)
from helpers.evaluation.intervals import Interval, seed_interval, two_level_interval
from helpers.evaluation.significance import Verdict, smallest_detectable, verdict

Floats = npt.NDArray[np.float64]
_ON_THE_WHOLE = "Is it better on the whole, as a share of the reference?"


@dataclass(frozen=True)
class Effect:
    """One line of the card.

    Attributes:
        name: of the measure.
        question: that it answers.
        interval: value with bounds over items and seeds; above 0 pretraining helps.
        said: the verdict, helps / hurts / undecided.
        detectable: smallest true effect that such a run would probably (0.8) have found; nan where
            undefined.
        note: what the value stands for, where a number alone misleads.
    """

    name: str
    question: str
    interval: Interval
    said: Verdict
    detectable: float
    note: str = ""


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
    >>> [(one.name, one.said) for one in effects([16, 64], good, poor)][:2]
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
    weights = np.log(counts)
    card = [
        _line("jumpstart", f"Is it better at {counts[0]:g} labels?", a, b, _gain(0)),
        _line("asymptotic gain", f"Is it better at {counts[-1]:g} labels?", a, b, _gain(-1)),
    ]
    if min(first.min(), second.min()) >= 0 and second.mean() > 0:

        def ratio(x: Floats, y: Floats) -> Floats:
            areas = [np.trapezoid(curve, weights, axis=1) for curve in (x, y)]
            return (areas[0] - areas[1]) / areas[1]

        card.append(_line("transfer ratio", _ON_THE_WHOLE, a, b, ratio))
    for at in counts[:-1]:
        card.append(_efficiency(counts, float(at), a, b))
    return card


def effects_over_seeds(
    labels: npt.ArrayLike, pretrained: npt.ArrayLike, reference: npt.ArrayLike
) -> list[Effect]:
    """Return the card of curves whose single items are not known any more, as from records.

    As :func:`effects`, with ``pretrained`` and ``reference`` (s, c) scores: the intervals are
    Student's t over seeds, and cover other seeds on the same items only.

    >>> card = effects_over_seeds([16, 64], [[0.7, 0.80], [0.72, 0.84]], [[0.5, 0.81], [0.5, 0.79]])
    >>> print(card[0].name, card[0].interval)
    jumpstart 0.210 [0.083, 0.337]
    """
    counts = np.asarray(labels, dtype=float)
    first, second = (np.asarray(x, dtype=float) for x in (pretrained, reference))
    if first.shape != second.shape or first.ndim != 2 or first.shape[1] != len(counts):
        raise UserError(
            f"pretrained and reference must both be (seeds, {len(counts)} label counts), "
            f"not {first.shape} and {second.shape}."
        )
    pairs = list(zip(first, second, strict=True))
    lines: list[tuple[str, str, list[float], str]] = [
        (name, question, [measure(counts, a, b) for a, b in pairs], "")
        for name, question, measure in (
            ("jumpstart", f"Is it better at {counts[0]:g} labels?", jumpstart),
            ("asymptotic gain", f"Is it better at {counts[-1]:g} labels?", asymptotic_gain),
            ("transfer ratio", _ON_THE_WHOLE, transfer_ratio),
        )
    ]
    for at in counts[:-1]:
        each = [label_efficiency_ratio(counts, a, b, float(at)) for a, b in pairs]
        whole = label_efficiency_ratio(counts, first.mean(0), second.mean(0), float(at))
        lines.append(
            (
                f"label efficiency at {at:g}",
                f"How many labels are {at:g} worth, in doublings?",
                [float(np.log2(one.ratio)) for one in each],
                str(whole),
            )
        )
    card = []
    for name, question, values, note in lines:
        if np.isfinite(values).all():
            interval = seed_interval(values)
        else:
            nan = float("nan")
            interval = Interval(nan, nan, nan, len(values), 0.95, "undefined: not reached by all")
        detectable = smallest_detectable(interval) if interval.defined else float("nan")
        card.append(Effect(name, question, interval, verdict(interval), detectable, note))
    return card


def _gain(place: int) -> Callable[[Floats, Floats], Floats]:
    return lambda x, y: x[:, place] - y[:, place]


def _line(
    name: str,
    question: str,
    a: Floats,
    b: Floats,
    statistic: Callable[[Floats, Floats], Floats],
    note: str = "",
) -> Effect:
    interval = two_level_interval(a, b, statistic)
    detectable = smallest_detectable(interval) if interval.defined else float("nan")
    return Effect(name, question, interval, verdict(interval), detectable, note)


def _efficiency(counts: Floats, at: float, a: Floats, b: Floats) -> Effect:
    """Return the line of label efficiency at one count, in doublings."""
    name = f"label efficiency at {at:g}"
    question = f"How many labels are {at:g} worth, in doublings?"
    whole = label_efficiency_ratio(counts, a.mean((0, 1)), b.mean((0, 1)), at)

    def doublings(x: Floats, y: Floats) -> Floats:
        found = [label_efficiency_ratio(counts, p, r, at).ratio for p, r in zip(x, y, strict=True)]
        return np.log2(found)

    try:
        return _line(name, question, a, b, doublings, note=str(whole))
    except UserError:  # not reached by some seed, or without some item: no interval, a bound
        value = float(np.log2(whole.ratio if whole.status == "reached" else whole.bound / at))
        interval = Interval(
            value, np.nan, np.nan, a.shape[1], 0.95, f"undefined: {whole.status} in some samples"
        )
        return Effect(name, question, interval, "undecided", float("nan"), note=str(whole))
