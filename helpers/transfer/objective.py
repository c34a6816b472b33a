"""The joint objective of the document, L(θ) = L_s(θ) + λ L_t(θ), and the losses it joins.

:func:`joint_loss` is the one place where a source and a target loss are added: notebook 01 derives
it, 02 solves it in closed form, the later notebooks train with it. The rest is the loss of a binary
linear problem (logistic regression), with the derivatives that notebook 01 works out by hand.

Shapes: ``weights`` (d,), ``features`` (n, d), ``labels`` (n,) in [0, 1]. Unit of every loss: nats
per item (natural logarithm, mean over items).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers import UserError

Array = NDArray[np.float64]


def joint_loss(source_loss: Any, target_loss: Any, weight: Any) -> Any:
    """Return L_s + λ L_t, for anything that can be added and multiplied by a number.

    Floats, numpy arrays, torch tensors (gradients flow through it) and sympy expressions are all
    taken as they are. Adding is linear, so the same call joins two gradients or two Hessians.

    Args:
        source_loss: L_s, any unit.
        target_loss: L_t, same shape and unit as ``source_loss``.
        weight: λ in [0, ∞). At 0 only the source counts; the larger, the more the target does.
            An array of weights gives an array of losses; a sympy symbol is taken unchecked.

    Returns:
        The joint loss; type and shape are those of the sum.

    Raises:
        UserError: the weight is negative, infinite or not a number.

    Source: the document, §4.1.

    >>> joint_loss(0.5, 0.25, weight=2.0)
    1.0
    >>> joint_loss(0.5, 0.25, weight=-1)
    Traceback (most recent call last):
    ...
    helpers.UserError: weight (λ of L_s + λ L_t) must be a finite number of at least 0, not -1.
    """
    if not _is_weight(weight):
        raise UserError(
            f"weight (λ of L_s + λ L_t) must be a finite number of at least 0, not {weight!r}."
        )
    return source_loss + weight * target_loss


def _is_weight(weight: Any) -> bool:
    """Tell whether ``weight`` is finite and not negative; not a number fails both comparisons."""
    try:
        above, below = weight >= 0, weight < float("inf")
        if hasattr(above, "all"):  # numpy and torch: every element
            above, below = above.all(), below.all()
        return bool(above) and bool(below)
    except TypeError:  # a sympy symbol of unknown sign, or something that is no number at all
        return bool(getattr(weight, "free_symbols", None))


def bernoulli_loss(weights: ArrayLike, features: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean negative log-likelihood of labels under p = σ(Xw).

    L(w) = (1/n) Σ_i [ y_i log(1 + e^(-z_i)) + (1 - y_i) log(1 + e^(z_i)) ],  z = Xw.

    This is -y log p - (1-y) log(1-p) with p = σ(z), written with ``logaddexp`` so that it neither
    overflows nor loses small values. Convex in w; range [0, ∞), log 2 at w = 0; unit: nats an item.

    Raises:
        UserError: shapes do not fit, or labels lie outside [0, 1].

    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2009, eq. 4.20.

    >>> round(bernoulli_loss([0.0], [[1.0], [2.0]], [1, 0]), 4)
    0.6931
    >>> bernoulli_loss([1000.0], [[1.0]], [0])
    1000.0
    """
    w, X, y = _checked(weights, features, labels)
    z = X @ w
    return float(np.mean(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)))


def bernoulli_gradient(weights: ArrayLike, features: ArrayLike, labels: ArrayLike) -> Array:
    """Return the gradient of :func:`bernoulli_loss`: Xᵀ(σ(Xw) - y)/n, shape (d,).

    Raises:
        UserError: as :func:`bernoulli_loss`.

    >>> bernoulli_gradient([0.0], [[1.0], [2.0]], [1, 0]).round(4)
    array([0.25])
    """
    from scipy.special import expit  # a machine that only runs trials may have no scipy

    w, X, y = _checked(weights, features, labels)
    return X.T @ (expit(X @ w) - y) / len(y)


def bernoulli_hessian(weights: ArrayLike, features: ArrayLike, labels: ArrayLike) -> Array:
    """Return the Hessian of :func:`bernoulli_loss`: Xᵀ diag(p(1-p)) X / n, shape (d, d).

    Symmetric and positive semidefinite, whatever the labels (they do not enter): the loss is
    convex. p = σ(Xw).

    Raises:
        UserError: as :func:`bernoulli_loss`.

    >>> bernoulli_hessian([0.0], [[1.0], [2.0]], [1, 0]).round(4)
    array([[0.625]])
    """
    from scipy.special import expit  # as above

    w, X, y = _checked(weights, features, labels)
    p = expit(X @ w)
    return (X.T * (p * (1 - p))) @ X / len(y)


def printed_loss(weights: ArrayLike, features: ArrayLike, labels: ArrayLike) -> float:
    """Return the loss that the document prints in §4.2, to show why it is not one.

    (1/n) Σ_i [ -y_i (w·x_i) - (1 - y_i) ((1 - w)·x_i) ]

    "1 - w" takes a vector from the number one; it is read here as numpy does, 1 - w_j for every j.
    Affine in w with slope (1/n) Σ_i (1 - 2 y_i) x_i, so unbounded below; range (-∞, ∞). For
    demonstration only: :func:`bernoulli_loss` is what is meant.

    Raises:
        UserError: as :func:`bernoulli_loss`.

    >>> [printed_loss([w], [[1.0]], [1]) for w in (0, 10, 1000)]
    [0.0, -10.0, -1000.0]
    """
    w, X, y = _checked(weights, features, labels)
    return float(np.mean(-y * (X @ w) - (1 - y) * (X @ (1 - w))))


def _checked(
    weights: ArrayLike, features: ArrayLike, labels: ArrayLike
) -> tuple[Array, Array, Array]:
    """Return the three as float arrays whose shapes fit, or say which does not."""
    w, X, y = (np.asarray(part, dtype=float) for part in (weights, features, labels))
    if X.ndim != 2 or len(X) == 0 or w.shape != X.shape[1:] or y.shape != X.shape[:1]:
        raise UserError(
            "weights, features and labels must have the shapes (d,), (n, d) and (n,) with n > 0, "
            f"not {w.shape}, {X.shape} and {y.shape}."
        )
    if not (y.min() >= 0 and y.max() <= 1):
        raise UserError(
            f"labels must lie between 0 and 1, not between {y.min():g} and {y.max():g}."
        )
    return w, X, y
