"""Calibration against hand-made bins and scikit-learn's curve."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from helpers import UserError
from helpers.evaluation.calibration import expected_calibration_error, probabilities, reliability


def test_bins_are_scikit_learns():
    rng = np.random.default_rng(0)
    sure = rng.random(500)
    right = rng.random(500) < sure**2
    share, mean = calibration_curve(right, sure, n_bins=8)
    found = reliability(sure, right, bins=8)
    np.testing.assert_allclose([one.accuracy for one in found], share)
    np.testing.assert_allclose([one.confidence for one in found], mean)
    assert sum(one.n for one in found) == 500


def test_a_calibrated_model_has_a_small_error_and_a_boastful_one_a_large_one():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 20_000)
    right = rng.random(20_000) < sure
    assert expected_calibration_error(sure, right) < 0.02
    assert expected_calibration_error(np.ones(20_000), right) == pytest.approx(0.25, abs=0.01)


def test_the_order_of_items_does_not_matter():
    rng = np.random.default_rng(0)
    sure, right = rng.random(50), rng.random(50) < 0.5
    order = rng.permutation(50)
    assert expected_calibration_error(sure[order], right[order]) == pytest.approx(
        expected_calibration_error(sure, right)
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: reliability([0.5], [1, 0]), "the same items for both"),
        (lambda: reliability([1.5], [1]), r"one probability in \[0, 1\]"),
        (lambda: reliability([0.5], [2]), "one 0 or 1"),
        (lambda: reliability([0.5], [1], bins=0), "bins must be at least 1"),
        (lambda: reliability([np.nan], [1]), "must be finite"),
        (lambda: probabilities([[1.0], [2.0]]), "2 classes or more"),
    ],
)
def test_bad_input_is_a_sentence(call, says):
    with pytest.raises(UserError, match=says):
        call()
