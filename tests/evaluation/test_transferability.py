"""Transferability scores against brute force, closed forms and hand-made tables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from helpers import UserError
from helpers.evaluation.transferability import (
    h_score,
    knn_accuracy,
    logme,
)


def problem(n, d, k=2, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return rng.normal(size=(n, d)) + signal * rng.normal(size=(k, d))[y], y


def brute_force(features, labels):
    """Maximize the evidence as the Gaussian that it is, over log alpha and log beta."""
    n = len(labels)
    total = []
    for one in np.unique(labels):
        y = (labels == one).astype(float)

        def worse(logs, y=y):
            alpha, beta = np.exp(np.clip(logs, -30, 30))
            covariance = np.eye(n) / beta + features @ features.T / alpha
            size = np.linalg.slogdet(covariance)[1]
            return 0.5 * (n * np.log(2 * np.pi) + size + y @ np.linalg.solve(covariance, y))

        starts = [(a, b) for a in (-2, 2, 6) for b in (0, 3)]
        options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
        found = [minimize(worse, s, method="Nelder-Mead", options=options) for s in starts]
        total.append(-min(one.fun for one in found))
    return np.mean(total) / n


@pytest.mark.parametrize(
    ("n", "d", "k", "signal"), [(30, 4, 2, 1.0), (24, 6, 3, 0.5), (40, 3, 4, 2.0), (12, 30, 2, 0.3)]
)
def test_logme_is_the_brute_force_evidence(n, d, k, signal):
    features, labels = problem(n, d, k, signal)
    assert logme(features, labels) == pytest.approx(brute_force(features, labels), rel=1e-6)


def test_logme_does_not_care_for_rotations_or_useless_copies():
    features, labels = problem(40, 5, 3)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    value = logme(features, labels)
    assert logme(features @ turn, labels) == pytest.approx(value, rel=1e-9)
    padded = np.hstack([features, np.zeros((40, 3))])  # rank-deficient
    assert logme(padded, labels) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("features", [np.ones((20, 3)), np.zeros((20, 3))])
def test_constant_features_tell_nothing_and_break_nothing(features):
    labels = np.arange(20) % 2
    noise = np.random.default_rng(0).normal(size=(20, 3)) + 3 * labels[:, None]
    assert np.isfinite(logme(features, labels)) and logme(features, labels) < logme(noise, labels)
    assert h_score(features, labels) == h_score(features, labels, shrink=False) == 0.0
    assert 0 <= knn_accuracy(features, labels) <= 1


def test_h_score_of_one_feature_is_the_share_of_variance_between():
    x, y = problem(50, 1, 3)
    means = np.array([x[y == c].mean() for c in range(3)])[y]
    assert h_score(x, y, shrink=False) == pytest.approx(means.var() / x.var(), abs=1e-12)


def test_h_score_stays_honest_with_few_items():
    noise, y = problem(20, 60, 2, signal=0.0)
    assert h_score(noise, y, shrink=False) == pytest.approx(1.0, abs=1e-6)  # k - 1, for noise
    good, _ = problem(20, 60, 2, signal=1.0)
    assert h_score(noise, y) < 0.5 < h_score(good, y) <= 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_scores_do_not_depend_on_the_order_of_items(seed):
    x, y = problem(30, 4, 3, seed=seed)
    order = np.random.default_rng(seed).permutation(30)
    for score in (logme, h_score, knn_accuracy):
        assert score(x[order], y[order]) == pytest.approx(score(x, y), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("score", [logme, h_score, knn_accuracy])
def test_better_features_score_higher(score):
    values = [score(*problem(120, 8, 3, signal)) for signal in (0.0, 0.5, 2.0)]
    assert values == sorted(values) and values[0] < values[2]


def test_neighbours_by_hand():
    x = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [1, 0.3]], dtype=float)
    assert knn_accuracy(x, [0, 0, 1, 1, 1], neighbours=1) == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: logme(np.ones((3, 2)), [0, 1]), "must have the shapes"),
        (lambda: logme([[1.0]], [0]), "At least 2 items"),
        (lambda: logme([[1.0], [np.nan]], [0, 1]), "must be finite"),
        (lambda: logme(np.ones((3, 2)), [0, 2, 2]), "Class 1 has no item"),
        (lambda: logme(np.ones((2, 2)), [0, 0]), "all items are of one"),
        (lambda: logme(np.ones((2, 2)), [0.5, 1]), "whole numbers from 0"),
        (lambda: knn_accuracy(np.ones((3, 1)), [0, 1, 1], 3), "from 1 to 2"),
    ],
)
def test_bad_input_is_a_sentence(call, says):
    with pytest.raises(UserError, match=says):
        call()
