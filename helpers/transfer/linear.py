"""A linear world in which transfer can be solved: two problems whose relatedness is a dial.

Features are independent standard normal, d of them. The relatedness ρ is the cosine of the two
weight vectors: w_t = ρ w_s + sqrt(1 - ρ²) u, with u orthogonal to w_s and as long. Labels are
real, y = w·x + ε with ε ~ N(0, σ²), or binary, y ~ Bernoulli(1 / (1 + exp(-w·x))).

For real labels and the squared loss L_k(w) = ‖y_k - X_k w‖² / n_k everything has a closed form.
With A_k = X_kᵀX_k / n_k, b_k = X_kᵀy_k / n_k and M = A_s + λA_t:

- the minimizer of L_s + λL_t is ŵ(λ) = M⁻¹(b_s + λ b_t);
- over the noise, for fixed features, E‖ŵ(λ) - w_t‖² = ‖M⁻¹A_s(w_s - w_t)‖²
  + (σ²/n_s) tr(M⁻¹A_sM⁻¹) + λ²(σ²/n_t) tr(M⁻¹A_tM⁻¹), squared bias plus variance.

λ = 0 is the source alone, λ = ∞ (``math.inf``) the target alone. The squared distance is also the
excess risk, the expected squared error on a new target item less the σ² that nobody can avoid,
because new features have the identity as covariance.

In general: Ben-David et al., A theory of learning from different domains, Machine Learning 2010.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit

from helpers import UserError
from helpers.transfer.objective import bernoulli_gradient, joint_loss

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Items of one problem: ``features`` X of shape (n, d) and ``labels`` y of shape (n,)."""

    features: Array
    labels: Array

    def moments(self) -> tuple[Array, Array]:
        """Return A = XᵀX/n, shape (d, d), and b = Xᵀy/n, shape (d,)."""
        scaled = self.features.T / len(self.labels)
        return scaled @ self.features, scaled @ self.labels


@dataclass(frozen=True)
class Pair:
    """Two problems with the true weights (d,) of each; ``noise`` is σ of real labels."""

    source: Samples
    target: Samples
    source_weights: Array
    target_weights: Array
    noise: float


class Risk(NamedTuple):
    """Excess target risk in two parts, each of the shape of the λ it was asked for."""

    squared_bias: Array
    variance: Array

    @property
    def excess(self) -> Array:
        """Squared bias plus variance: E‖ŵ - w_t‖²."""
        return self.squared_bias + self.variance


def related_weights(
    relatedness: float, n_features: int, *, norm: float = 1.0, seed: int | Sequence[int] = 0
) -> tuple[Array, Array]:
    """Return (w_s, w_t), both of length ``norm``, whose cosine is exactly ``relatedness``.

    ‖w_s - w_t‖² = 2(1 - ρ) norm². The same seed gives the same w_s and u at every ρ.

    Raises:
        UserError: ρ outside [-1, 1], or fewer than 2 features.

    >>> w_s, w_t = related_weights(0.5, 10)
    >>> round(float(w_s @ w_t), 6)
    0.5
    """
    if not -1 <= relatedness <= 1:
        raise UserError(f"relatedness is a cosine between -1 and 1, not {relatedness}.")
    if n_features < 2:
        raise UserError(f"n_features must be at least 2 to turn a weight vector, not {n_features}.")
    columns = np.random.default_rng(seed).normal(size=(n_features, 2))
    w_s, u = norm * np.linalg.qr(columns)[0].T
    return w_s, relatedness * w_s + math.sqrt(1 - relatedness**2) * u


def draw_samples(
    weights: Array,
    n: int,
    *,
    noise: float = 1.0,
    binary: bool = False,
    seed: int | Sequence[int] = 0,
) -> Samples:
    """Draw n items of the problem with these true weights (d,).

    Draws are nested: the first 16 of 64 items are the 16 items drawn with the same seed.

    >>> draw_samples(np.array([9.0, -9.0]), 4, binary=True, seed=3).labels
    array([1., 0., 1., 1.])
    """
    if n < 1 or not noise >= 0:
        raise UserError(f"n must be at least 1 and noise at least 0, not {n} and {noise}.")
    for_features, for_labels = np.random.default_rng(seed).spawn(2)
    X = for_features.normal(size=(n, len(weights)))
    if binary:
        return Samples(X, (for_labels.random(n) < expit(X @ weights)).astype(float))
    return Samples(X, X @ weights + noise * for_labels.normal(size=n))


def draw_pair(
    relatedness: float,
    *,
    n_source: int = 100,
    n_target: int = 100,
    n_features: int = 10,
    norm: float = 1.0,
    noise: float = 1.0,
    binary: bool = False,
    seed: int = 0,
) -> Pair:
    """Draw a source and a target problem and their samples; the defaults are the document's sizes.

    One seed gives the same source items at every relatedness and every number of target items.

    >>> draw_pair(0.9, n_target=20).target.features.shape
    (20, 10)
    """
    w_s, w_t = related_weights(relatedness, n_features, norm=norm, seed=[seed, 0])
    source = draw_samples(w_s, n_source, noise=noise, binary=binary, seed=[seed, 1])
    target = draw_samples(w_t, n_target, noise=noise, binary=binary, seed=[seed, 2])
    return Pair(source, target, w_s, w_t, noise)


def gradient_descent(
    gradient: Callable[[Array], Array], start: ArrayLike, *, step: float, steps: int
) -> Array:
    """Return the path w_0, …, w_steps of w ← w - step · gradient(w), shape (steps + 1, d).

    >>> gradient_descent(lambda w: w, [1.0], step=0.5, steps=2).ravel()
    array([1.  , 0.5 , 0.25])
    """
    path = [np.asarray(start, dtype=float)]
    for _ in range(steps):
        path.append(path[-1] - step * gradient(path[-1]))
    return np.array(path)


def train_binary(pair: Pair, weight: float, *, step: float = 0.01, steps: int = 1000) -> Array:
    """Return the weights (d,) after gradient descent from zero on the joint Bernoulli loss.

    ``weight`` is λ: 0 for the source alone, ``math.inf`` for the target alone. Defaults: §4.3.

    >>> train_binary(draw_pair(1.0, binary=True), 0.5).shape
    (10,)
    """

    def gradient(w: Array) -> Array:
        of_source = bernoulli_gradient(w, pair.source.features, pair.source.labels)
        of_target = bernoulli_gradient(w, pair.target.features, pair.target.labels)
        return of_target if weight == math.inf else joint_loss(of_source, of_target, weight)

    return gradient_descent(gradient, 0 * pair.source_weights, step=step, steps=steps)[-1]


def joint_least_squares(pair: Pair, weight: float) -> Array:
    """Return ŵ(λ) = (A_s + λA_t)⁻¹(b_s + λ b_t), shape (d,): the minimizer of L_s + λL_t.

    λ = 0 and ``math.inf`` are the least-squares fits to the source alone and the target alone.
    With λ = n_t / n_s it is the fit to all items thrown together.

    Raises:
        UserError: λ is negative, or too few items for one solution.

    >>> joint_least_squares(draw_pair(1.0), 0.5).shape
    (10,)
    """
    ((share_s, share_t),) = _shares(pair, weight)
    (A_s, b_s), (A_t, b_t) = pair.source.moments(), pair.target.moments()
    return np.linalg.solve(share_s * A_s + share_t * A_t, share_s * b_s + share_t * b_t)


def expected_risk(pair: Pair, weight: ArrayLike) -> Risk:
    """Return squared bias and variance of ŵ(λ) as an estimate of w_t, by the module's formula.

    Exact over the noise, features as they are. ``weight`` is one λ or an array of them. Range
    [0, ∞); unit: squared label unit.

    >>> expected_risk(draw_pair(0.5), [0.0, math.inf]).squared_bias.round(3)
    array([1., 0.])
    """
    pull, variance = _pull_and_variance(pair, weight)
    bias = pull @ (pair.source_weights - pair.target_weights)
    return Risk(*(part.reshape(np.shape(weight)) for part in (np.sum(bias**2, -1), variance)))


def best_weight(pair: Pair) -> float:
    """Return λ* in [0, ∞], the minimizer of :func:`expected_risk`, found numerically.

    A grid over 10⁻⁴ … 10⁴ and the two limits, then a search around the best grid point.

    >>> round(best_weight(draw_pair(1.0, n_target=50)), 3)  # one problem: n_t / n_s
    0.5
    """
    logs = np.linspace(-4, 4, 81)
    candidates = np.array([0.0, *10**logs, math.inf])
    best = int(np.argmin(expected_risk(pair, candidates).excess))
    if candidates[best] in (0, math.inf):
        return float(candidates[best])
    near = (logs[best - 1] - 0.1, logs[best - 1] + 0.1)
    found = minimize_scalar(lambda log: expected_risk(pair, 10**log).excess, bounds=near)
    return float(10**found.x)


def rule_of_thumb(
    squared_distance: float, n_source: int, n_target: int, n_features: int, noise: float = 1.0
) -> float:
    """Return λ* = (‖w_s - w_t‖² + σ²d/n_s) / (σ²d/n_t): error of the source over the target's.

    Exact where A_s = A_t = I, for then ŵ(λ) = (ŵ_s + λŵ_t)/(1 + λ), of risk
    (‖w_s - w_t‖² + σ²d/n_s + λ²σ²d/n_t)/(1 + λ)². A fixed λ is worse than the target alone where
    ‖w_s - w_t‖² + σ²d/n_s > (1 + 2λ) σ²d/n_t.

    >>> rule_of_thumb(0.0, n_source=100, n_target=50, n_features=10)
    0.5
    """
    scale = noise**2 * n_features
    return (squared_distance + scale / n_source) / (scale / n_target)


def gain_map(
    relatedness: Sequence[float],
    n_target: Sequence[int],
    weights: Sequence[float],
    *,
    designs: int = 20,
    seed: int = 0,
    **world: Any,
) -> Array:
    """Return log2(risk of the target alone / risk of ŵ(λ)), shape (len(ρ), len(n_t)).

    Both risks are exact expectations over the noise, averaged over ``designs`` draws of features
    and true weights; ``world`` goes to :func:`draw_pair`. Of several λ each cell takes the one of
    lowest risk (an oracle's choice; with ``math.inf`` among them the gain cannot be negative).
    +1 means half the risk, about what twice the target data would give; below 0 transfer hurts.

    Raises:
        UserError: fewer target items than features + 2, where the target alone has no finite risk.

    >>> gain_map([0.0, 1.0], [40], [0.5]).round(1)
    array([[-1.6],
           [ 2.2]])
    """
    candidates = [*weights, math.inf]  # the last is the baseline
    risks = np.zeros((len(candidates), len(relatedness), len(n_target)))
    for design in range(designs):
        for column, n in enumerate(n_target):
            pair = draw_pair(0.0, n_target=n, seed=seed + design, **world)
            if n < (least := len(pair.source_weights) + 2):
                raise UserError(f"n_target must be at least n_features + 2 = {least}, not {n}.")
            pull, variance = _pull_and_variance(pair, candidates)
            u = pair.target_weights  # at relatedness 0 the target's weights are u itself
            for row, rho in enumerate(relatedness):
                apart = (1 - rho) * pair.source_weights - math.sqrt(1 - rho**2) * u
                risks[:, row, column] += np.sum((pull @ apart) ** 2, axis=-1) + variance
    return np.log2(risks[-1] / risks[:-1].min(axis=0))


def _pull_and_variance(pair: Pair, weight: ArrayLike) -> tuple[Array, Array]:
    """Return M⁻¹A_s (k, d, d), which turns w_s - w_t into the bias, and the variance (k,)."""
    shares = _shares(pair, weight)
    A_s, A_t = pair.source.moments()[0], pair.target.moments()[0]
    share_s, share_t = shares[:, 0, None, None], shares[:, 1, None, None]
    inverse = np.linalg.inv(share_s * A_s + share_t * A_t)
    of_source = np.einsum("kij,jl,kli->k", inverse, A_s, inverse) * shares[:, 0] ** 2
    of_target = np.einsum("kij,jl,kli->k", inverse, A_t, inverse) * shares[:, 1] ** 2
    total = of_source / len(pair.source.labels) + of_target / len(pair.target.labels)
    return inverse @ (share_s * A_s), pair.noise**2 * total


def _shares(pair: Pair, weight: ArrayLike) -> Array:
    """Return (1, λ)/(1 + λ) for every λ, shape (k, 2): same minimizer, and finite at λ = ∞."""
    weights = np.atleast_1d(np.asarray(weight, dtype=float))
    if not (weights >= 0).all():
        raise UserError(f"weight (λ) must be at least 0, not {weights.min()}.")
    (n_s, d), n_t = pair.source.features.shape, len(pair.target.labels)
    items = (weights < math.inf) * n_s + (weights > 0) * n_t
    if items.min() < d:
        raise UserError(f"{items.min()} items do not determine {d} weights; {d} would.")
    source_share = 1 / (1 + weights)
    return np.stack([source_share, 1 - source_share], axis=1)
