r"""Transferability: how well would a pretrained model serve a task, before it is fine-tuned?

Each score looks at what the *frozen* model gives for the task's training items, its ``features``
(n, d) or its own class probabilities ``source`` (n, z), and at the target ``labels`` (n,), classes
0 to k - 1. Higher is better. A score ranks models on one task; its size means nothing across tasks,
and none is more than a guess: :func:`weighted_tau` and :func:`regret_at_1` say how good a guess,
once the models were fine-tuned after all.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import minimize_scalar
from sklearn.covariance import ledoit_wolf
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestNeighbors

from helpers import UserError
from helpers.evaluation.probes import probe

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
    for one in range(k):
        y = (classes == one).astype(float)
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


def leep(source: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    r"""Return LEEP: the log-likelihood of the labels under a classifier made of two tables.

    The model says source classes z with probability $\theta_i(z)$; the training items say how often
    each target class goes with each source class, $\hat P(y \mid z)$; together they predict:

    .. math:: \frac1n \sum_i \log \sum_z \hat P(y_i \mid z)\, \theta_i(z),\quad
              \hat P(y, z) = \frac1n \sum_{i: y_i = y} \theta_i(z)

    In nats per item, in [-log k, 0] up to the labels' own entropy. Source: Nguyen et al. 2020,
    *LEEP* (ICML).

    Raises:
        UserError: as :func:`logme`; rows of ``source`` that are no probabilities.

    >>> leep([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0, 0, 1, 1])
    0.0
    >>> round(leep([[0.8, 0.2], [0.4, 0.6]], [0, 1]), 4)
    -0.539
    """
    table, classes, k = _checked(source, labels, what="source")
    if (table < 0).any() or not np.allclose(table.sum(axis=1), 1, atol=1e-4):
        raise UserError("source must hold class probabilities: rows of at least 0 that sum to 1.")
    joint = np.stack([table[classes == one].sum(axis=0) for one in range(k)])
    total = joint.sum(axis=0)
    given = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return float(np.log((given[classes] * table).sum(axis=1)).mean())


def nce(source_labels: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    r"""Return the negative conditional entropy $-H(Y \mid Z)$ of the labels given source labels.

    How well knowing the class that the source model would say (one each, as arg-max) tells the
    target's. In nats, in [-log k, 0]; 0 where it tells everything. With as many source classes as
    items it is always 0, so it needs few. Source: Tran et al. 2019, *Transferability and hardness
    of supervised classification tasks* (ICCV).

    >>> nce([0, 0, 1, 1], [1, 1, 0, 0])
    0.0
    >>> round(nce([0, 0, 0, 0], [0, 0, 1, 1]), 4)
    -0.6931
    """
    z = np.asarray(source_labels)
    if z.ndim != 1 or not len(z):
        raise UserError(f"source_labels must be one class an item, not of shape {z.shape}.")
    _, z = np.unique(z, return_inverse=True)
    _, classes, k = _checked(np.zeros((len(z), 1)), labels, what="source_labels")
    counts = np.zeros((z.max() + 1, k))
    np.add.at(counts, (z, classes), 1)
    given = np.where(counts, counts, 1) / counts.sum(axis=1, keepdims=True)
    return float((counts * np.log(given)).sum() / len(z))


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
    between = np.stack([centred[classes == one].mean(axis=0) for one in range(k)])[classes]
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


def probe_accuracy(
    features: npt.ArrayLike, labels: npt.ArrayLike, folds: int = 5, *, regularization: float = 1.0
) -> float:
    """Return the cross-validated accuracy of a logistic regression on standardized features.

    In [0, 1]. Costs more than the other scores, and is closest to what a linear probe will do.

    >>> y = np.repeat([0, 1], 10)
    >>> probe_accuracy(np.stack([y, 1 - y], axis=1) + 0.0, y)
    1.0
    """
    table, classes, _ = _checked(features, labels)
    least = int(np.bincount(classes).min())
    if least < folds:
        raise UserError(
            f"probe_accuracy with {folds} folds needs {folds} items of every class; "
            f"one has {least}."
        )
    spread = table.std(axis=0)
    table = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1)
    cut = StratifiedKFold(folds, shuffle=True, random_state=0)
    model = probe(regularization)
    return float(cross_val_score(model, table, classes, cv=cut).mean())


def weighted_tau(predicted: npt.ArrayLike, achieved: npt.ArrayLike) -> float:
    """Return Vigna's weighted Kendall tau of two rankings of the same models.

    In [-1, 1]: 1 the same order and -1 the reverse, where nothing ties; with ties in one ranking
    only, neither is reached. A pair in the wrong order weighs 1 / (1 + r) + 1 / (1 + s) for models
    of ranks r and s, 0 the best, so that mistakes among the best weigh most. Ranks are taken by
    ``achieved`` (ties by ``predicted``) and the other way round, and the two results averaged:
    symmetric, but for rounding. nan where one ranking is all ties. No test comes with it: over a
    handful of models it is a description. Source: Vigna 2015, *A weighted correlation index for
    rankings with ties* (WWW).

    >>> weighted_tau([3, 2, 1], [0.9, 0.8, 0.7])
    1.0
    """
    first, second = _rankings(predicted, achieved)
    return float(stats.weightedtau(second, first, rank=True).statistic)


@dataclass(frozen=True)
class Regret:
    """What picking by prediction loses: ``value`` in the unit of the score, at least 0.

    ``chosen`` and ``best`` are the models' places; ``relative`` is value / best score.
    """

    value: float
    chosen: int
    best: int
    relative: float


def regret_at_1(predicted: npt.ArrayLike, achieved: npt.ArrayLike) -> Regret:
    """Return the score lost by fine-tuning only the model that is predicted to be best.

    Ties in the prediction count against it: of the models predicted alike, the worst is taken.

    >>> regret_at_1([0.2, 0.9, 0.5], [0.80, 0.85, 0.90]).value.__round__(3)
    0.05
    """
    first, second = _rankings(predicted, achieved)
    tied = np.flatnonzero(first == first.max())
    chosen, best = int(tied[second[tied].argmin()]), int(second.argmax())
    lost = float(second[best] - second[chosen])
    relative = lost / abs(second[best]) if second[best] else float("nan")
    return Regret(lost, chosen, best, float(relative))


def _rankings(predicted: npt.ArrayLike, achieved: npt.ArrayLike) -> tuple[Floats, Floats]:
    first, second = (np.asarray(x, dtype=float) for x in (predicted, achieved))
    if first.ndim != 1 or first.shape != second.shape or len(first) < 2:
        raise UserError(
            "predicted and achieved must have one value a model, of at least 2 models, "
            f"not shapes {first.shape} and {second.shape}."
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise UserError("predicted and achieved must be finite; some are missing.")
    return first, second


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
