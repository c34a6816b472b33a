r"""Two domains on frozen features: what a linear classifier can make of source and target.

With the encoder frozen the document's objective L_s + λ L_t is convex: every arm is solved to its
optimum, and none can be said to have been stopped too early. Shapes: n source items, m target
items, d features; all arrays are 64-bit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers import UserError

Array = NDArray[np.float64]


def item_weights(n_source: int, n_target: int, weight: float) -> Array:
    r"""Return what each item counts in L_s + λ L_t, both losses means over their items, (n + m,).

    The source's items come first. Weights are scaled to a mean of 1, so that λ moves what counts
    and not how strong the penalty is beside it.

    Args:
        n_source: items of the source, n.
        n_target: items of the target, m.
        weight: λ in [0, inf): 0 is the source alone.

    Raises:
        UserError: no item of a domain, or a λ outside its range.

    >>> item_weights(4, 2, 1.0).tolist()
    [0.75, 0.75, 0.75, 0.75, 1.5, 1.5]
    """
    if min(n_source, n_target) < 1 or not 0 <= weight < np.inf:
        raise UserError(
            f"L_s + λ L_t needs items of both domains and a λ of 0 or more, not {n_source} and "
            f"{n_target} items with λ = {weight}."
        )
    each = np.r_[np.full(n_source, 1 / n_source), np.full(n_target, weight / n_target)]
    result: Array = each / each.mean()
    return result


def aligned(features: Array, source: Array, target: Array) -> Array:
    r"""Return ``features`` of the source, moved to where the target's texts lie: CORAL.

    $(x - \mu_s)\, C_s^{-1/2} C_t^{1/2} + \mu_t$ with $C = \mathrm{cov} + I$: means and covariances
    become the target's. Source: Sun, Feng & Saenko 2016, *Return of frustratingly easy domain
    adaptation* (AAAI, arXiv 1511.05547), algorithm 1, whose features have mean 0.

    Args:
        features: (k, d) to be moved.
        source: (n, d) what the source looks like.
        target: (m, d) what the target looks like; no labels are needed.

    >>> rng = np.random.default_rng(0)
    >>> here, there = rng.normal(size=(500, 2)), 5 + 3 * rng.normal(size=(500, 2))
    >>> aligned(here, here, there).mean().round(0)
    np.float64(5.0)
    """
    whiten, colour = _power(source, -0.5), _power(target, 0.5)
    result: Array = (features - source.mean(0)) @ whiten @ colour + target.mean(0)
    return result


def _power(rows: Array, exponent: float) -> Array:
    """Return (cov + I) to a power, (d, d)."""
    values, vectors = np.linalg.eigh(np.cov(rows.T) + np.eye(rows.shape[1]))
    result: Array = (vectors * values**exponent) @ vectors.T
    return result


def importance(source: Array, target: Array, regularization: float = 1e-3) -> Array:
    """Return how much more often a source item would come up in the target, (n,), mean 1.

    A logistic regression tells the domains apart; the odds that it gives an item are the ratio of
    the two densities, up to the sizes of the samples. Sources: Shimodaira 2000 (Journal of
    Statistical Planning and Inference 90); Bickel, Brückner & Scheffer 2007 (ICML).

    Args:
        source: (n, d).
        target: (m, d), without labels.
        regularization: inverse penalty of that regression; the larger, the fewer items count.

    >>> weights = importance(np.array([[-1.0], [1.0]]), np.array([[1.0], [2.0]]), 1.0)
    >>> bool(weights[1] > weights[0]), float(weights.mean())
    (True, 1.0)
    """
    from helpers.evaluation.probes import probe

    domain = np.r_[np.zeros(len(source)), np.ones(len(target))]
    classifier = probe(regularization, balanced=True).fit(np.vstack([source, target]), domain)
    odds = np.exp(classifier.decision_function(source))
    result: Array = odds / odds.mean()
    return result


def surest(probabilities: Array, share: float = 0.5) -> NDArray[np.int64]:
    """Return the places of the items that are answered most surely, ``share`` of each class's.

    What self-training takes for labels: class by class, or the easiest class would be all there
    is. Source: Zou et al. 2018, *Unsupervised domain adaptation via class-balanced self-training*
    (ECCV); the idea of pseudo-labels is Lee's (2013, ICML workshop).

    Args:
        probabilities: (m, c) of every class.
        share: in (0, 1].

    >>> surest(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])).tolist()
    [0, 2]
    """
    if not 0 < share <= 1:
        raise UserError(f"share must be above 0 and at most 1, not {share}.")
    answers, sure = probabilities.argmax(1), probabilities.max(1)
    kept: list[Any] = []
    for label in np.unique(answers):
        rows = np.flatnonzero(answers == label)
        kept.append(
            rows[np.argsort(-sure[rows], kind="stable")][: max(1, round(share * len(rows)))]
        )
    return np.sort(np.concatenate(kept))
