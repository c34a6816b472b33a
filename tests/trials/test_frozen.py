"""The arm of static embeddings: it learns, and what it reads is distilled once."""

import numpy as np
import pytest
import torch

from helpers.baselines import static_embeddings
from helpers.trials import frozen, inputs
from helpers.trials.arms import run
from helpers.trials.tasks import TASKS
from tests.trials import tiny

TASK = TASKS["classification"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tiny.write_corpus(tmp_path_factory.mktemp("texts"))


@pytest.fixture
def outcomes(corpus, tiny_bert, tmp_path):
    frozen._static.clear()

    def do(**more):
        setting = {"regularization": 3e5}
        made = tiny.trials(corpus, tiny_bert, "static", setting=setting, **more)
        given = inputs.inputs_for(made[0], tmp_path)
        folders = {tiny_bert: {"folder": tiny_bert}}
        return made, given, [run(trial, given, folders, CPU) for trial in made]

    yield do
    frozen._static.clear()


def test_it_learns_from_its_labels_and_the_network_is_read_once(outcomes, monkeypatch):
    made, plain = [], static_embeddings.token_table
    monkeypatch.setattr(
        static_embeddings, "token_table", lambda *given: made.append(given) or plain(*given)
    )
    trials, given, found = outcomes()
    scores = [TASK.score(*pair, lambda: given) for pair in zip(trials, found, strict=True)]
    assert min(scores) > 0.8, scores
    assert len(made) == 1 and made[0][2] == trials[0].options["dimensions"] == 256
    assert not all(
        np.array_equal(found[0].items["probability"], o.items["probability"]) for o in found
    )


def test_its_cost_is_looking_up_and_a_head(outcomes):
    (trial,), given, (outcome,) = outcomes(draws=[0])
    (_, _, (more,)) = outcomes(draws=[0], labels=24)
    assert outcome.cost["trained_parameters"] == (16 + 1) * len(given["names"])
    assert outcome.cost["parameters"] > 16 * 100
    assert 0 < outcome.cost["flops"] < more.cost["flops"] < 1e6
    assert outcome.curve == {} and trial.arm == "static"
