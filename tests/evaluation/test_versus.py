"""Two given systems: what is said about them, against their definition and against simulation."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from helpers import UserError
from helpers.evaluation import metrics
from helpers.evaluation.versus import by_class, classifiers, versus


def drawn(n, rng, a=0.85, b=0.8):
    """Return classes, and what two classifiers say of them, right so often."""
    truth = rng.integers(0, 3, n)
    said = [np.where(rng.random(n) < q, truth, rng.integers(0, 3, n)) for q in (a, b)]
    return truth, *said


def test_scores_are_those_of_an_independent_library():
    truth, a, b = drawn(500, np.random.default_rng(0))
    accuracy, f1 = classifiers(truth, a, b, 3)
    assert accuracy.a == pytest.approx(accuracy_score(truth, a))
    assert f1.b == pytest.approx(f1_score(truth, b, average="macro"))
    gap = f1_score(truth, a, average="macro") - f1_score(truth, b, average="macro")
    assert f1.difference.value == pytest.approx(gap)


def test_swapping_the_systems_mirrors_what_is_found():
    truth, a, b = drawn(400, np.random.default_rng(1), 0.95, 0.7)
    one, other = classifiers(truth, a, b, 3)[0], classifiers(truth, b, a, 3)[0]
    assert (one.finding, other.finding) == ("A is better", "B is better")
    assert one.difference.low == pytest.approx(-other.difference.high)
    assert one.needed == other.needed


def test_needed_items_are_those_of_the_textbook():
    rng = np.random.default_rng(2)
    a, b = rng.random(2000) < 0.82, rng.random(2000) < 0.8
    found = versus("accuracy", a, b, smallest=0.03)
    variance = np.var(a * 1.0 - b * 1.0, ddof=1)
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert found.needed_smallest == pytest.approx(variance * (z / 0.03) ** 2, rel=0.01)


def test_so_many_items_do_find_the_difference_of_macro_f1():
    rng = np.random.default_rng(3)
    truth, a, b = drawn(3000, rng)
    seen = versus("macro F1", *(metrics.contributions(truth, said, 3) for said in (a, b)),
                  metrics.macro_f1_of_means)  # fmt: skip
    draws = rng.integers(0, 3000, (200, seen.needed))

    def score(said, one):
        return f1_score(truth[one], said[one], average="macro")

    gaps = np.array([score(a, one) - score(b, one) for one in draws])
    share = np.mean(gaps > stats.norm.ppf(0.975) * gaps.std())
    assert share == pytest.approx(0.8, abs=0.1)


def test_no_difference_needs_a_narrow_interval():
    same = np.repeat([1, 0], [7000, 3000])
    one_off = same.copy()
    one_off[:5] = 0
    assert versus("accuracy", same, one_off).finding == "no difference"
    assert versus("accuracy", same[::100], one_off[::100]).finding == "undecided"


def test_systems_that_are_level_need_no_number_for_nothing():
    right = np.array([1, 1, 0, 1])
    found = versus("accuracy", right, right)
    assert found.needed is None


def test_classes_stand_each_with_its_own_items():
    truth, a, b = [0, 0, 1, 1, 2], [0, 0, 1, 0, 2], [0, 1, 1, 1, 0]
    rows = by_class(truth, a, b, ["x", "y", "z"])
    assert [(row.name, row.n, row.recall) for row in rows] == [
        ("x", 2, (1.0, 0.5)), ("y", 2, (0.5, 1.0)), ("z", 1, (1.0, 0.0))
    ]  # fmt: skip
    assert not rows[2].difference.defined  # one item has no spread


def test_mistakes_are_sentences():
    with pytest.raises(UserError, match=r"must be above 0, not 0\."):
        versus("accuracy", [1, 0], [0, 1], smallest=0)
    with pytest.raises(UserError, match="at least 2 items"):
        versus("accuracy", [1], [0])
