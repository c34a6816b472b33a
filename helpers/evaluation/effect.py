r"""Measures of a transfer effect, from two learning curves.

A learning curve is the score of a model (higher is better) at increasing counts of labelled target
items. Two of them, at the same counts, on the same test items, with the same seeds: the
``pretrained`` model and a ``reference`` (usually the same architecture from scratch).

The field has no single measure; each of these answers another question and they can disagree:
jumpstart (is it better at the start?), asymptotic gain (at the end?), transfer ratio (on the
whole?), label efficiency (how many labels is it worth?). Compute a measure once a seed and give the
values to :func:`helpers.evaluation.significance.seed_interval` for its interval.

Sources: Taylor & Stone, Transfer Learning for Reinforcement Learning Domains: A Survey, JMLR 10
(2009), section 2; Hernandez et al., Scaling Laws for Transfer, arXiv:2102.01293 (2021).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from helpers import UserError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabelEfficiency:
    """How many labels the reference needs for what the pretrained model does with ``labels``.

    ``needed`` and ``ratio`` = needed / labels are nan unless ``status`` is "reached"; otherwise
    ``bound`` (a count of labels: the reference's last or first) says on which side they lie.
    """

    score: float
    labels: float
    needed: float
    status: Literal["reached", "not reached", "below range"]
    bound: float

    @property
    def ratio(self) -> float:
        """Labels needed for one label of the pretrained model, in (0, inf); nan if not reached."""
        return self.needed / self.labels

    @property
    def transferred(self) -> float:
        """Effective data transferred, D_T = D_E - D_F, in labels (Hernandez et al. 2021)."""
        return self.needed - self.labels

    def __str__(self) -> str:
        """Return the sentence that may be said."""
        if self.status == "reached":
            return (
                f"{self.ratio:.1f} times: {self.labels:g} labels do the work of {self.needed:.0f}"
            )
        limit = f"{self.bound / self.labels:.1f} times: the reference"
        if self.status == "not reached":
            return f"more than {limit} did not reach {self.score:.3f} with {self.bound:g} labels"
        return f"at most {limit} was above {self.score:.3f} with {self.bound:g} labels already"


def jumpstart(labels: npt.ArrayLike, pretrained: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """Return the gain at the smallest label count: ``pretrained[0] - reference[0]``.

    In the unit of the score; for scores in [0, 1] in [-1, 1]. Source: Taylor & Stone 2009.

    >>> round(jumpstart([16, 64, 256], [0.70, 0.85, 0.90], [0.40, 0.60, 0.88]), 3)
    0.3
    """
    _, first, second = _curves(labels, pretrained, reference)
    return float(first[0] - second[0])


def asymptotic_gain(
    labels: npt.ArrayLike, pretrained: npt.ArrayLike, reference: npt.ArrayLike
) -> float:
    """Return the gain at the largest label count measured: ``pretrained[-1] - reference[-1]``.

    Stands for the gain in the limit only if both curves are flat there. In the unit of the score;
    for scores in [0, 1] in [-1, 1]. Source: Taylor & Stone 2009, "asymptotic performance".

    >>> round(asymptotic_gain([16, 64, 256], [0.70, 0.85, 0.90], [0.40, 0.60, 0.88]), 3)
    0.02
    """
    _, first, second = _curves(labels, pretrained, reference)
    return float(first[-1] - second[-1])


def transfer_ratio(
    labels: npt.ArrayLike, pretrained: npt.ArrayLike, reference: npt.ArrayLike
) -> float:
    r"""Return the gain in area under the curve: ``(A_pretrained - A_reference) / A_reference``.

    Areas by trapezoids over the *logarithm* of the label count (over the count itself the last
    doubling would be half of the measure). No unit, in [-1, inf), nan where A_reference is 0. It
    depends on where the score has its zero (a chance level of 0.5 makes it small) and on the range
    of counts: compare only ratios over the same counts. Scores must not be negative. Source:
    Taylor & Stone 2009, with the area over labels in place of training time.

    >>> round(transfer_ratio([16, 64, 256], [0.70, 0.85, 0.90], [0.40, 0.60, 0.88]), 3)
    0.331
    """
    counts, first, second = _curves(labels, pretrained, reference)
    if min(first.min(), second.min()) < 0:
        raise UserError("transfer_ratio needs scores of at least 0; a ratio of areas needs a zero.")
    area, reference_area = (np.trapezoid(curve, np.log(counts)) for curve in (first, second))
    return float((area - reference_area) / reference_area) if reference_area > 0 else float("nan")


def label_efficiency_ratio(
    labels: npt.ArrayLike, pretrained: npt.ArrayLike, reference: npt.ArrayLike, at: float
) -> LabelEfficiency:
    """Return how many labels the reference needs for the pretrained model's score at ``at`` labels.

    ``needed`` is the smallest count at which the reference curve, linear in log labels between its
    points, reaches that score; ``ratio = needed / at``, no unit, in (0, inf): above 1 transfer
    saves labels, below 1 it costs some. Beyond the reference's last point nothing is extrapolated
    ("not reached", a lower bound), nor before its first ("below range", an upper bound). Source:
    Hernandez et al. 2021, who call ``needed - at`` the effective data transferred.

    >>> curves = [16, 64, 256], [0.70, 0.85, 0.90], [0.40, 0.60, 0.88]
    >>> print(label_efficiency_ratio(*curves, at=64))
    3.4 times: 64 labels do the work of 221
    >>> print(label_efficiency_ratio(*curves, at=256))
    more than 1.0 times: the reference did not reach 0.900 with 256 labels
    """
    counts, first, second = _curves(labels, pretrained, reference)
    place = np.flatnonzero(counts == at)
    if not len(place):
        known = ", ".join(f"{count:g}" for count in counts)
        raise UserError(f"at must be one of the label counts measured ({known}), not {at}.")
    score = float(first[place[0]])
    above = np.flatnonzero(second >= score)
    if not len(above):
        return LabelEfficiency(score, float(at), float("nan"), "not reached", float(counts[-1]))
    j = int(above[0])
    if j == 0 and second[0] > score:
        return LabelEfficiency(score, float(at), float("nan"), "below range", float(counts[0]))
    # Between its last point below the score (j - 1) and its first point at or above it (j).
    low = max(j - 1, 0)
    needed = np.exp(np.interp(score, second[low : j + 1], np.log(counts[low : j + 1])))
    return LabelEfficiency(score, float(at), float(needed), "reached", float(needed))


def time_to_threshold(
    costs: npt.ArrayLike, scores: npt.ArrayLike, thresholds: npt.ArrayLike
) -> Floats:
    """Return the cost at which a training curve first reaches each threshold, (thresholds,).

    ``costs`` (steps, tokens, FLOPs or seconds; increasing, the first may be 0) and ``scores``
    (higher is better) are one training's looks, (looks,). Between two looks the curve is taken as
    straight. In the unit of the costs, in [costs[0], costs[-1]]; nan where the threshold was never
    reached: nothing is extrapolated. One threshold would be a choice that decides the result, so
    sweep them. Source: Taylor & Stone 2009, "time to threshold".

    >>> time_to_threshold([0, 10, 20], [0.2, 0.6, 0.7], [0.1, 0.4, 0.7, 0.9])
    array([ 0.,  5., 20., nan])
    """
    cost, score, levels = (np.asarray(x, dtype=float) for x in (costs, scores, thresholds))
    if cost.ndim != 1 or cost.shape != score.shape or len(cost) < 2 or levels.ndim != 1:
        raise UserError(
            "costs and scores must be one curve of at least 2 looks, and thresholds a list, "
            f"not of shapes {cost.shape}, {score.shape} and {levels.shape}."
        )
    if not all(np.isfinite(x).all() for x in (cost, score, levels)):
        raise UserError("costs, scores and thresholds must be finite; some are missing.")
    if cost[0] < 0 or (np.diff(cost) <= 0).any():
        raise UserError("costs must be at least 0 and strictly increasing.")
    best = np.maximum.accumulate(score)
    reached = np.full(levels.shape, np.nan)
    for i, level in enumerate(levels):
        above = np.flatnonzero(best >= level)
        if len(above):
            j = int(above[0])
            low = max(j - 1, 0)
            reached[i] = np.interp(level, score[low : j + 1], cost[low : j + 1])
    return reached


def _curves(
    labels: npt.ArrayLike, pretrained: npt.ArrayLike, reference: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    try:
        counts, first, second = (
            np.asarray(x, dtype=float) for x in (labels, pretrained, reference)
        )
    except (TypeError, ValueError):
        raise UserError("labels, pretrained and reference must be numbers.") from None
    if counts.ndim != 1 or not counts.shape == first.shape == second.shape:
        raise UserError(
            "labels, pretrained and reference must have one value a label count each, "
            f"not shapes {counts.shape}, {first.shape} and {second.shape}."
        )
    if len(counts) < 2:
        raise UserError(f"A learning curve needs at least 2 label counts, not {len(counts)}.")
    if not all(np.isfinite(x).all() for x in (counts, first, second)):
        raise UserError("labels, pretrained and reference must be finite; some are missing.")
    if counts[0] <= 0 or (np.diff(counts) <= 0).any():
        raise UserError("labels must be positive and strictly increasing.")
    return counts, first, second
