"""The linear world against numpy's least squares, simulation, and the theorems it must obey."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from helpers import UserError
from helpers.transfer.linear import (
    Pair,
    Samples,
    best_weight,
    draw_pair,
    draw_samples,
    expected_risk,
    gain_map,
    gradient_descent,
    joint_least_squares,
    related_weights,
    rule_of_thumb,
    train_binary,
)
from helpers.transfer.objective import bernoulli_loss, joint_loss


@settings(max_examples=50, deadline=None)
@given(st.floats(-1, 1), st.integers(2, 12), st.floats(0.1, 5), st.integers(0, 1000))
def test_relatedness_is_the_cosine_of_equally_long_weights(relatedness, n_features, norm, seed):
    w_s, w_t = related_weights(relatedness, n_features, norm=norm, seed=seed)
    assert np.linalg.norm(w_s) == pytest.approx(norm)
    assert np.linalg.norm(w_t) == pytest.approx(norm)
    assert w_s @ w_t / norm**2 == pytest.approx(relatedness, abs=1e-9)
    assert np.sum((w_s - w_t) ** 2) == pytest.approx(2 * (1 - relatedness) * norm**2, abs=1e-9)


def test_draws_are_nested_and_paired_along_both_dials():
    small, large = draw_pair(0.9, n_target=16, seed=4), draw_pair(-0.5, n_target=64, seed=4)
    np.testing.assert_array_equal(small.target.features, large.target.features[:16])
    np.testing.assert_array_equal(small.source.labels, large.source.labels)
    again = draw_pair(0.9, n_target=16, seed=4)
    np.testing.assert_array_equal(small.target.labels, again.target.labels)
    assert not np.array_equal(small.source.features[:16], small.target.features)


def test_labels_follow_the_stated_distributions():
    w = np.array([1.0, -2.0, 0.5])
    real = draw_samples(w, 40_000, noise=0.7, seed=1)
    rest = real.labels - real.features @ w
    assert rest.std() == pytest.approx(0.7, rel=0.02)
    np.testing.assert_allclose(real.features.T @ real.features / 40_000, np.eye(3), atol=0.03)
    binary = draw_samples(w, 40_000, binary=True, seed=1)
    excess = binary.labels - expit(binary.features @ w)  # mean 0, also where p is high
    assert abs(excess.mean()) < 0.01
    assert abs(np.mean(excess * (binary.features @ w))) < 0.02


@pytest.mark.parametrize("weight", [0.0, 0.05, 0.5, 3.0, math.inf])
def test_closed_form_equals_least_squares_on_stacked_rows(weight):
    pair = draw_pair(0.6, n_source=30, n_target=15, n_features=6, seed=2)
    scale_s, scale_t = (1.0, weight) if weight < math.inf else (0.0, 1.0)
    rows = [
        np.sqrt(scale / len(part.labels)) * np.column_stack([part.features, part.labels])
        for scale, part in ((scale_s, pair.source), (scale_t, pair.target))
    ]
    stacked = np.vstack(rows)
    solution = np.linalg.lstsq(stacked[:, :-1], stacked[:, -1], rcond=None)[0]
    np.testing.assert_allclose(joint_least_squares(pair, weight), solution, atol=1e-10)


def test_closed_form_is_where_the_joint_loss_is_lowest():
    pair = draw_pair(0.3, n_source=30, n_target=15, n_features=4, seed=3)

    def mean_square(w, part):
        return np.mean((part.labels - part.features @ w) ** 2)

    found = minimize(
        lambda w: joint_loss(mean_square(w, pair.source), mean_square(w, pair.target), 0.7),
        np.zeros(4),
        tol=1e-12,
    )
    np.testing.assert_allclose(joint_least_squares(pair, 0.7), found.x, atol=1e-5)


def test_small_and_large_weights_tend_to_the_limits():
    pair = draw_pair(0.3, n_target=20, seed=5)
    for near, limit in ((1e-9, 0.0), (1e9, math.inf)):
        np.testing.assert_allclose(
            joint_least_squares(pair, near), joint_least_squares(pair, limit), atol=1e-6
        )
        assert expected_risk(pair, near).excess == pytest.approx(
            float(expected_risk(pair, limit).excess), abs=1e-6
        )


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0, math.inf])
@pytest.mark.parametrize("relatedness", [-0.5, 0.8, 1.0])
def test_expected_risk_equals_simulation(relatedness, weight):
    pair = draw_pair(relatedness, n_source=25, n_target=14, n_features=5, noise=0.8, seed=6)
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(4000):
        parts = [
            Samples(part.features, part.features @ w + 0.8 * rng.normal(size=len(part.labels)))
            for part, w in (
                (pair.source, pair.source_weights),
                (pair.target, pair.target_weights),
            )
        ]
        redrawn = Pair(*parts, pair.source_weights, pair.target_weights, 0.8)
        errors.append(joint_least_squares(redrawn, weight) - pair.target_weights)
    errors = np.array(errors)
    risk = expected_risk(pair, weight)
    losses = np.sum(errors**2, axis=1)
    spread = losses.std() / math.sqrt(len(losses))
    assert risk.excess == pytest.approx(losses.mean(), abs=4 * spread)
    assert risk.squared_bias == pytest.approx(np.sum(errors.mean(axis=0) ** 2), abs=4 * spread)
    assert risk.variance == pytest.approx(errors.var(axis=0).sum(), abs=4 * spread)


def test_target_alone_has_the_textbook_risk_and_excess_is_what_new_items_cost():
    pair = draw_pair(0.2, n_target=30, noise=0.5, seed=7)
    risk = expected_risk(pair, math.inf)
    X = pair.target.features
    assert risk.squared_bias == pytest.approx(0, abs=1e-12)
    assert risk.variance == pytest.approx(0.25 * np.trace(np.linalg.inv(X.T @ X)))
    w = joint_least_squares(pair, 0.5)
    fresh = draw_samples(pair.target_weights, 200_000, noise=0.5, seed=99)
    on_new_items = np.mean((fresh.labels - fresh.features @ w) ** 2) - 0.25
    assert on_new_items == pytest.approx(np.sum((w - pair.target_weights) ** 2), rel=0.03)


@pytest.mark.parametrize(("n_source", "n_target"), [(100, 100), (40, 80), (100, 12)])
def test_one_problem_twice_is_solved_best_by_pooling(n_source, n_target):
    # Gauss-Markov: at relatedness 1 least squares on all items, which is λ = n_t / n_s
    pair = draw_pair(1.0, n_source=n_source, n_target=n_target, seed=8)
    assert best_weight(pair) == pytest.approx(n_target / n_source, rel=1e-3)


@pytest.mark.parametrize("relatedness", [-1.0, 0.0, 0.7, 0.95])
def test_best_weight_beats_every_other(relatedness):
    pair = draw_pair(relatedness, n_target=25, seed=9)
    weights = np.concatenate([[0.0], np.geomspace(1e-5, 1e5, 500), [math.inf]])
    best = expected_risk(pair, best_weight(pair)).excess
    assert best <= expected_risk(pair, weights).excess.min() + 1e-12


def test_best_weight_takes_the_limits():
    assert best_weight(draw_pair(0.0, noise=0.0)) == math.inf  # the target alone makes no error
    far = draw_pair(1.0, n_source=1_000_000, n_target=12, n_features=2, seed=1)
    assert best_weight(far) < 1e-4  # n_t / n_s, below the grid


@pytest.mark.parametrize("relatedness", [0.0, 0.9])
def test_rule_of_thumb_is_exact_for_orthonormal_features(relatedness):
    d, copies_s, copies_t = 4, 6, 3  # X'X/n is the identity
    w_s, w_t = related_weights(relatedness, d)
    source, target = (
        Samples(math.sqrt(d) * np.tile(np.eye(d), (copies, 1)), np.zeros(d * copies))
        for copies in (copies_s, copies_t)
    )
    pair = Pair(source, target, w_s, w_t, 0.6)
    distance = float(np.sum((w_s - w_t) ** 2))
    rule = rule_of_thumb(distance, d * copies_s, d * copies_t, d, 0.6)
    assert best_weight(pair) == pytest.approx(rule, rel=1e-3)
    of_source, of_target = distance + 0.36 / copies_s, 0.36 / copies_t
    for weight in (0.1, 0.5, rule):
        predicted = (of_source + weight**2 * of_target) / (1 + weight) ** 2
        assert expected_risk(pair, weight).excess == pytest.approx(predicted)
        hurts = of_source > (1 + 2 * weight) * of_target
        assert hurts == (expected_risk(pair, weight).excess > of_target)


def test_gain_map_equals_the_risks_one_by_one_and_the_best_weight_never_hurts():
    relatedness, n_target = [-0.5, 0.4, 1.0], [15, 60]
    fixed = gain_map(relatedness, n_target, [0.5], designs=3, seed=2)
    for row, rho in enumerate(relatedness):
        for column, n in enumerate(n_target):
            pairs = [draw_pair(rho, n_target=n, seed=2 + design) for design in range(3)]
            alone = np.mean([expected_risk(pair, math.inf).excess for pair in pairs])
            joint = np.mean([expected_risk(pair, 0.5).excess for pair in pairs])
            assert fixed[row, column] == pytest.approx(np.log2(alone / joint))
    best = gain_map(relatedness, n_target, [0.5, 5.0, math.inf], designs=3, seed=2)
    assert (best >= np.maximum(fixed, 0)).all()
    assert fixed[0, 1] < 0 < fixed[-1, 1]


@pytest.mark.parametrize("weight", [0.0, 0.5, math.inf])
def test_long_gradient_descent_reaches_the_minimum_of_the_joint_loss(weight):
    pair = draw_pair(0.5, n_features=4, binary=True, seed=3)

    def loss(w):
        of_source = bernoulli_loss(w, pair.source.features, pair.source.labels)
        of_target = bernoulli_loss(w, pair.target.features, pair.target.labels)
        return of_target if weight == math.inf else joint_loss(of_source, of_target, weight)

    found = minimize(loss, np.zeros(4), tol=1e-12)
    trained = train_binary(pair, weight, step=0.5, steps=3000)
    np.testing.assert_allclose(trained, found.x, atol=1e-4)


def test_gradient_descent_returns_the_whole_path():
    path = gradient_descent(lambda w: 2 * w, [1.0, -1.0], step=0.1, steps=30)
    assert path.shape == (31, 2)
    np.testing.assert_allclose(path[:, 0], 0.8 ** np.arange(31))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: related_weights(1.2, 10), "between -1 and 1"),
        (lambda: related_weights(math.nan, 10), "between -1 and 1"),
        (lambda: related_weights(0.5, 1), "n_features"),
        (lambda: draw_pair(0.5, n_target=0), "n must be at least 1"),
        (lambda: draw_pair(0.5, noise=-1.0), "noise"),
        (lambda: joint_least_squares(draw_pair(0.5), -0.1), "at least 0"),
        (lambda: expected_risk(draw_pair(0.5), [0.5, math.nan]), "at least 0"),
        (lambda: joint_least_squares(draw_pair(0.5, n_target=9), math.inf), "10 weights"),
        (lambda: expected_risk(draw_pair(0.5, n_source=9), 0.0), "10 weights"),
        (lambda: joint_least_squares(draw_pair(0.5, n_source=4, n_target=5), 1.0), "10 weights"),
        (lambda: gain_map([0.5], [11], [0.5]), "n_features"),
    ],
)
def test_bad_input_is_one_clear_sentence(call, message):
    with pytest.raises(UserError, match=message):
        call()
