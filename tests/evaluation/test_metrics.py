import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from helpers import UserError
from helpers.evaluation import metrics


@st.composite
def predictions(draw, most_classes=6):
    """Labels of which some classes may be absent from one side or both."""
    k = draw(st.integers(1, most_classes))
    n = draw(st.integers(1, 40))
    labels = st.lists(st.integers(0, k - 1), min_size=n, max_size=n)
    return np.array(draw(labels)), np.array(draw(labels)), k


ORACLES = [
    (metrics.precision, oracle.precision_score),
    (metrics.recall, oracle.recall_score),
    (metrics.f1, oracle.f1_score),
]


@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@pytest.mark.parametrize(("ours", "theirs"), ORACLES)
@pytest.mark.parametrize(("undefined", "zero_division"), [(0.0, 0.0), (1.0, 1.0), ("skip", np.nan)])
@settings(deadline=None)
@given(case=predictions())
def test_scores_equal_scikit_learn(ours, theirs, average, undefined, zero_division, case):
    true, pred, k = case
    found = ours(true, pred, k, average=average, undefined=undefined)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = theirs(
            true, pred, labels=list(range(k)), average=average, zero_division=zero_division
        )
    if average == "weighted" and np.isnan(found):
        # No class with items has a precision: scikit-learn then weighs classes without items.
        supported = np.bincount(true, minlength=k) > 0
        assert np.isnan(ours(true, pred, k, average=None)[supported]).all()
        return
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@settings(deadline=None)
@given(predictions())
@pytest.mark.filterwarnings("ignore:A single label")
def test_confusion_and_accuracy_equal_scikit_learn(case):
    true, pred, k = case
    matrix = metrics.confusion(true, pred, k)
    np.testing.assert_array_equal(matrix, oracle.confusion_matrix(true, pred, labels=range(k)))
    assert metrics.accuracy(true, pred) == pytest.approx(oracle.accuracy_score(true, pred))
    assert metrics.accuracy(true, pred, k) == pytest.approx(matrix.trace() / matrix.sum())


@pytest.mark.parametrize("score", [metrics.precision, metrics.recall, metrics.f1])
@settings(deadline=None)
@given(case=predictions(), seed=st.integers(0, 99))
def test_scores_are_shares_whatever_the_order_of_items(score, case, seed):
    true, pred, k = case
    order = np.random.default_rng(seed).permutation(len(true))
    for average in ("macro", "micro", "weighted", None):
        found = score(true, pred, k, average=average)
        np.testing.assert_array_equal(found, score(true[order], pred[order], k, average=average))
        assert np.all(np.isnan(found) | ((np.asarray(found) >= 0) & (np.asarray(found) <= 1)))
    assert score(true, pred, k, average="micro") == pytest.approx(metrics.accuracy(true, pred))


def test_recall_starts_from_those_that_are_positive():
    # Ten sick people, of whom nine are found; ninety healthy ones, of whom thirty are accused.
    true = [1] * 10 + [0] * 90
    pred = [1] * 9 + [0] + [1] * 30 + [0] * 60
    assert metrics.recall(true, pred, 2, average=None)[1] == 0.9
    assert metrics.precision(true, pred, 2, average=None)[1] == pytest.approx(9 / 39)


def test_undefined_says_so_and_reaches_the_averages():
    true, pred = [0, 0, 1], [0, 0, 0]  # class 1 is never predicted, class 2 is nowhere
    np.testing.assert_array_equal(
        metrics.precision(true, pred, 3, average=None), [2 / 3, np.nan, np.nan]
    )
    assert np.isnan(metrics.precision(true, pred, 3))
    assert np.isnan(metrics.precision(true, pred, 3, average="weighted"))
    assert metrics.recall(true, pred, 3, average="weighted") == pytest.approx(2 / 3)
    assert metrics.f1(true, pred, 3, average=None)[1] == 0.0
    assert np.isnan(metrics.recall([0], [1], 3, average="macro"))
    assert metrics.recall([0], [1], 3, undefined="skip") == 0.0
    assert np.isnan(metrics.precision([0], [1], 2, average="weighted", undefined="skip"))


@settings(deadline=None)
@given(predictions())
def test_macro_f1_from_contributions(case):
    true, pred, k = case
    present = np.unique(true)
    each = metrics.f1(true, pred, k, average=None)
    means = metrics.contributions(true, pred, k).mean(axis=0)
    assert metrics.macro_f1_of_means(means) == pytest.approx(np.mean(each[present]))
    if len(present) == k:
        assert metrics.macro_f1_of_means(means) == pytest.approx(metrics.f1(true, pred, k))


@pytest.mark.parametrize(
    ("true", "pred", "k", "says"),
    [
        ([0, 1], [0], 2, "have 2 and 1"),
        ([], [], 2, "at least one label"),
        ([0, 2], [0, 1], 2, "label 2, outside the 2 classes"),
        ([0, 1], [0, -1], 2, "y_pred holds the label -1"),
        ([0, np.nan], [0, 1], 2, "holds nan"),
        ([0, 0.5], [0, 1], 2, "holds 0.5"),
        (["a", "b"], [0, 1], 2, "whole numbers"),
        ([[0, 1]], [[0, 1]], 2, "not shape"),
        ([0], [0], 0, "at least 1"),
        ([0], [0], 1.5, "whole number"),
    ],
)
def test_bad_labels_are_refused_in_one_sentence(true, pred, k, says):
    with pytest.raises(UserError, match=says) as caught:
        metrics.f1(true, pred, k)
    assert "\n" not in str(caught.value)


def test_bad_options_are_refused():
    with pytest.raises(UserError, match="average must be"):
        metrics.f1([0], [0], 1, average="mean")
    with pytest.raises(UserError, match="undefined must be"):
        metrics.f1([0], [0], 1, undefined="zero")


def test_whole_floats_and_booleans_are_labels():
    assert metrics.accuracy([1.0, 0.0], [True, True]) == 0.5
