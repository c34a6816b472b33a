"""Candidates are compared on texts that they have not seen; ties go to the simplest."""

import numpy as np
import pytest

from helpers.delivery import choose
from helpers.delivery.candidates import Bag, Largest
from helpers.delivery.choose import Tried
from tests.delivery import made


@pytest.mark.parametrize("n", [40, 999, 1000, 30_000])
def test_nobody_is_judged_on_what_he_learned(n):
    labels = np.arange(n) % 3
    folds = choose.folds_of(labels)
    for fit, held in folds:
        assert not set(fit) & set(held) and len(fit) + len(held) == n
    judged = choose.held_out_places(folds)
    assert len(set(judged)) == len(judged) == (n if n < 1000 else min(n // 5, 2000))


@pytest.mark.parametrize("n", [50, 1200])
def test_a_class_of_one_text_is_no_obstacle(n):
    labels = np.array([0] * (n - 1) + [1])
    folds = choose.folds_of(labels)
    assert all(len(held) for _, held in folds)


def test_few_labels_are_a_nested_draw():
    places = np.arange(100)
    assert set(choose.shuffled(places)[:10]) < set(choose.shuffled(places)[:50])
    texts, names = made.rows(60)
    labels = np.array([made.NAMES.index(name) for name in names])
    folds = choose.folds_of(labels)
    few = choose.cross_validate(Bag("words"), texts, labels, 3, folds, [{"C": 10.0}], 12)
    assert few.labels == 12 and len(few.probabilities) == 60


def test_the_better_setting_is_taken_and_texts_keep_their_order():
    texts, names = made.rows(90)
    labels = np.array([made.NAMES.index(name) for name in names])
    folds = choose.folds_of(labels)
    settings = [{"C": 1e-6}, {"C": 100.0}]
    tried = choose.cross_validate(Bag("words"), texts, labels, 3, folds, settings, 90)
    assert tried.setting == {"C": 100.0} and tried.scores[1] > tried.scores[0]
    assert (tried.probabilities.argmax(1) == labels).mean() > 0.9


def test_a_dearer_candidate_must_be_better_by_a_standard_error():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    sure = np.where(labels[:, None] == [0, 1], 0.8, 0.2)
    noise = np.clip(sure + rng.normal(0, 0.1, (400, 1)) * [[1, -1]], 0.01, 0.99)
    simple, dear = Tried(Largest(), {}, noise, 9), Tried(Bag("words"), {}, sure, 9)
    ranked = list(choose.ranking([simple, dear], labels))
    assert ranked[1][1] == 0 and ranked[0][1] > ranked[0][2] > 0
    assert choose.simplest([simple, dear], labels) is dear
    few = slice(0, 4)
    pair = [Tried(one.candidate, {}, one.probabilities[few], 9) for one in (simple, dear)]
    behind, error = next(choose.ranking(pair, labels[few]))[1:]
    assert (choose.simplest(pair, labels[few]) is pair[0]) == (behind <= error)


def test_equal_candidates_go_to_the_first():
    table = np.full((10, 2), 0.5)
    pair = [Tried(Largest(), {}, table, 9), Tried(Bag("words"), {}, table, 9)]
    assert choose.simplest(pair, np.zeros(10, int)) is pair[0]


def test_a_temperature_mends_overconfidence_and_changes_no_answer():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (2000, 3))
    table = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(3, p=row) for row in table])
    sharp = choose.tempered(table, 1 / 3)
    t = choose.temperature(sharp, labels)
    assert t == pytest.approx(3, rel=0.1)
    assert (choose.tempered(sharp, t).argmax(1) == sharp.argmax(1)).all()
