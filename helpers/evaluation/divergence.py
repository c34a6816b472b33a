"""How far two domains lie apart, and how good answers look, without a label of the target."""

import numpy as np
import numpy.typing as npt
from scipy.special import entr
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import UserError
from helpers.evaluation.probes import probe


def proxy_a_distance(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    folds: int = 5,
    regularization: float = 1.0,
    seed: int = 0,
) -> float:
    r"""Return the proxy A-distance 2(1 - 2ε) of two sets of features, in [0, 2].

    ε is the balanced error of a linear classifier that tells the domains apart, on items that it
    was not fitted to (cross-validated). 0: it cannot, they look alike; 2: it always can. It bounds
    the loss of accuracy from one domain to the other only together with the error of the best
    common classifier, so a large distance need not hurt. Source: Ben-David et al. 2007, *Analysis
    of representations for domain adaptation* (NeurIPS), section 4.

    Args:
        a: (n, d) features of items of one domain.
        b: (m, d) of the other.
        folds: of the cross-validation, at least 2.
        regularization: inverse penalty C of the classifier, above 0.
        seed: of the folds.

    Raises:
        UserError: other shapes, or fewer items than folds.

    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(size=(2, 100, 5))
    >>> proxy_a_distance(near, far) < 0.5, proxy_a_distance(near, far + 5)
    (True, 2.0)
    """
    first, second = (np.asarray(one, dtype=float) for one in (a, b))
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise UserError(
            "The features must be (n, d) and (m, d) with one d, not "
            f"{first.shape} and {second.shape}."
        )
    least = min(len(first), len(second))
    if not 2 <= folds <= least:
        raise UserError(f"folds must be from 2 to {least}, the items of a domain, not {folds}.")
    domain = np.repeat([0, 1], [len(first), len(second)])
    classifier = make_pipeline(StandardScaler(), probe(regularization, balanced=True))
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    said = cross_val_predict(classifier, np.vstack([first, second]), domain, cv=cut)
    error = np.mean([np.mean(said[domain == one] != one) for one in (0, 1)])
    return float(np.clip(2 * (1 - 2 * error), 0, 2))


def information_maximization(probabilities: npt.ArrayLike) -> float:
    r"""Return H(mean answer) - mean H(answer) of (n, c) probabilities, in nats, in [0, ln c].

    High where a model is sure of every item and yet gives all classes: a criterion for choosing
    among adapted models that needs no label of the target. Sure and wrong looks as good. Source:
    Shi & Sha 2012, *Information-theoretical learning of discriminative clusters* (ICML), eq. 3.

    Raises:
        UserError: not (n, c), or rows that are no probabilities.

    >>> information_maximization([[1.0, 0.0], [0.0, 1.0]]), information_maximization([[0.5, 0.5]])
    (0.6931471805599453, 0.0)
    """
    p = np.asarray(probabilities, dtype=float)
    if p.ndim != 2 or not len(p) or (p < 0).any() or not np.allclose(p.sum(1), 1, atol=1e-4):
        raise UserError("probabilities must be (n, c), at least 0, each row with the sum 1.")
    return float(entr(p.mean(0)).sum() - entr(p).sum(1).mean())
