"""Label suspects: against the definition in a double loop, planted errors, errors."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.label_noise import label_suspects


def by_definition(p, labels):
    """Eq. 1 of the paper, item by item."""
    classes = range(p.shape[1])
    means = {
        j: np.mean([row[j] for row, y in zip(p, labels, strict=True) if y == j]) for j in classes
    }
    found = {}
    for i, y in enumerate(labels):
        sure = [j for j in classes if p[i, j] >= means[j]]
        if sure and (best := max(sure, key=lambda j: p[i, j])) != y:
            found[i] = p[i, best] - p[i, y]
    return sorted(found, key=lambda i: -found[i])


@pytest.mark.parametrize("seed", range(5))
def test_suspects_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(4), 60)
    labels = rng.integers(0, 4, 60)
    assert label_suspects(p, labels).tolist() == by_definition(p, labels)


def test_planted_errors_are_found():
    rng = np.random.default_rng(0)
    truth = np.arange(300) % 3
    p = 0.1 * rng.dirichlet(np.ones(3), 300) + 0.9 * np.eye(3)[truth]
    labels = truth.copy()
    labels[:15] = (labels[:15] + 1) % 3
    assert sorted(label_suspects(p, labels)) == list(range(15))
    assert not len(label_suspects(p, truth))


def test_a_class_that_nobody_has_is_no_suspicion():
    assert label_suspects([[0.1, 0.9], [0.2, 0.8]], [0, 0]).tolist() == []


def test_mistakes_are_sentences():
    with pytest.raises(
        UserError, match=r"must be \(n, c\) and labels \(n,\), not \(2, 2\) and \(1,"
    ):
        label_suspects(np.ones((2, 2)), [0])
    with pytest.raises(UserError, match="labels must be classes from 0 to 1"):
        label_suspects(np.ones((2, 2)), [0, 2])
