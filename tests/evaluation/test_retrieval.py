"""Ranks against scikit-learn; ties are broken at random, whatever the order of candidates."""

import itertools

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
def test_a_ranker_that_says_nothing_gains_nothing(m):
    found = ranks(np.zeros((m, m)), np.arange(m))
    assert found.tolist() == [[1, m]] * m
    for k in range(1, m + 1):
        assert recall_at(found, k) == pytest.approx([k / m] * m)
    assert reciprocal_ranks(found) == pytest.approx([np.mean(1 / np.arange(1, m + 1))] * m)


def test_a_tie_of_two_for_the_first_place():
    found = ranks([[0.5, 0.5, 0.1]], [0])
    assert recall_at(found, 1).tolist() == [0.5]
    assert reciprocal_ranks(found).tolist() == pytest.approx([0.75])


def test_measures_are_means_over_every_way_to_break_ties():
    rng = np.random.default_rng(0)
    scores, right = rng.integers(0, 3, (6, 5)).astype(float), rng.integers(0, 5, 6)
    recall, reciprocal = {k: [] for k in range(1, 6)}, []
    for order in itertools.permutations(range(5)):  # who comes first among equals
        broken = ranks(scores + 1e-6 * np.array(order), right)
        assert (broken[:, 0] == broken[:, 1]).all()
        reciprocal.append(1 / broken[:, 0])
        for k, values in recall.items():
            values.append(broken[:, 0] <= k)
    found = ranks(scores, right)
    assert (found[:, 0] < found[:, 1]).any()
    np.testing.assert_allclose(reciprocal_ranks(found), np.mean(reciprocal, axis=0))
    for k, values in recall.items():
        np.testing.assert_allclose(recall_at(found, k), np.mean(values, axis=0))


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
    for measure in (reciprocal_ranks, lambda found: recall_at(found, 1)):
        with pytest.raises(UserError) as caught:
            measure(np.ones((2, 3)))
        assert str(caught.value) == (
            "Ranks must be (n, 2), first and last place, or (n,), not (2, 3)."
        )
