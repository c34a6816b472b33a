"""The estimate's numbers against scikit-learn's, and its interval against many re-draws."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from helpers.delivery.candidates import Bag
from helpers.delivery.estimate import Estimate
from tests.delivery import made


@pytest.fixture(scope="module")
def estimate():
    rng = np.random.default_rng(0)
    table = rng.dirichlet([1, 1, 1], 300)
    truth = np.array([rng.choice(3, p=row) for row in table])
    return Estimate(["a", "b", "c"], truth, table)


def test_scores_are_the_librarys(estimate):
    truth, said = estimate.truth, estimate.probabilities.argmax(1)
    assert estimate.accuracy.value == pytest.approx(accuracy_score(truth, said))
    assert estimate.macro_f1.value == pytest.approx(f1_score(truth, said, average="macro"))
    assert estimate.macro_f1.low < estimate.macro_f1.value < estimate.macro_f1.high
    table = precision_recall_fscore_support(truth, said)
    for k, row in enumerate(estimate.classes()):
        found = [row["precision"], row["recall"], row["F1"], row["texts"]]
        np.testing.assert_allclose(found, [column[k] for column in table])
    assert estimate.confusion().sum() == 300
    np.testing.assert_array_equal(estimate.confusion().sum(1), np.bincount(truth))


def test_probabilities_that_are_true_are_calibrated(estimate):
    bins, gap = estimate.calibration()
    assert sum(one.n for one in bins) == 300 and gap < 0.1


def test_errors_come_the_surest_first(estimate):
    places = estimate.errors()
    assert set(places) == set(np.flatnonzero(estimate.probabilities.argmax(1) != estimate.truth))
    assert (np.diff(estimate.probabilities.max(1)[places]) <= 0).all()


def test_a_difference_to_itself_is_nothing(estimate):
    worse = Estimate(estimate.names, estimate.truth, np.tile([1.0, 0, 0], (300, 1)))
    assert all(gain.value == 0 for gain in estimate.over(estimate))
    assert all(gain.low > 0 for gain in estimate.over(worse))


def test_the_interval_covers_what_many_unseen_texts_say():
    """Of 40 drawn files at most 6 may miss (95 % intervals: 2 expected, 7 or more in 1 of 200)."""
    many, names = made.rows(1500, share=0.2, seed=99)
    asked = np.array([made.NAMES.index(name) for name in names])
    missed = 0
    for seed in range(40):
        texts, drawn = made.rows(120, share=0.2, seed=seed)
        labels = np.array([made.NAMES.index(name) for name in drawn])
        (model,) = Bag("words").fit(texts[:80], labels[:80], 3, [{"C": 10.0}])
        found = Estimate(made.NAMES, labels[80:], model.probabilities(texts[80:])).accuracy
        true = (model.probabilities(many).argmax(1) == asked).mean()
        missed += not found.low <= true <= found.high
    assert missed <= 6
