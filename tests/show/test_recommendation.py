"""The recommendation says what the intervals say, and shows names as text."""

import pytest

from helpers.evaluation.intervals import Interval
from helpers.show.recommendation import recommend

GOOD, BAD = Interval(0.1, 0.05, 0.15, 200, 0.95, ""), Interval(-0.1, -0.15, -0.05, 200, 0.95, "")
OPEN = Interval(0.01, -0.03, 0.05, 200, 0.95, "")


def say(**changes):
    facts = {
        "model": "minilm", "strategy": "full", "labels": (16, 256), "gains": (GOOD, GOOD),
        "worth": "worth 64", "over_scratch": GOOD, "score": GOOD, "largest": 0.3, "suspects": 0.0,
        "worst_domain": None,
    }  # fmt: skip
    return recommend(**facts | changes)


@pytest.mark.parametrize(
    ("gains", "begins"),
    [
        ((GOOD, GOOD), "**Transfer pays off with 16 labels** (0.100 [0.050, 0.150] accuracy over"),
        ((GOOD, OPEN), "**Transfer pays off with 16 labels** (0.100 [0.050, 0.150] accuracy over"),
        ((OPEN, GOOD), "**Transfer pays off with 256 labels**"),
        ((GOOD, BAD), "**Transfer pays off with 16 labels**"),
        ((BAD, OPEN), "**Do without it: TF-IDF is better**"),
        ((OPEN, OPEN), "**Undecided whether transfer pays off**: with 16 labels it cannot be told"),
    ],
)
def test_the_first_sentence_is_the_verdict(gains, begins):
    assert say(gains=gains).startswith(begins)


def test_an_open_question_names_what_could_have_been_seen():
    said = say(gains=(GOOD, OPEN))
    assert "it cannot be told (0.010 [-0.030, 0.050]; a true difference of 0.0" in said
    assert "with 256 it hurts (-0.100" in say(gains=(GOOD, BAD))


def test_scratch_may_win():
    assert "Training `minilm` from scratch was best on validation" in say(over_scratch=None)
    said = say(over_scratch=OPEN)
    assert "against the same model from scratch 0.010 [-0.030, 0.050] (undecided)" in said


def test_suspects_and_domains_are_told_where_there_are_any():
    assert "suspect" not in say(suspects=0.01) and "6% of those looked at" in say(suspects=0.06)
    hurt = say(worst_domain=(("<b>shop</b>", "*library*"), BAD))
    assert r"with labels of \<b\>shop\</b\>, accuracy on \*library\* changes by -0.100" in hurt
    assert "carry over" not in say(worst_domain=(("shop", "library"), OPEN))
