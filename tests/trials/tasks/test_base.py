"""What every task of trials must be, whichever it is: one entry in the table, whole and light."""

import subprocess
import sys

import numpy as np
import pytest

from helpers import UserError
from helpers.trials.tasks import TASKS, task_of
from helpers.trials.tasks.base import Setup, TrialTask
from helpers.trials.tasks.classification import BY_STRATEGY, HEADS

EVERY_ARM = [(task, arm) for task, kind in TASKS.items() for arm in kind.setups]
RATES = (1e-4, 3e-4, 1e-3)


def grid(arm, labels=256, task="classification"):
    return TASKS[task].grid(arm, labels, RATES)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_all_that_is_asked_of_it(name):
    kind = task_of(name)
    assert kind.name == name and kind.protocol >= 1
    assert kind.items and all(isinstance(array, str) for array in kind.items)
    done = kind.arms()
    assert done.keys() == kind.setups.keys()
    assert all(callable(arm) for arm in done.values())
    for setup in kind.setups.values():
        assert {*setup.starts_from} <= done.keys()
    for method in ("load", "arrays", "score"):  # those that have no meaning for all tasks
        assert getattr(type(kind), method) is not getattr(TrialTask, method)


def test_an_unknown_task_is_one_sentence():
    with pytest.raises(UserError, match=r"^There is no task 'taging'\. Did you mean 'tagging'\?$"):
        task_of("taging")


@pytest.mark.parametrize(("task", "arm"), EVERY_ARM)
def test_every_arm_with_a_choice_is_searched_with_different_settings(task, arm):
    found = TASKS[task].grid(arm, 256)
    settings = {tuple(one.items()) for one in found}
    assert len(settings) == len(found) and len({tuple(one) for one in found}) <= 1
    if TASKS[task].setups[arm].grid is None:
        assert found == []
    elif task != "language_modeling" or arm == "unigram":
        assert len(found) == 6
    else:  # three rates at fixed steps, for each λ where there is one
        assert len(found) == 3 * len({one.get("weight") for one in found})


def test_two_phases_are_as_long_as_the_longest_single_one_and_try_two_heads():
    found = grid("two_phase", 64)
    assert {one["steps"] for one in found} == {max(one["steps"] for one in grid("lora", 64))}
    assert {one["regularization"] for one in found} == {*HEADS}


def test_steps_grow_with_the_root_of_the_labels_and_are_four_times_as_many_from_scratch():
    def steps(arm, labels, task="classification"):
        return sorted({one["steps"] for one in grid(arm, labels, task)})

    assert steps("fine_tuned", 64) == [40, 120]
    assert steps("fine_tuned", 256) == [80, 240]
    assert steps("frozen", 256, "tagging") == [80, 240]
    for labels in (16, 64, 256):
        few, many = steps("from_scratch", labels)
        assert few == 4 * steps("fine_tuned", labels)[0] and many > few


def test_rates_of_a_study_go_before_those_of_the_arm():
    def rates(*own):
        return {one["learning_rate"] for one in TASKS["classification"].grid("lora", 64, *own)}

    assert rates() == {*BY_STRATEGY["lora"].rates} == {3e-4, 1e-3, 3e-3}
    assert rates((0.5,)) == {0.5}


def test_an_arm_that_nobody_knows_has_a_setting_that_nobody_found():
    assert TASKS["tagging"].setup("nonsense").grid is not None
    assert TASKS["tagging"].grid("nonsense", 64) != TASKS["tagging"].grid("fine_tuned", 64)


def test_only_classes_part_the_items_of_a_draw():
    inputs = {"train.starts": np.arange(4), "train.labels": np.array([2, 0, 1])}
    assert TASKS["classification"].strata(inputs).tolist() == [2, 0, 1]
    assert TASKS["language_modeling"].strata(inputs).tolist() == [0, 0, 0]


def test_what_holds_for_all_arms_is_said_of_networks_alone():
    for kind in TASKS.values():
        if kind.inputs != "vectors":
            assert kind.fixed(Setup(reads="texts"), False, "mean") == {}
            assert kind.fixed(Setup(reads="tokens"), True, "mean") == {}
            assert kind.fixed(Setup(), False, "mean")["dropout"] == 0.0


def test_a_list_of_trials_needs_no_torch():
    code = (
        "import sys; from helpers.trials import runner, studies; "
        "print(sorted({'torch', 'transformers', 'datasets', 'scipy'} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
