"""Entity scores against seqeval, and counts from which a bootstrap can be made."""

import math

import numpy as np
import pytest
import seqeval.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB2

from helpers import UserError
from helpers.evaluation.significance import bootstrap_interval, paired_bootstrap
from helpers.tasks.tagging_scores import (
    entity_counts,
    entity_scores,
    f1_of_counts,
)
from helpers.tasks.tags import label_names, repair

TYPES = ["PER", "LOC"]
SENTENCE = st.integers(1, 7).flatmap(
    lambda n: st.tuples(
        *[st.lists(st.sampled_from(label_names(TYPES)), min_size=n, max_size=n)] * 2
    )
)


@settings(deadline=None)
@given(st.lists(SENTENCE, min_size=1, max_size=6))
def test_counts_and_scores_are_those_of_seqeval(pairs):
    gold = [repair(true) for true, _ in pairs]
    predicted = [found for _, found in pairs]
    valid = [repair(found) for found in predicted]
    counts = entity_counts(gold, predicted)
    f1 = float(f1_of_counts(counts.sum(axis=0)))
    scores = entity_scores(gold, predicted, TYPES)
    if counts[:, 1:].sum() == 0:
        assert math.isnan(f1)
        assert all(math.isnan(value) for value in scores.values())
        return
    strict = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    for name in ("precision", "recall", "f1"):
        oracle = getattr(seqeval.metrics, f"{name}_score")(gold, valid, **strict)
        assert scores[name] == pytest.approx(oracle)
    assert f1 == pytest.approx(scores["f1"])
    assert float(f1_of_counts(counts.mean(axis=0))) == pytest.approx(f1)


def test_scores_by_hand():
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "I-LOC", "O", "O"]]
    found = [["B-PER", "I-PER", "O", "B-PER"], ["B-LOC", "O", "O", "B-LOC"]]
    scores = entity_scores(gold, found, ["PER", "LOC", "ORG"])
    assert scores["precision"] == 1 / 4
    assert scores["recall"] == 1 / 3
    assert (scores["precision_PER"], scores["recall_PER"]) == (1 / 2, 1.0)
    assert (scores["precision_LOC"], scores["recall_LOC"], scores["f1_LOC"]) == (0, 0, 0)
    assert math.isnan(scores["f1_ORG"])


def test_a_prediction_without_its_beginning_is_repaired_first():
    gold, found = [["B-PER", "I-PER"]], [["I-PER", "I-PER"]]
    assert entity_scores(gold, found, ["PER"])["f1"] == 1.0
    assert entity_counts(gold, found).tolist() == [[1, 1, 1]]


def test_groups_are_summed_in_the_order_of_their_first():
    gold = [["B-PER"], ["B-LOC"], ["O"], ["B-PER"]]
    found = [["B-PER"], ["O"], ["B-LOC"], ["B-PER"]]
    counts = entity_counts(gold, found, groups=["b", "a", "b", "a"])
    assert counts.tolist() == [[1, 2, 1], [1, 1, 2]]


def test_a_bootstrap_stands_on_the_counts():
    rng = np.random.default_rng(0)
    there = rng.integers(1, 4, 300)
    worse, better = rng.binomial(there, 0.6), rng.binomial(there, 0.8)
    a, b = (np.stack([right, there, there], axis=1) for right in (better, worse))
    interval = bootstrap_interval(a, statistic=f1_of_counts, resamples=2000)
    assert interval.value == pytest.approx(better.sum() / there.sum())
    assert interval.low < 0.8 < interval.high
    gain = paired_bootstrap(
        a, b, statistic=lambda x, y: f1_of_counts(x) - f1_of_counts(y), resamples=2000
    )
    assert gain.value == pytest.approx((better.sum() - worse.sum()) / there.sum())
    assert gain.low > 0.05


def test_f1_keeps_the_shape_of_what_it_gets():
    assert f1_of_counts(np.ones((4, 5, 3))).shape == (4, 5)
    assert np.isnan(f1_of_counts([0, 0, 0]))
    assert float(f1_of_counts([0, 0, 2])) == 0.0


def test_what_does_not_match_is_a_sentence():
    with pytest.raises(UserError, match="tags of 2 sentences, but predictions of 1"):
        entity_scores([["O"], ["O"]], [["O"]], TYPES)
    with pytest.raises(UserError, match="Sentence 2 has 1 tags, but 2 predicted ones"):
        entity_counts([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(UserError, match="There are 1 groups for 2 sentences"):
        entity_counts([["O"], ["O"]], [["O"], ["O"]], groups=["a"])
