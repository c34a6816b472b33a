"""Probes: the minimum of their loss, and so the same answer whatever the rounding."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from helpers.evaluation.probes import probe


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 20))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int) + (x[:, 2] > 1)


def gradient(model, x, y):
    """Of the penalized loss that scikit-learn documents: C times the sum of nats, plus |w|²/2."""
    error = model.predict_proba(x) - np.eye(len(model.classes_))[y]
    return np.concatenate([model.C * error.T @ x + model.coef_, error.sum(0)[:, None]], axis=1)


@pytest.mark.parametrize("regularization", [0.1, 1.0, 100.0])
def test_it_ends_where_the_gradient_does(regularization):
    x, y = drawn()
    model = probe(regularization).fit(x, y)
    assert np.abs(gradient(model, x, y)).max() < 1e-5
    early = LogisticRegression(C=regularization, max_iter=2000).fit(x, y)
    assert np.abs(gradient(early, x, y)).max() > 1e-5  # so the check can fail


def test_rounding_of_the_features_stays_as_small_in_the_answers():
    x, y = drawn(1)
    moved = x + np.random.default_rng(2).normal(scale=1e-7, size=x.shape)
    answers = [probe().fit(one, y).predict_proba(x) for one in (x, moved)]
    assert np.abs(answers[0] - answers[1]).max() < 1e-6


def test_settings_reach_scikit_learn():
    x, y = drawn()
    assert probe(2.0, balanced=True).get_params()["class_weight"] == "balanced"
    assert probe(2.0).C == 2.0
    assert probe().fit(x, y).predict(x).shape == (60,)
