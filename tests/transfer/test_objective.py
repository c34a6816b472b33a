"""The losses against independent oracles: autograd, finite differences, scikit-learn, sympy."""

import math

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from sklearn.metrics import log_loss

from helpers import UserError
from helpers.transfer.objective import (
    bernoulli_gradient,
    bernoulli_hessian,
    bernoulli_loss,
    joint_loss,
    printed_loss,
)


def example(seed: int = 0, n: int = 40, d: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=d), rng.normal(size=(n, d)), rng.integers(0, 2, n).astype(float)


def torch_loss(w: torch.Tensor, X: np.ndarray, y: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(X) @ w, torch.from_numpy(y)
    )


@pytest.mark.parametrize("seed", range(3))
def test_loss_equals_scikit_learn_log_loss(seed):
    w, X, y = example(seed)
    p = 1 / (1 + np.exp(-X @ w))
    assert bernoulli_loss(w, X, y) == pytest.approx(log_loss(y, p), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_and_hessian_equal_autograd(seed):
    w, X, y = example(seed)
    tensor = torch.tensor(w, requires_grad=True)
    (gradient,) = torch.autograd.grad(torch_loss(tensor, X, y), tensor)
    hessian = torch.autograd.functional.hessian(lambda v: torch_loss(v, X, y), tensor)
    np.testing.assert_allclose(bernoulli_gradient(w, X, y), gradient.numpy(), atol=1e-12)
    np.testing.assert_allclose(bernoulli_hessian(w, X, y), hessian.numpy(), atol=1e-12)


def test_gradient_equals_finite_differences():
    w, X, y = example(7)
    numeric = approx_fprime(w, bernoulli_loss, 1e-7, X, y)
    np.testing.assert_allclose(bernoulli_gradient(w, X, y), numeric, atol=1e-6)


@pytest.mark.parametrize("z", [-800.0, -40.0, 0.0, 40.0, 800.0])
def test_loss_is_stable_far_out(z):
    with np.errstate(all="raise", under="ignore"):
        loss = bernoulli_loss([z], [[1.0]], [1.0])
    # log(1 + e^-z) is -z for very negative z and e^-z for very positive z
    assert loss == pytest.approx(-z if z < -30 else math.log1p(math.exp(-z)), rel=1e-12)


def test_soft_labels_are_the_mixture_of_hard_ones():
    w, X, y = example(2)
    ones, zeros = np.ones_like(y), np.zeros_like(y)
    mixed = 0.3 * bernoulli_loss(w, X, ones) + 0.7 * bernoulli_loss(w, X, zeros)
    assert bernoulli_loss(w, X, 0.3 * ones) == pytest.approx(mixed)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 10))
def test_joint_hessian_is_positive_semidefinite(seed, weight):
    w, X_s, y_s = example(seed, n=3, d=5)  # fewer items than features: semidefinite, not definite
    _, X_t, y_t = example(seed + 1, n=2, d=5)
    joint = joint_loss(bernoulli_hessian(w, X_s, y_s), bernoulli_hessian(w, X_t, y_t), weight)
    np.testing.assert_allclose(joint, joint.T)
    assert np.linalg.eigvalsh(joint).min() > -1e-12


def test_joint_loss_is_the_same_in_floats_numpy_torch_and_sympy():
    w, X_s, y_s = example(0)
    _, X_t, y_t = example(1)
    plain = joint_loss(bernoulli_loss(w, X_s, y_s), bernoulli_loss(w, X_t, y_t), 0.5)
    tensor = torch.tensor(w, requires_grad=True)
    in_torch = joint_loss(torch_loss(tensor, X_s, y_s), torch_loss(tensor, X_t, y_t), 0.5)
    in_torch.backward()
    gradient = joint_loss(bernoulli_gradient(w, X_s, y_s), bernoulli_gradient(w, X_t, y_t), 0.5)
    assert in_torch.item() == pytest.approx(plain, abs=1e-12)
    np.testing.assert_allclose(tensor.grad.numpy(), gradient, atol=1e-12)

    source, target, weight = sympy.symbols("L_s L_t lambda")
    assert joint_loss(source, target, weight) == source + weight * target
    assert joint_loss(source, target, sympy.Symbol("k", positive=True)).has(target)
    np.testing.assert_array_equal(joint_loss(1.0, 2.0, np.array([0.0, 3.0])), [1.0, 7.0])
    assert joint_loss(1.0, 2.0, torch.tensor(3.0, requires_grad=True)).item() == 7.0


@pytest.mark.parametrize(
    "weight",
    [
        -1,
        -1e-9,
        math.nan,
        math.inf,
        np.float64("nan"),
        np.array([0.5, -1.0]),
        torch.tensor(-0.5),
        torch.tensor([0.5, math.nan]),
        sympy.nan,
        sympy.oo,
        sympy.Symbol("k", negative=True),
        None,
        "0.5",
    ],
)
def test_a_wrong_weight_is_refused(weight):
    with pytest.raises(UserError, match="at least 0"):
        joint_loss(1.0, 1.0, weight)


def test_printed_loss_is_a_straight_line_without_a_minimum():
    w, X, y = example(3)
    slope = ((1 - 2 * y)[:, None] * X).mean(axis=0)
    values = [printed_loss(w - t * slope, X, y) for t in (0, 1, 2, 1e6)]
    assert values[0] - values[1] == pytest.approx(slope @ slope)
    assert values[1] - values[2] == pytest.approx(slope @ slope)
    assert values[3] < -1e4


@pytest.mark.parametrize("function", [bernoulli_loss, bernoulli_gradient, bernoulli_hessian])
@pytest.mark.parametrize(
    ("weights", "features", "labels", "message"),
    [
        ([1.0], [[1.0, 2.0]], [1], "shapes"),
        ([1.0], [[1.0]], [1, 0], "shapes"),
        ([1.0], np.empty((0, 1)), [], "shapes"),
        ([1.0], [[1.0]], [2], "between 0 and 1"),
        ([1.0], [[1.0]], [math.nan], "between 0 and 1"),
    ],
)
def test_bad_arrays_are_named(function, weights, features, labels, message):
    with pytest.raises(UserError, match=message):
        function(weights, features, labels)
