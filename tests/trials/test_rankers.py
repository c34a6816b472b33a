"""Rankers of replies: chance, words, networks; what is kept is where the right reply stands."""

import numpy as np
import pytest
import torch

from helpers.evaluation.retrieval import ranks, recall_at, reciprocal_ranks
from helpers.training.curves import points
from helpers.trials import inputs, rankers
from helpers.trials.arms import run
from helpers.trials.outcome import check_items
from helpers.trials.runner import score_of
from tests.trials import tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def here(tmp_path_factory, tiny_bert):
    folder = tmp_path_factory.mktemp("rankers")
    return folder, tiny.write_pairs(folder), tiny_bert


def outcome_of(here, arm, setting, **rest):
    folder, corpus, model = here
    (trial,) = tiny.retrieval_trials(corpus, model, arm, setting=setting, **rest)
    read = inputs.inputs_for(trial, folder / "inputs")
    outcome = run(trial, read, {model: {"folder": model}}, CPU)
    check_items(trial, outcome)
    return trial, read, outcome


@pytest.mark.parametrize("shape", [(7, 3), (5, 300)])
def test_places_are_the_ranks_of_the_first_candidate(shape):
    scores = np.random.default_rng(0).integers(0, 4, shape)  # many ties
    found = rankers.places(scores)["ranks"]
    assert np.array_equal(found, ranks(scores, np.zeros(shape[0], int)))
    assert found.dtype == (np.uint8 if shape[1] < 256 else np.uint16)


def test_chance_is_exactly_chance(here):
    trial, read, outcome = outcome_of(here, "random", {})
    candidates = read["test.candidates"].shape[1]
    assert trial.model == "" and candidates > 10
    assert recall_at(outcome.items["ranks"], k=1) == pytest.approx(1 / candidates)
    expected = (1 / np.arange(1, candidates + 1)).mean()
    assert score_of(trial, outcome) == pytest.approx(expected)


def test_bm25_finds_the_reply_that_shares_a_rare_word(here):
    trial, _, outcome = outcome_of(here, "bm25", {"k1": 1.2, "b": 0.75})
    assert (outcome.items["ranks"] == 1).all()  # the name of the house stands in both
    assert trial.options["max_length"] == 24
    assert not outcome.cost.keys() & {"flops", "tokens"}


def test_bm25_reads_what_the_model_sees(here):
    folder, corpus, model = here
    full, cut = (
        inputs.inputs_for(
            tiny.retrieval_trials(
                corpus, model, "bm25", setting={"k1": 1.2, "b": 0.75}, max_length=n
            )[0],
            folder / "inputs",
        )
        for n in (24, 5)
    )
    assert len(cut["test.reply"]) < len(full["test.reply"])
    assert np.array_equal(cut["test.candidates"], full["test.candidates"])


def test_the_frozen_reader_ranks_by_cosine_and_hangs_on_no_draw(here):
    _, read, first = outcome_of(here, "frozen", {}, draws=[0])
    trial, _, second = outcome_of(here, "frozen", {}, draws=[1])
    assert np.array_equal(first.items["ranks"], second.items["ranks"])
    model = rankers.build(trial, read, {trial.model: {"folder": trial.model}}, pretrained=True)
    starts = read["test.starts"]
    sides, ids = read["test.labels"], read["test.ids"]

    def vector(item, side):
        row = slice(starts[item], starts[item + 1])
        tokens = torch.tensor(ids[row][sides[row] == side].astype(np.int64))[None]
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return model.eval().features(tokens, torch.ones_like(tokens))[0].float().numpy()

    for item, row in enumerate(read["test.candidates"][:5]):
        scores = [float(vector(item, 0) @ vector(at, 1)) for at in row]
        better = sum(score > scores[0] + 0.01 for score in scores)  # batches round differently
        worse = sum(score < scores[0] - 0.01 for score in scores)
        assert better + 1 <= first.items["ranks"][item, 0] <= len(row) - worse


@pytest.mark.parametrize("arm", ["fine_tuned", "from_scratch"])
def test_a_training_lowers_both_losses_and_is_repeated_exactly(here, arm):
    setting = {"learning_rate": 0.003, "steps": 8}
    trial, read, outcome = outcome_of(here, arm, setting)
    assert outcome.curve["step"].tolist() == points(8)
    for loss in ("training_loss", "validation_loss"):
        assert outcome.curve[loss][-1] < outcome.curve[loss][0]
    assert outcome.cost["tokens"] <= read["train.starts"][-1] * 8
    _, _, again = outcome_of(here, arm, setting)
    assert np.array_equal(outcome.items["ranks"], again.items["ranks"])
    floor = 1 / np.arange(1, read["test.candidates"].shape[1] + 1)
    assert reciprocal_ranks(outcome.items["ranks"]).mean() > 2 * floor.mean()
    assert trial.options["batch_pairs"] == 32


def test_equal_replies_are_not_each_others_rivals_in_a_curve():
    pairs = [(np.array([5, reply]), np.array([0, 1])) for reply in (7, 7, 8)]
    asked = answered = np.eye(3)
    loss, recall = rankers._among_themselves(pairs, asked, answered)
    two = np.log(np.exp(20) + 1) - 20  # own reply and one other, orthogonal
    three = np.log(np.exp(20) + 2) - 20
    assert loss == pytest.approx((2 * two + three) / 3)
    assert recall == 1.0
