"""What a search chooses among the settings that it tried, and what follows from each choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.trials.trial import Trial

SEARCHED = (
    "learning_rate", "steps", "regularization", "strength", "least", "longest", "smoothing",
    "weight", "k1", "b", "rate", "tasks",
)  # fmt: skip
"""Those options of a trial that a search may vary."""

PLACES = 4
"""Decimal places of a score by which a setting is chosen."""


def searched(trial: Trial) -> dict[str, Any]:
    """Return the options of a trial that its search varies.

    >>> setting = (("steps", 40), ("max_length", 64))
    >>> searched(Trial("classification", "mine", "0" * 64, "lora", 64, -1, 9, setting=setting))
    {'steps': 40}
    """
    return {name: value for name, value in trial.setting if name in SEARCHED}


def best_setting(
    tried: Sequence[tuple[Mapping[str, Any], float]],
) -> tuple[dict[str, Any], list[str]]:
    """Return the best setting by validation score, and what of it lies on the edge of its grid.

    Of equal ones the cheaper, that is the earlier with fewest steps.

    >>> best_setting([({"steps": 40, "rate": 1}, 0.8), ({"steps": 80, "rate": 1}, 0.9)])
    ({'steps': 80, 'rate': 1}, ['steps'])
    """
    best = dict(max(tried, key=lambda pair: (pair[1], -pair[0].get("steps", 0)))[0])
    edge = []
    for name, value in best.items():
        values = {setting[name] for setting, _ in tried}
        if len(values) > 1 and value in (min(values), max(values)):
            edge.append(name)
    return best, edge


@dataclass(frozen=True)
class PlannedSearch:
    """A search whose outcome decides which trials follow.

    Attributes:
        tried: one trial a setting, on the tuning draw and validation items.
        then: of each of them the trials that have its setting, should it be chosen.
    """

    tried: Sequence[Trial]
    then: Sequence[Sequence[Trial]]

    def follow(self, scores: Mapping[str, float]) -> Sequence[Trial]:
        """Return the trials that follow the best of those with a score, by key; else nothing."""
        known = [
            (searched(trial), scores[trial.key]) for trial in self.tried if trial.key in scores
        ]
        if not known:
            return []
        best, _ = best_setting(known)
        return self.then[[searched(trial) for trial in self.tried].index(best)]
