"""Arms of small tasks, on vectors that are clouds."""

import numpy as np
import pytest
import torch

from helpers.trials import few_shot
from helpers.trials.arms import run
from helpers.trials.tasks import TASKS
from tests.trials import vectors_made as made

INPUTS = made.inputs()
SHAPE = {"ways": 4, "shots": 3, "queries": 5}
SETTING = {"regularization": 0.1, "rate": 0.03, "tasks": 40}


def scored(arm, **more):
    trial = made.episodes(arm, **(SETTING | more))
    return trial, run(trial, INPUTS, {}, torch.device("cpu"))


@pytest.mark.parametrize("arm", ["nearest_mean", "fresh_head", *few_shot.LEARNERS])
def test_arms_know_more_than_chance_of_unseen_classes(arm):
    trial, outcome = scored(arm, **({"rate": 1e-4} if arm == "prototypical" else {}))
    assert TASKS["episodes"].score(trial, outcome, dict) > 0.4
    assert set(outcome.items["asked"]) == {20} and len(outcome.items["right"]) == 20


def test_saying_one_class_is_chance():
    trial, outcome = scored("constant")
    assert TASKS["episodes"].score(trial, outcome, dict) == 0.25
    assert few_shot.right_of({0: outcome}).tolist() == [[0.25] * 20]


def test_no_class_and_no_field_of_the_test_is_practised_on():
    for draw in range(10):
        practice, test = few_shot.class_parts(made.NAMES, draw)
        fields = [{made.NAMES[i].partition(".")[0] for i in each} for each in (practice, test)]
        assert not fields[0] & fields[1] and len(test) >= 5
        assert sorted(practice + test) == list(range(20))
    assert len({tuple(few_shot.class_parts(made.NAMES, draw)[1]) for draw in range(10)}) > 4


def test_no_text_is_in_two_episodes_of_a_draw_and_draws_have_others():
    labels = np.concatenate([INPUTS["train.labels"], INPUTS["test.labels"]])
    made_tasks = few_shot.tests_of(labels, made.NAMES, 0, 30, **SHAPE)
    used = np.concatenate([[*task.support, *task.query] for task in made_tasks])
    assert len(used) == len(set(used.tolist())) == 30 * 4 * 8
    assert few_shot.overlap(labels, made.NAMES, [0, 0], 30, **SHAPE) == 1.0
    assert few_shot.overlap(labels, made.NAMES, range(6), 30, **SHAPE) < 0.3
    assert few_shot.overlap(labels, made.NAMES, [0], 30, **SHAPE) == 0.0


def test_settings_are_chosen_on_validation_texts_alone():
    silent = INPUTS | {"test.features": np.zeros_like(INPUTS["test.features"])}
    trial = made.episodes("nearest_mean", draw=-1, split="validation")
    outcomes = [run(trial, given, {}, torch.device("cpu")) for given in (INPUTS, silent)]
    assert np.array_equal(*(each.items["right"] for each in outcomes))


def test_another_draw_has_other_weights():
    first, second = (scored("fomaml", draw=draw, tasks=1)[1].items["right"] for draw in (0, 1))
    again = scored("fomaml", tasks=1)[1].items["right"]
    assert np.array_equal(first, again) and not np.array_equal(first, second)
