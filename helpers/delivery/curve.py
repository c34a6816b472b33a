"""Are more labels worth it? Accuracy over label counts, and what twice as many would give.

Errors fall with the number of labels about as a power of it, :math:`e(n) = a\\,n^{-b}`, over ranges
like these. Sources: Cortes et al. 1993, *Learning curves* (NIPS); Hestness et al. 2017, *Deep
learning scaling is predictable, empirically* (arXiv 1712.00409).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.delivery.candidates import Candidate, Labels, Setting
from helpers.delivery.models import Floats
from helpers.evaluation.intervals import Interval

PARTS = (8, 4, 2, 1)
"""The counts measured: these parts of all labels."""

DRAWS = 3
RESAMPLES = 1000


@dataclass(frozen=True)
class LabelCurve:
    """Right answers by label count.

    Attributes:
        candidate: name of what learned.
        counts: of labels, increasing, (k,).
        right: (k, draws, n) 1 where a text that chose nothing was answered right.
    """

    candidate: str
    counts: list[int]
    right: Floats

    def accuracies(self) -> list[float]:
        """Return the mean accuracy at each count, in [0, 1]."""
        return [float(value) for value in self.right.mean((1, 2))]

    def gain_of_doubling(self) -> Interval:
        """Return how much accuracy twice as many labels would add, with a bootstrap interval.

        A line through the logarithms of counts and errors goes on one step. Texts and draws are
        resampled; that the line may bend is not in the interval.

        >>> rng = np.random.default_rng(0)
        >>> shares = [1 - 0.4 * n**-0.5 for n in (1, 2, 4, 8)]
        >>> right = np.stack([rng.random((3, 4000)) < share for share in shares]) * 1.0
        >>> gain = LabelCurve("x", [1, 2, 4, 8], right).gain_of_doubling()
        >>> gain.low < 0.4 * (8**-0.5 - 16**-0.5) < gain.high
        True
        """
        _, draws, n = self.right.shape
        rng = np.random.default_rng(0)
        gains = np.empty(RESAMPLES)
        for i in range(RESAMPLES):
            texts = np.bincount(rng.integers(0, n, n), minlength=n) / n
            shares = np.bincount(rng.integers(0, draws, draws), minlength=draws) / draws
            gains[i] = self._step(shares @ (self.right @ texts).T)
        value = self._step(self.right.mean((1, 2)))
        low, high = np.percentile(gains, [2.5, 97.5])
        return Interval(value, float(low), float(high), n, 0.95, "power law, bootstrap")

    def _step(self, accuracies: Floats) -> float:
        errors = np.clip(1 - accuracies, 1e-4, 1)
        slope = np.polyfit(np.log(self.counts), np.log(errors), 1)[0]
        return float(errors[-1] * (1 - 2 ** min(0.0, slope)))


def label_curve(
    candidate: Candidate,
    setting: Setting,
    texts: Sequence[str],
    labels: Labels,
    unseen: Sequence[str],
    truth: Labels,
    n_classes: int,
) -> LabelCurve:
    """Fit to parts of the labelled texts with one setting; judge on texts that chose nothing.

    Args:
        candidate: what learns.
        setting: as it was chosen with all labels.
        texts: labelled ones.
        labels: their classes.
        unseen: n texts to be judged.
        truth: their classes, (n,).
        n_classes: c.
    """
    counts = sorted({max(n_classes, len(texts) // part) for part in PARTS})
    rows = []
    for count in counts:
        draws = []
        for draw in range(DRAWS if count < len(texts) else 1):
            order = np.random.default_rng(draw).permutation(len(texts))[:count]
            (model,) = candidate.fit([texts[i] for i in order], labels[order], n_classes, [setting])
            draws.append(model.probabilities(unseen).argmax(1) == truth)
        rows.append((draws * DRAWS)[:DRAWS])
    return LabelCurve(candidate.name, counts, np.array(rows, dtype=float))
