"""Comparisons of rankers: three measures of the same ranks, conversations as items."""

import numpy as np
import pytest

from helpers import UserError
from helpers.trials.outcome import Outcome
from helpers.trials.rankings import MEASURES, rank_scores
from helpers.trials.reading import Read
from tests.trials.made import ORIGIN


def ranked(*places):
    """A reading of one arm with one draw for each list of places."""
    arrays = [np.repeat(np.array(each)[:, None], 2, axis=1).astype(np.uint8) for each in places]
    outcomes = {n: Outcome({"ranks": array}, origin=ORIGIN) for n, array in enumerate(arrays)}
    return Read({("bm25", 8): outcomes}, "", True, [])


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("recall@1", [1 / 4, 0]),
        ("recall@5", [3 / 4, 1 / 4]),
        ("MRR", [(1 + 1 / 2 + 1 / 5 + 1 / 10) / 4, (1 / 4 + 1 / 10 + 1 / 20 + 1 / 50) / 4]),
    ],
)
def test_measures_are_those_of_the_stored_ranks(measure, expected):
    found = rank_scores(ranked([1, 2, 5, 10], [4, 10, 20, 50]), measure)
    assert found.measure == measure
    assert found.by_draw("bm25", 8) == pytest.approx(expected)


def test_conversations_count_alike_however_many_contexts_they_have():
    found = rank_scores(ranked([1, 1, 9, 9], [1, 1, 1, 9]), groups=["a", "a", "a", "b"])
    assert found.items == 2
    assert found.of("bm25", 8)[..., 0].tolist() == [[2 / 3, 0], [1, 0]]


def test_a_tie_counts_as_its_expectation():
    outcome = Outcome({"ranks": np.array([[1, 2], [3, 8]], np.uint8)}, origin=ORIGIN)
    read = Read({("random", 8): {0: outcome}}, "", True, [])
    assert rank_scores(read).of("random", 8)[0, :, 0].tolist() == [0.5, 0]
    assert rank_scores(read, "recall@5").of("random", 8)[0, :, 0].tolist() == [1, 0.5]


def test_bad_input_is_a_sentence():
    with pytest.raises(UserError, match=r"no measure 'recall@2' of a ranking\. Did you mean"):
        rank_scores(ranked([1]), "recall@2")
    with pytest.raises(UserError, match=r"There are 2 ranks and 3 groups of them\."):
        rank_scores(ranked([1, 2]), groups=["a", "b", "c"])
    assert list(MEASURES) == ["recall@1", "recall@5", "MRR"]
