"""Judging: on texts that chose nothing, by models that learned from all the others."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from helpers.delivery import choose, judging
from helpers.delivery.candidates import Bag, Largest
from helpers.delivery.clock import Clock
from helpers.delivery.contest import Contest
from helpers.delivery.networks import FineTuned
from helpers.delivery.progress import Progress
from tests.delivery import made


class Noting(Bag):
    """TF-IDF that remembers what it learned from, and with which setting."""

    def __init__(self):
        super().__init__("words")
        self.learned = []

    def fit(self, texts, labels, n_classes, settings):
        self.learned.append((list(texts), settings))
        return super().fit(texts, labels, n_classes, settings)


@pytest.fixture
def contest(tmp_path):
    found = Contest(made.corpus(160), Clock(5), Progress(tmp_path / "under_way", "key"))
    found.consider(Noting, 0.5)
    return found


def test_each_text_is_answered_by_a_model_of_all_others_but_its_part(contest):
    (tried,) = contest.tried
    tried.candidate.learned.clear()
    probabilities, behind = judging.judge(contest, tried, own_test=False)
    assert probabilities.shape == (len(contest.unseen), 3)
    assert len(tried.candidate.learned) == judging.PARTS
    answered = []
    for texts, settings in tried.candidate.learned:
        assert settings == [tried.setting] and {*contest.texts} <= {*texts}
        assert len(texts) == behind == 120 + 40 - 8
        answered += [text for text in contest.unseen if text not in texts]
    assert sorted(answered) == sorted(contest.unseen)


def test_a_text_is_not_answered_by_a_model_of_its_twin(contest):
    first = contest.unseen[0]
    contest.unseen[20:24] = [f"{first}!", f"{first}?", first.upper(), f"{first}."]
    (tried,) = contest.tried
    tried.candidate.learned.clear()
    judging.judge(contest, tried, own_test=False)
    twins = {first, *contest.unseen[20:24]}
    for texts, _ in tried.candidate.learned:
        assert len(twins & {*texts}) in (0, 5)


def test_texts_that_are_all_twins_are_answered_by_one_model(contest):
    contest.unseen[:] = [f"{contest.unseen[0]}{'!' * n}" for n in range(len(contest.unseen))]
    (tried,) = contest.tried
    tried.candidate.learned.clear()
    judging.judge(contest, tried, own_test=False)
    assert len(tried.candidate.learned) == 1


def test_answers_stand_in_the_order_of_the_texts(contest):
    """A class that only ever one text has can be told from its place alone."""
    (tried,) = contest.tried
    probabilities, _ = judging.judge(contest, tried, own_test=False)
    single, _ = judging.judge(contest, tried, own_test=True)
    assert (probabilities.argmax(1) == contest.truth).mean() > 0.9
    assert np.corrcoef(probabilities.ravel(), single.ravel())[0, 1] > 0.95


def test_nothing_is_learned_from_a_test_file_of_its_own(contest):
    (tried,) = contest.tried
    tried.candidate.learned.clear()
    _, behind = judging.judge(contest, tried, own_test=True)
    ((texts, _),) = tried.candidate.learned
    assert texts == contest.texts and behind == len(texts)


def test_where_labels_are_many_one_model_is_enough(contest, monkeypatch):
    monkeypatch.setattr(choose, "FEW", 100)
    (tried,) = contest.tried
    tried.candidate.learned.clear()
    judging.judge(contest, tried, own_test=False)
    assert len(tried.candidate.learned) == 1


def test_a_network_is_not_trained_again_only_to_be_judged(contest, monkeypatch):
    monkeypatch.setattr(judging, "is_dear", lambda tried: True)
    said = np.tile([0.5, 0.3, 0.2], (len(contest.unseen), 1))
    network = FineTuned.__new__(FineTuned)
    monkeypatch.setattr(FineTuned, "probabilities", lambda self, texts: said)
    (tried,) = contest.tried
    tried.candidate.learned.clear()
    dear = replace(tried, model=network, setting={"temperature": 1.0})
    probabilities, behind = judging.judge(contest, dear, own_test=False)
    np.testing.assert_allclose(probabilities, said)
    assert behind == tried.labels and not tried.candidate.learned


def test_two_candidates_are_judged_on_the_same_texts(tmp_path):
    contest = Contest(made.corpus(160), Clock(5), Progress(tmp_path / "under_way", "key"))
    contest.consider(Largest, 1.0)
    contest.consider(partial(Bag, "characters"), 1.0)
    shapes = {judging.judge(contest, each, own_test=False)[0].shape for each in contest.tried}
    assert shapes == {(len(contest.truth), 3)}
