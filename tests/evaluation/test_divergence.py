"""The proxy A-distance: near 0 of one distribution, 2 of separable ones, known errors, errors."""

import numpy as np
import pytest
from scipy.stats import norm

from helpers import UserError
from helpers.evaluation.divergence import information_maximization, proxy_a_distance


def test_two_samples_of_one_distribution_are_near():
    distances = []
    for seed in range(10):
        a, b = np.random.default_rng(seed).normal(size=(2, 300, 8))
        distances.append(proxy_a_distance(a, b, seed=seed))
    assert np.mean(distances) < 0.15


def test_separable_domains_are_as_far_as_can_be():
    a, b = np.random.default_rng(0).normal(size=(2, 60, 3))
    assert proxy_a_distance(a - 9, b + 9) == 2


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_shifted_normals_have_the_distance_of_their_best_classifier(shift):
    a, b = np.random.default_rng(1).normal(size=(2, 4000, 1))
    error = norm.cdf(-shift / 2)  # of the best classifier, which is linear
    assert proxy_a_distance(a, b + shift) == pytest.approx(2 * (1 - 2 * error), abs=0.08)


def test_order_scale_and_unequal_sizes_do_not_matter():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(400, 4)), rng.normal(size=(60, 4)) + 1
    found = proxy_a_distance(a, b)
    assert proxy_a_distance(b, a) == pytest.approx(found, abs=0.1)
    assert proxy_a_distance(a * 1000, b * 1000) == pytest.approx(found, abs=1e-9)
    # 400 to 60: who always says "a" is right in 87 % of cases and gets nothing for it
    same = proxy_a_distance(a, rng.normal(size=(60, 4)))
    assert same < 0.35


def test_information_is_that_between_item_and_answer():
    p = np.random.default_rng(3).dirichlet([0.5] * 4, size=50)
    joint = p / 50  # of item and answer; mutual information by its definition
    ratio = joint / (joint.sum(1, keepdims=True) * joint.sum(0))
    wanted = (joint * np.log(ratio)).sum()
    assert information_maximization(p) == pytest.approx(wanted, rel=1e-12)
    assert information_maximization([[1.0, 0.0]] * 9) == 0  # sure, but of one class alone


def test_mistakes_are_sentences():
    with pytest.raises(
        UserError, match=r"must be \(n, d\) and \(m, d\) with one d, not \(5, 2\) an"
    ):
        proxy_a_distance(np.ones((5, 2)), np.ones((5, 3)))
    with pytest.raises(
        UserError, match=r"folds must be from 2 to 3, the items of a domain, not 5\."
    ):
        proxy_a_distance(np.ones((3, 2)), np.ones((9, 2)))
    for bad in ([0.5, 0.5], [[0.5, 0.6]], [[1.5, -0.5]]):
        with pytest.raises(UserError, match="at least 0, each row with the sum 1"):
            information_maximization(bad)
