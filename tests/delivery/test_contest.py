"""Candidates get the time that there is, and what there is no time for is said."""

import numpy as np
import pytest

from helpers.delivery.candidates import Bag, Largest
from helpers.delivery.clock import Clock
from helpers.delivery.contest import Contest
from helpers.delivery.progress import Progress
from tests.delivery import made


class Few(Bag):
    """Has the time for so many labels."""

    def __init__(self, most):
        super().__init__("words")
        self.most = most

    def plan(self, *_):
        return [{"C": 10.0}], self.most


@pytest.fixture
def contest(tmp_path):
    return Contest(made.corpus(80), Clock(5), Progress(tmp_path / "under_way", "key"))


def test_test_texts_choose_nothing(contest):
    assert len(contest.texts) == len(contest.labels) == 60
    assert len(contest.unseen) == len(contest.truth) == 20
    assert not set(contest.texts) & set(contest.unseen)


def test_a_candidate_reads_what_it_has_the_time_for(contest):
    contest.consider(Largest, 1.0)
    contest.consider(lambda: Few(20), 0.5)
    everything, some = contest.tried
    assert (contest.most(everything), contest.most(some)) == (60, 20)
    more = contest.texts + contest.unseen
    labels = np.concatenate([contest.labels, contest.truth])
    assert contest.readable(everything, more, labels)[0] == more
    texts, classes = contest.readable(some, more, labels)
    assert len(texts) == len(classes) == 20 and set(texts) <= set(more)


def test_what_there_is_no_time_for_is_left_out_and_said_once(contest):
    contest.consider(lambda: Few(5), 0.5)  # fewer than two labels a class
    contest.clock.minutes = 1e-9
    for _ in range(2):
        contest.consider(Largest, 1.0)
    assert contest.tried == [] and contest.left_out == [
        "There was no time for TF-IDF of words; allow more minutes.",
        "The time was over before the further candidates; allow more minutes.",
    ]
    contest.consider(lambda: Few(5), 0.5, at_least=100)  # whatever the limit
    assert contest.most(contest.tried[0]) == 60
