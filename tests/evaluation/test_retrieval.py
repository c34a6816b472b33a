"""Ranks against scikit-learn; ties gain nothing, nor does the order of candidates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score

from helpers import UserError
from helpers.evaluation.retrieval import ranks, recall_at, reciprocal_ranks


@pytest.fixture
def ranking():
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 7)), rng.integers(0, 7, 50)


def test_mrr_and_recall_are_those_of_scikit_learn(ranking):
    scores, right = ranking
    found = ranks(scores, right)
    mrr = label_ranking_average_precision_score(np.eye(7)[right], scores)
    assert reciprocal_ranks(found).mean() == pytest.approx(mrr)
    for k in (1, 2, 5):
        recall = top_k_accuracy_score(right, scores, k=k, labels=range(7))
        assert recall_at(found, k).mean() == pytest.approx(recall)


@pytest.mark.parametrize("m", [1, 2, 5])
def test_equal_scores_are_at_the_mean_place(m):
    assert ranks(np.zeros((m, m)), np.arange(m)).tolist() == [(m + 1) / 2] * m


@given(st.integers(0, 10_000), st.integers(1, 8))
def test_the_order_of_candidates_changes_no_rank(seed, m):
    rng = np.random.default_rng(seed)
    scores, right = rng.integers(0, 4, (5, m)), rng.integers(0, m, 5)  # with ties
    order = rng.permutation(m)
    moved = ranks(scores[:, order], np.argsort(order)[right])
    assert moved.tolist() == ranks(scores, right).tolist()
    assert (moved >= 1).all() and (moved <= m).all()


def test_bad_input_is_a_sentence():
    with pytest.raises(UserError, match=r"n right columns, not \(2, 2\) and \(3,\)\."):
        ranks(np.eye(2), [0, 1, 0])
    with pytest.raises(UserError, match=r"n right columns, not \(2,\) and \(2,\)\."):
        ranks([0.1, 0.2], [0, 1])
    for column in (-1, 2):
        with pytest.raises(UserError, match="A right candidate lies outside of the 2 candidates"):
            ranks(np.eye(2), [0, column])
    with pytest.raises(UserError, match=r"^2 scores are not numbers\.$"):
        ranks([[np.nan, 1], [np.nan, 0]], [0, 1])
    with pytest.raises(UserError, match=r"^k must be at least 1, not 0\.$"):
        recall_at([1.0], 0)
