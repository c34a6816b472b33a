"""What a network is given to learn from: the labels of its draw, right or wrong on purpose."""

import numpy as np

from helpers.trials.networks import classes_seen, labelled
from tests.trials.made import trial

N = 200
INPUTS = {
    "train.labels": np.arange(N, dtype=np.int32) % 4,
    "train.text_starts": np.arange(N + 1),
    "names": ["a", "b", "c", "d"],
}


def given(draw=0, **setting):
    made = trial(labels=100, draw=draw, setting=tuple(setting.items()))
    seen = labelled(made, INPUTS)
    return classes_seen(made, INPUTS, seen), INPUTS["train.labels"][seen]


def test_without_noise_every_label_is_right():
    classes, truth = given()
    np.testing.assert_array_equal(classes, truth)


def test_a_share_of_the_labels_is_wrong_and_names_another_class():
    classes, truth = given(wrong_labels=0.2)
    assert (classes != truth).sum() == 20
    assert set(classes.tolist()) <= {0, 1, 2, 3}
    np.testing.assert_array_equal(INPUTS["train.labels"], np.arange(N) % 4)  # not in place


def test_the_draw_chooses_which_and_says_the_same_twice():
    first, truth = given(wrong_labels=0.2)
    np.testing.assert_array_equal(first, given(wrong_labels=0.2)[0])
    other, its_truth = given(draw=1, wrong_labels=0.2)
    assert ((first != truth) != (other != its_truth)).any()


def test_all_arms_of_a_draw_are_given_the_same_wrong_labels():
    first, _ = given(wrong_labels=0.2, regularization=3.0)
    second, _ = given(wrong_labels=0.2, learning_rate=1e-3)
    np.testing.assert_array_equal(first, second)
