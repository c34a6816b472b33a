"""Four measures out of stored answers: each is scikit-learn's, draw by draw."""

import numpy as np
import pytest
from sklearn import metrics as reference

from helpers.trials.measures import by_measure, record_measures
from helpers.trials.outcome import Outcome
from helpers.trials.reading import Read

CLASSES = 4


def made(study="topics"):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, 300)
    outcomes = {}
    for arm, rate in (("fine_tuned", 0.9), ("from_scratch", 0.6), ("majority", 0.0)):
        each = {}
        for draw in range(3):
            wrong = rng.integers(0, CLASSES - 1, 300) if arm != "majority" else np.zeros(300, int)
            predicted = np.where(rng.random(300) < rate, truth, wrong).astype(np.int16)
            each[draw] = Outcome(
                {"predicted": predicted, "probability": np.ones(300, np.float16)},
                origin={"device": "a processor"},
            )
        outcomes[arm, 64] = each
    return Read(outcomes, "", True, [], study), truth


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_macro_averages_are_those_of_the_library(name):
    read, truth = made()
    score = getattr(reference, f"{name}_score")
    compared = by_measure(read, truth, CLASSES)[name]
    assert compared.measure == name
    for (arm, n), each in read.outcomes.items():
        expected = [
            score(truth, outcome.items["predicted"], average="macro", zero_division=0)
            for outcome in each.values()
        ]
        assert compared.by_draw(arm, n) == pytest.approx(expected)


def test_accuracy_comes_first_and_is_the_share_that_is_right():
    read, truth = made()
    found = by_measure(read, truth, CLASSES)
    assert list(found) == ["accuracy", "precision", "recall", "f1"]
    (first, *_) = read.outcomes["fine_tuned", 64].values()
    assert found["accuracy"].by_draw("fine_tuned", 64)[0] == np.mean(
        first.items["predicted"] == truth
    )


class Kept:
    """In place of a run: what it was given."""

    def __init__(self):
        self.given = []

    def compares(self, study, arms, **more):
        self.given.append((study, list(arms), more))


def test_all_measures_are_recorded_together_with_what_judgement_asks():
    read, truth = made()
    run, classes = Kept(), np.tile(np.arange(CLASSES), 500)
    record_measures(run, by_measure(read, truth, CLASSES), read, classes)
    ((study, measures, more),) = run.given
    assert study == "topics" and measures[0] == "accuracy" and len(measures) == 4
    assert more["complete"] and more["overlap"] == {64: 0.0} and more["flops"] == {}
    assert more["made_on"]["fine_tuned", 64] == ["a processor"]


def test_a_question_of_ones_own_is_not_recorded():
    read, truth = made(study="")
    run = Kept()
    record_measures(run, by_measure(read, truth, CLASSES), read, np.zeros(10, int))
    assert run.given == []
