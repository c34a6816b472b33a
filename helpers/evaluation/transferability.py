r"""Transferability: how well would a pretrained model serve a task, before it is fine-tuned?

Each score looks at what the *frozen* model gives for the task's training items, its ``features``
(n, d), and at the target ``labels`` (n,), classes 0 to k - 1. Higher is better. A score ranks
models on one task; its size means nothing across tasks, and none is more than a guess.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors

from helpers import UserError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def logme(features: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    r"""Return LogME: the evidence of a Bayesian linear model, per item, mean over classes.

    For each class the labels, as 0/1, are taken for $y = Fw + \epsilon$ with
    $w \sim N(0, I/\alpha)$, $\epsilon \sim N(0, I/\beta)$; the evidence $\log p(y \mid F)$ is
    maximized over $\alpha, \beta$ and divided by n. In nats per item, in (-inf, inf); features are
    used as they are, neither centred nor scaled. Source: You et al. 2021, *LogME* (ICML).

    The original finds the maximum by a fixed-point iteration. Here, with the singular values $s_i$
    of F, $z = U^\top y$ and $t = \alpha/\beta$, the best $\beta$ is known, and t alone is searched:

    .. math:: \log p = -\tfrac n2 \log\tfrac{2\pi e\,Q(t)}{n}
              + \tfrac12 \sum_i \log\tfrac{t}{t+s_i^2},\quad
              Q(t) = \lVert y\rVert^2 - \sum_i z_i^2 \tfrac{s_i^2}{t+s_i^2}

    which holds for n < d, for features without full rank and for constant ones alike.

    Raises:
        UserError: shapes that differ, missing values, a class without an item, fewer than 2 items.

    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> good, bad = rng.normal(size=(100, 4)) + 3 * y[:, None], rng.normal(size=(100, 4))
    >>> logme(good, y) > logme(bad, y)
    True
    """
    table, classes, k = _checked(features, labels)
    n = len(table)
    left, singular, _ = np.linalg.svd(table, full_matrices=False)
    kept = singular > np.finfo(float).eps * max(table.shape) * max(singular.max(initial=0), 1e-300)
    squares = singular[kept] ** 2
    best = []
    for label in range(k):
        y = (classes == label).astype(float)
        projected = (left[:, kept].T @ y) ** 2
        # What no feature explains; exactly nothing where the features span all items.
        unexplained = max(float(y @ y - projected.sum()), 0.0) if len(squares) < n else 0.0
        best.append(_best_evidence(squares, projected, unexplained, n))
    return float(np.mean(best) / n)


def _best_evidence(squares: Floats, projected: Floats, unexplained: float, n: int) -> float:
    """Return the largest log evidence over t = alpha / beta."""

    def evidence(log_t: Floats) -> Floats:
        share = 1 / (1 + squares * np.exp(-log_t)[..., None])  # t / (t + s²), (points, rank)
        quadratic = np.maximum(share @ projected + unexplained, 1e-300)
        fit = -n / 2 * (np.log(2 * np.pi * quadratic / n) + 1)
        return fit + 0.5 * np.log(share).sum(axis=-1)

    scale = np.log(squares) if len(squares) else np.zeros(1)
    grid = np.linspace(scale.min() - 25, scale.max() + 25, 400)
    values = evidence(grid)
    place = int(values.argmax())
    low, high = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda x: -float(evidence(np.array([x]))[0]),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return max(float(values[place]), -float(found.fun))


def h_score(features: npt.ArrayLike, labels: npt.ArrayLike, *, shrink: bool = True) -> float:
    r"""Return the H-score: how much of the features' variance lies between the classes.

    .. math:: H = \operatorname{tr}\big(\Sigma_f^{+}\, \Sigma_{E[f \mid y]}\big)

    No unit, in [0, min(d, k - 1)]. The plain score (``shrink`` False) inverts the sample covariance
    by its pseudo-inverse; with fewer items than dimensions it says k - 1 for any features, noise
    too. ``shrink`` takes Ledoit and Wolf's covariance instead, which keeps it honest there.
    Sources: Bao et al. 2019, *An information-theoretic approach to transferability* (ICIP); Ibrahim
    et al. 2022, *Newer is not always better* (ECML PKDD), for the shrinkage.

    >>> y = np.repeat([0, 1], 4)
    >>> x = np.array([0.0, 1, 0, 1, 4, 5, 4, 5])[:, None]
    >>> round(h_score(x, y, shrink=False), 4)  # 16 / 4 between, 17 / 4 in all
    0.9412
    """
    table, classes, k = _checked(features, labels)
    centred = table - table.mean(axis=0)
    if not centred.any():
        return 0.0  # constant features tell nothing
    if shrink:
        covariance, amount = ledoit_wolf(centred, assume_centered=True)
    else:
        covariance, amount = centred.T @ centred / len(table), 0.0
    between = np.stack([centred[classes == label].mean(axis=0) for label in range(k)])[classes]
    between_covariance = between.T @ between / len(table) * (1 - amount)
    inverse = np.linalg.pinv(covariance, hermitian=True)
    return float(np.trace(inverse @ between_covariance))


def knn_accuracy(features: npt.ArrayLike, labels: npt.ArrayLike, neighbours: int = 5) -> float:
    """Return the share of items whose nearest others, by cosine, vote for their class.

    Each item is left out of its own vote; ties go to the nearer. In [0, 1]. The simplest proxy of
    what features are worth, and often hard to beat.

    >>> y = np.repeat([0, 1], 6)
    >>> knn_accuracy(np.stack([1 - y, y], axis=1) + 0.01, y, neighbours=3)
    1.0
    """
    table, classes, k = _checked(features, labels)
    if not 1 <= neighbours < len(table):
        raise UserError(
            f"neighbours must be from 1 to {len(table) - 1} with {len(table)} items, "
            f"not {neighbours}."
        )
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    unit = table / np.where(lengths > 0, lengths, 1)
    near = NearestNeighbors(n_neighbors=neighbours).fit(unit).kneighbors(return_distance=False)
    votes = np.zeros((len(table), k))
    for rank in range(neighbours):
        np.add.at(votes, (np.arange(len(table)), classes[near[:, rank]]), 1 - rank * 1e-6)
    return float(np.mean(votes.argmax(axis=1) == classes))


def _checked(
    features: npt.ArrayLike, labels: npt.ArrayLike, what: str = "features"
) -> tuple[Floats, Ints, int]:
    """Return features (n, d), labels (n,) and the number of classes, or say what is wrong."""
    table, given = np.asarray(features, dtype=float), np.asarray(labels)
    if table.ndim != 2 or given.ndim != 1 or len(table) != len(given):
        raise UserError(
            f"{what} and labels must have the shapes (n, d) and (n,), "
            f"not {table.shape} and {given.shape}."
        )
    if len(given) < 2:
        raise UserError(f"At least 2 items are needed, not {len(given)}.")
    if not np.isfinite(table).all():
        raise UserError(f"{what} must be finite; some are missing.")
    if given.dtype.kind not in "iu" or given.min() < 0:
        raise UserError("labels must be whole numbers from 0.")
    counts = np.bincount(given)
    if len(counts) < 2:
        raise UserError("labels must be of at least two classes; all items are of one.")
    if not counts.all():
        raise UserError(
            f"Class {int(counts.argmin())} has no item; number the classes without gaps."
        )
    return table, given.astype(np.int64), len(counts)
