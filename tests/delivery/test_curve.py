"""The curve over labels, and the step that it foretells."""

import numpy as np
import pytest

from helpers.delivery.candidates import Bag
from helpers.delivery.curve import LabelCurve, label_curve
from tests.delivery import made


def labelled(n, seed):
    texts, names = made.rows(n, share=0.4, seed=seed)
    return texts, np.array([made.NAMES.index(name) for name in names])


def test_more_labels_answer_more_and_the_step_is_near_the_truth():
    texts, labels = labelled(400, 0)
    unseen, truth = labelled(300, 1)
    setting = {"C": 10.0}
    half = label_curve(Bag("words"), setting, texts[:200], labels[:200], unseen, truth, 3)
    assert half.counts == [25, 50, 100, 200] and half.right.shape == (4, 3, 300)
    assert half.accuracies()[0] < half.accuracies()[-1]
    whole = label_curve(Bag("words"), setting, texts, labels, unseen, truth, 3)
    gained = whole.accuracies()[-1] - half.accuracies()[-1]
    gain = half.gain_of_doubling()
    assert gain.low <= gain.value <= gain.high
    assert gain.value == pytest.approx(gained, abs=0.06)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_curve_foretells_nothing(level):
    right = np.full((4, 3, 50), 0.0)
    right[:, :, : int(50 * level)] = 1
    gain = LabelCurve("x", [8, 16, 32, 64], right).gain_of_doubling()
    assert gain.value == pytest.approx(0, abs=1e-9) and np.isfinite([gain.low, gain.high]).all()


def test_a_falling_curve_foretells_no_loss():
    right = np.zeros((3, 1, 100))
    for k, share in enumerate((80, 70, 60)):
        right[k, :, :share] = 1
    assert LabelCurve("x", [8, 16, 32], right).gain_of_doubling().value == 0
