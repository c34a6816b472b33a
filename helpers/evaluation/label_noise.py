"""Which labels are probably wrong, by what a model says of items that it was not fitted to."""

import numpy as np
import numpy.typing as npt

from helpers import UserError


def label_suspects(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> npt.NDArray[np.int64]:
    r"""Return the items whose label is probably wrong, the most suspect first.

    Confident learning: with :math:`t_j` the mean probability of class j over the items labelled j,
    item i is a suspect if among the classes with :math:`p_{ij} \ge t_j` the most probable is not
    its label. Suspects are ordered by the probability of that class minus the label's. Source:
    Northcutt, Jiang & Chuang 2021, *Confident learning* (JAIR 70, arXiv 1911.00068), eq. 1 and
    section 3.2 (method 1).

    A suspect is for somebody to look at, not to delete: rare kinds of text are suspects too.

    Args:
        probabilities: (n, c) of items that the model was not fitted to (cross-validated).
        labels: (n,) given classes, 0 to c - 1.

    Raises:
        UserError: shapes that do not fit, labels that are not classes.

    >>> label_suspects([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.95, 0.05]], [0, 0, 1, 1])
    array([3])
    """
    p, given = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if p.ndim != 2 or given.shape != p.shape[:1] or not len(p):
        raise UserError(
            f"probabilities must be (n, c) and labels (n,), not {p.shape} and {given.shape}."
        )
    if not np.isin(given, np.arange(p.shape[1])).all():
        raise UserError(f"labels must be classes from 0 to {p.shape[1] - 1}.")
    thresholds = np.array(
        [p[given == j, j].mean() if (given == j).any() else np.inf for j in range(p.shape[1])]
    )
    confident = np.where(p >= thresholds, p, -np.inf)
    predicted = confident.argmax(1)
    suspects = np.flatnonzero((confident.max(1) > -np.inf) & (predicted != given))
    margin = p[suspects, predicted[suspects]] - p[suspects, given[suspects]]
    return suspects[np.argsort(-margin, kind="stable")]
