import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from helpers import UserError
from helpers.trials.outcome import Outcome, check_items, from_bytes, read_trial, to_bytes
from helpers.trials.tasks import TASKS
from tests.trials.made import ORIGIN, names, said, same, trial

CURVE = {"step": np.array([0, 5], np.int32), "training_loss": np.array([1.5, 0.5], np.float32)}
COST = {"steps": 5, "seconds": 1.25}


def whole():
    return said(0, 1, 2, 0, 1, 2, curve=CURVE, cost=COST)


def test_an_outcome_comes_back_as_it_went():
    one = trial()
    back, outcome = from_bytes(to_bytes(one, whole()))
    assert back == one and same(outcome, whole())
    assert outcome.origin == ORIGIN and outcome.cost == COST


def test_names_of_a_tagger_come_back_too():
    one = trial(task="tagging", arm="linear", items=2)
    counted = names([[1, 0], [0, 2]], [[0, 0], [1, 0]], [[3, 0], [0, 0]])
    assert same(from_bytes(to_bytes(one, counted))[1], counted)


def test_any_reader_of_safetensors_finds_the_arrays():
    found = load(to_bytes(trial(), whole()))
    assert sorted(found) == [
        "curve.step",
        "curve.training_loss",
        "items.predicted",
        "items.probability",
    ]
    assert found["items.predicted"].tolist() == [0, 1, 2, 0, 1, 2]


def test_equal_outcomes_are_equal_bytes():
    first = whole()
    wide = np.repeat(first.items["predicted"], 2)[::2]  # the same numbers, not side by side
    turned = Outcome(
        items={"probability": first.items["probability"], "predicted": wide},
        curve=dict(reversed(CURVE.items())),
        cost=dict(reversed(COST.items())),
        origin=dict(reversed(ORIGIN.items())),
    )
    assert to_bytes(trial(), turned) == to_bytes(trial(), first)


def test_another_answer_or_another_trial_is_other_bytes():
    data = to_bytes(trial(), said(0, 1, 2, 0, 1, 2))
    assert to_bytes(trial(), said(0, 1, 2, 0, 1, 1)) != data
    assert to_bytes(trial(draw=1), said(0, 1, 2, 0, 1, 2)) != data


def test_the_beginning_of_a_file_tells_its_trial():
    data = to_bytes(trial(), whole())
    header = 8 + int.from_bytes(data[:8], "little")
    assert header < len(data)
    assert read_trial(data[:header]) == trial()


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_cut_file_is_refused_in_one_sentence(share):
    data = to_bytes(trial(), whole())
    with pytest.raises(UserError) as error:
        from_bytes(data[: int(share * len(data))], "x.safetensors")
    assert str(error.value) == (
        "x.safetensors is cut short or no outcome of a trial; delete it, and the trial is run "
        "again."
    )


@pytest.mark.parametrize(
    "data",
    [
        b"not a file of arrays at all",
        save({"a": np.zeros(2)}),
        save({"a": np.zeros(2)}, {"outcome": "no JSON"}),
        save({"a": np.zeros(2)}, {"facts": json.dumps({"trial": trial().json()})}),
    ],
    ids=["noise", "arrays alone", "damaged facts", "other facts"],
)
@pytest.mark.parametrize("read", [from_bytes, read_trial])
def test_what_is_no_outcome_is_one_sentence(read, data):
    with pytest.raises(UserError, match=r"^the outcome is cut short or no outcome of a trial; "):
        read(data)


def test_arrays_of_another_task_are_refused():
    sentence = (
        "^The outcome of letters tfidf, 4 labels, draw 0 has the arrays found, missed, wrong; "
        "classification has predicted, probability.$"
    )
    counted = names(*[[[0]] * 6] * 3)
    for refuse in (check_items, to_bytes):
        with pytest.raises(UserError, match=sentence):
            refuse(trial(), counted)
    check_items(trial(task="tagging"), counted)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_an_outcome_of_other_items_is_refused(task):
    names = TASKS[task].items
    five = Outcome({name: np.zeros((5, 1), np.uint8) for name in names})
    with pytest.raises(UserError) as error:
        to_bytes(trial(task=task, items=1200), five)
    assert str(error.value) == (
        f"The outcome of letters tfidf, 4 labels, draw 0 has 5 items in '{names[0]}', but "
        "1,200 are scored: it belongs to other items."
    )
