import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation import bits
from helpers.trials import language_reading
from helpers.trials.outcome import Outcome
from helpers.trials.reading import Read
from helpers.trials.studies import Question

ASKED = Question(task="language_modeling", corpus="letters:a", labels=(4,), arms=("joint",))
SIZES = np.array([100, 50, 80, 60], np.int32)


def made_of(source=2, **arms):
    """A reading: nats of two target documents and of the source's, by arm and draw."""
    marks = np.array([1, 1, *[0] * source], np.uint8)

    def outcome(nats):
        items = {"nats": np.array(nats[: len(marks)], np.float32), "is_target": marks}
        return Outcome(items | {"bytes": SIZES[: len(marks)]})

    outcomes = {(arm, 4): dict(enumerate(map(outcome, each))) for arm, each in arms.items()}
    return Read(outcomes, "A sentence.", True, ["k"], "outlets")


FOUND = made_of(
    tuned=[[70, 40, 90, 66], [72, 38, 92, 68]], untuned=[[90, 45, 80, 60], [90, 45, 80, 60]]
)


def test_the_score_is_minus_bits_per_byte_of_all_documents_together():
    arms = language_reading.compared(FOUND)
    assert arms.measure == "neg_bits_per_byte" and arms.items == 2
    table = np.array([[70, 100], [40, 50]]) / [[np.log(2), 1]]
    assert arms.by_draw("tuned", 4)[0] == pytest.approx(-bits.per_byte(table), rel=1e-6)


def test_a_difference_is_what_is_saved_of_target_or_of_source():
    of = {which: language_reading.compared(FOUND, which) for which in ("target", "source")}
    gains = {which: arms.difference("tuned", "untuned", 4).value for which, arms in of.items()}
    assert gains["target"] > 0 > gains["source"]
    saved = (135 - (110 + 110) / 2) / 150 / np.log(2)
    assert gains["target"] == pytest.approx(saved, rel=1e-6)
    assert of["source"].measure == "neg_bits_per_byte_of_source"


def test_without_source_documents_there_is_nothing_to_forget():
    with pytest.raises(UserError, match="No document of the source was scored"):
        language_reading.compared(made_of(source=0, tuned=[[1, 2], [2, 1]]), "source")


def settle(monkeypatch, *entries):
    monkeypatch.setattr(language_reading, "found_for", lambda *marks: list(entries))


def entry(arm, score, labels=4, **setting):
    tried = [{"learning_rate": 1e-3, "steps": 5, "score": score} | setting]
    return {"arm": arm, "labels": labels, "score": score, "tried": tried}


def test_every_try_of_a_search_is_shown_with_its_weight(monkeypatch):
    settle(
        monkeypatch,
        entry("joint", -1.7, weight=0.25),
        entry("fine_tuned", -1.6),
        entry("source_continued", -1.8),
        entry("from_scratch", -3.0),
        entry("joint", -1.0, labels=8),
    )
    asked = ["source_continued", "joint", "fine_tuned"]
    found = language_reading.searched(ASKED, asked)
    assert [(one["arm"], one["weight"], one["bits"]) for one in found] == [
        ("joint", 0.25, 1.7),
        ("fine_tuned", np.inf, 1.6),
        ("source_continued", 0.0, 1.8),
    ]
    assert {one["learning_rate"] for one in found} == {1e-3}
