"""Curves out of a record: paired, or refused in a sentence."""

import numpy as np
import pytest

from helpers import UserError
from helpers.runs.learning_curves import paired_curves
from helpers.runs.schema import Metric
from tests.claims.test_verdicts import record


def made(drop=()):
    found = record("06_bert")
    for strategy, base in (("linear_probe", 0.8), ("tfidf", 0.7)):
        for labels in (16, 64):
            for seed in (0, 1):
                if (strategy, labels, seed) not in drop:
                    found.metrics.append(
                        Metric(name="accuracy", value=base + seed / 100 + labels / 1000,
                               strategy=strategy, labels=labels, seed=seed)
                    )  # fmt: skip
    found.metrics.append(Metric(name="accuracy", value=0.9, strategy="full", labels=64, seed=0))
    found.metrics.append(Metric(name="f1", value=0.9))
    return found


def test_rows_are_seeds_and_columns_label_counts():
    curves = paired_curves(made(), "linear_probe", "tfidf")
    assert (curves.labels, curves.seeds) == ([16, 64], [0, 1])
    np.testing.assert_allclose(curves.first, [[0.816, 0.864], [0.826, 0.874]])
    np.testing.assert_allclose(curves.first - curves.second, 0.1)


@pytest.mark.parametrize(
    ("found", "names", "measure", "says"),
    [
        (made(), ("probe", "tfidf"), "accuracy", "no accuracy of the strategy 'probe'"),
        (made(), ("linear_probe", "tfidf"), "acuracy", "holds no acuracy. Did you mean 'accuracy'"),
        (made(), ("full", "tfidf"), "accuracy", "1 label counts in common"),
        (made([("tfidf", 16, 1)]), ("linear_probe", "tfidf"), "accuracy",
         "not paired: the record of 06_bert lacks seed 1 of tfidf at 16 labels"),
    ],
)  # fmt: skip
def test_what_is_not_paired_is_a_sentence(found, names, measure, says):
    with pytest.raises(UserError, match=says):
        paired_curves(found, *names, measure)
