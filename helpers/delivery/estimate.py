"""How good a model is, by texts that chose nothing: scores, intervals, classes, calibration.

Shapes: n texts, c classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import classification_report, confusion_matrix

from helpers.delivery.models import Floats
from helpers.evaluation import calibration
from helpers.evaluation.intervals import (
    Interval,
    bootstrap_interval,
    paired_bootstrap,
    proportion_interval,
)
from helpers.evaluation.metrics import contributions, macro_f1_difference, macro_f1_of_means

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """What a model said of texts that neither it nor any choice has seen.

    Attributes:
        names: the classes', in the order of their numbers.
        truth: (n,) their classes.
        probabilities: (n, c) as the model gave them.
    """

    names: list[str]
    truth: Any
    probabilities: Floats

    @property
    def predicted(self) -> Any:
        """The most probable class of each text, (n,)."""
        return self.probabilities.argmax(1)

    @property
    def right(self) -> Any:
        """Whether it is the true one, (n,)."""
        return self.predicted == self.truth

    @property
    def accuracy(self) -> Interval:
        """Share of right answers, with Wilson's interval.

        >>> print(Estimate(["a", "b"], np.array([0, 1]), np.eye(2)).accuracy)
        1.000 [0.342, 1.000]
        """
        return proportion_interval(self.right.astype(int))

    @property
    def macro_f1(self) -> Interval:
        """Mean of the classes' F1, over the classes that occur, with a bootstrap interval."""
        return bootstrap_interval(self._counted, macro_f1_of_means, RESAMPLES)

    @property
    def _counted(self) -> Floats:
        return contributions(self.truth, self.predicted, len(self.names))

    def classes(self) -> list[dict[str, Any]]:
        """Return precision, recall, F1 and number of texts of each class, in [0, 1].

        >>> rows = Estimate(["a", "b"], np.array([0, 1]), np.eye(2)).classes()
        >>> rows[0]["class"], rows[0]["recall"], rows[0]["texts"]
        ('a', 1.0, 1)
        """
        report = classification_report(
            self.truth, self.predicted, labels=range(len(self.names)), output_dict=True,
            zero_division=0,
        )  # fmt: skip
        return [
            {
                "class": name,
                "precision": report[str(k)]["precision"],
                "recall": report[str(k)]["recall"],
                "F1": report[str(k)]["f1-score"],
                "texts": int(report[str(k)]["support"]),
            }
            for k, name in enumerate(self.names)
        ]

    def confusion(self) -> Any:
        """Return how often class i (row) was answered with class j, (c, c)."""
        return confusion_matrix(self.truth, self.predicted, labels=range(len(self.names)))

    def calibration(self) -> tuple[list[calibration.Bin], float]:
        """Return bins of like confidence, and the expected calibration error, in [0, 1]."""
        sure = np.minimum(self.probabilities.max(1), 1.0)
        hits = self.right.astype(int)
        return (
            calibration.reliability(sure, hits),
            calibration.expected_calibration_error(sure, hits),
        )

    def errors(self) -> Any:
        """Return the places of wrong answers, the surest first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.probabilities.max(1)[wrong], kind="stable")]

    def over(self, other: "Estimate") -> tuple[Interval, Interval]:
        """Return accuracy and macro F1 of this one minus those of another, on the same texts."""
        return (
            paired_bootstrap(self.right * 1.0, other.right * 1.0, resamples=RESAMPLES),
            paired_bootstrap(self._counted, other._counted, macro_f1_difference, RESAMPLES),
        )
