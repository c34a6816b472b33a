"""Arms that make a fine-tuned network smaller: what each says, takes and starts from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.trials import inputs, kept, studies
from helpers.trials.arms import run
from helpers.trials.tasks import TASKS
from helpers.trials.tasks.classification import COMPRESSED
from tests.trials import tiny

CPU = torch.device("cpu")
STUDENT = {"layers": 1, "unlabelled": 20, "hard": 0.5, "temperature": 2.0}
STEPS = {"learning_rate": 0.01, "steps": 30}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("compressed")


@pytest.fixture(scope="module")
def texts(place):
    return tiny.write_corpus(place)


@pytest.fixture(scope="module")
def model(place):
    return tiny.write_model(place, layers=2)


@pytest.fixture(autouse=True)
def _settings(monkeypatch):
    monkeypatch.setattr(studies, "setting_for", lambda *marks: STEPS)
    setups = TASKS["classification"].setups
    smaller = {
        "three_layers": {"layers": 1},
        "distilled": STUDENT,
        "small": STUDENT | {"bits": 8, "trimmed": 1},
    }
    for arm, adds in smaller.items():
        monkeypatch.setitem(setups, arm, replace(setups[arm], adds=adds))


@pytest.fixture(autouse=True)
def folder(place):
    """Keep networks for all tests of the module: one training a draw."""
    kept.keep_in(place / "networks")
    yield place / "networks"
    kept.keep_in(None)


def trial(texts, model, arm, draw=0):
    found = tiny.trials(texts, model, arm, [draw], setting=STEPS if arm == "distilled" else {})
    return found[0]


def outcome(texts, model, arm, place, draw=0):
    asked = trial(texts, model, arm, draw)
    read = inputs.inputs_for(asked, place / "inputs")
    return run(asked, read, {model: {"folder": model}}, CPU)


@pytest.fixture(scope="module")
def whole():
    return {}


@pytest.mark.parametrize("arm", COMPRESSED)
def test_each_answers_every_text_and_says_what_it_takes(arm, texts, model, place, whole):
    found = outcome(texts, model, arm, place)
    n = trial(texts, model, arm).items
    assert len(found.items["predicted"]) == n
    assert found.cost["bytes"] > 0 and found.cost["answer_flops"] > 0 and found.cost["flops"] > 0
    whole[arm] = found
    base = whole["uncompressed"].cost
    if arm in ("pruned_50", "pruned_80", "three_layers", "distilled"):
        assert found.cost["bytes"] < base["bytes"]
    fewer = arm in ("three_layers", "distilled", "small")
    assert (found.cost["answer_flops"] < base["answer_flops"]) == fewer


def test_uncompressed_is_the_fine_tuned_network(texts, model, place):
    mine = outcome(texts, model, "uncompressed", place)
    (other,) = tiny.trials(texts, model, "fine_tuned", [0], setting=STEPS)
    read = inputs.inputs_for(other, place / "inputs")
    theirs = run(other, read, {model: {"folder": model}}, CPU)
    assert np.array_equal(mine.items["predicted"], theirs.items["predicted"])
    assert np.array_equal(mine.items["probability"], theirs.items["probability"])
    assert kept.parent_of(trial(texts, model, "uncompressed")) == other
    assert mine.cost["flops"] == theirs.cost["flops"]
