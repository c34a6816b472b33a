"""Arms of several tasks on a tiny network: equal cost, what is shared, the order of the items."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.sources.sampling import TUNING
from helpers.trials import fields, inputs, multi_task, networks
from helpers.trials.arms import run
from helpers.trials.outcome import Outcome
from helpers.trials.rows import item_rows
from helpers.trials.tasks import TASKS
from tests.trials import tiny

NAMES = sorted(tiny.GROUPS)
TASK = TASKS["multi_task"]
CPU = torch.device("cpu")
LINEAR = {"regularization": 30.0}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tiny.write_fields(tmp_path_factory.mktemp("fields"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture
def done(corpus, tiny_bert, folder):
    """Do an arm: its trial, its inputs, its outcome."""

    def do(arm, **more):
        (trial,) = tiny.field_trials(corpus, tiny_bert, arm, **more)
        plain = {"precision": "float32"} | (
            {"batch_tokens": 64} if "steps" in trial.options else {}
        )
        trial = replace(trial, setting=(*trial.setting, *plain.items()))
        given = inputs.inputs_for(trial, folder)
        return trial, given, run(trial, given, {tiny_bert: {"folder": tiny_bert}}, CPU)

    return do


def long(**more):
    return {"learning_rate": 0.01, "steps": 60} | more


def test_every_arm_learns_and_the_floor_does_not(done):
    scores = {}
    for arm in TASK.setups:
        trial, given, outcome = done(arm, setting=LINEAR if arm == "frozen" else long())
        scores[arm] = TASK.score(trial, outcome, lambda given=given: given)
    assert scores.pop("majority") == pytest.approx((1 / 2 + 1 / 3) / 2, abs=0.05)
    assert min(scores.values()) > 0.8, scores


def test_both_ways_take_the_same_steps_of_as_many_tokens_on_the_same_texts(done):
    costs = {arm: done(arm, setting=long(steps=61))[2] for arm in ("single_task", "multi_task")}
    single, multi = costs["single_task"], costs["multi_task"]
    assert single.cost["steps"] == multi.cost["steps"] == 61
    assert single.cost["tokens"] == pytest.approx(multi.cost["tokens"], rel=0.1)
    assert single.cost["flops"] == pytest.approx(multi.cost["flops"], rel=0.1)
    assert single.curve["step"][-1] == multi.curve["step"][-1] == 61
    assert len(single.curve["step"]) == len(multi.curve["step"]) == 5


def test_settings_that_are_tried_cost_all_the_same():
    tried = [TASK.grid(arm, 256) for arm in ("single_task", "multi_task")]
    assert tried[0] == tried[1] and {one["steps"] for one in tried[0]} == {240}
    assert len({one["learning_rate"] for one in tried[0]}) == 6


def test_a_network_of_one_task_is_plain_fine_tuning(done, tiny_bert):
    trial, given, outcome = done("single_task", setting=long())
    seen = fields.drawn(given["train.labels"], NAMES, trial.draw, trial.labels)["food"]
    half = replace(trial, setting=tuple((trial.options | {"steps": 30}).items()))
    alone = given | {"names": fields.fields_of(NAMES)["food"]}  # a head for two groups
    plain = networks.build(half, alone, {tiny_bert: {"folder": tiny_bert}}, pretrained=True)
    networks.fit(half, item_rows(given, "train", seen), plain, CPU)
    numbers = fields.truth_of(trial, given)[1]
    places = fields.select(given["test.labels"], NAMES)[numbers == 0]
    logits = np.stack(networks.read(plain, item_rows(given, "test", places)))
    assert NAMES[:2] == ["food.corn", "food.wheat"]
    assert np.array_equal(outcome.items["predicted"][numbers == 0], logits.argmax(1))


def test_one_encoder_is_shared_and_each_field_has_its_head(done, tiny_bert):
    trial, given, _ = done("multi_task")
    folders = {tiny_bert: {"folder": tiny_bert}}
    model = multi_task._network(trial, given, folders, ["food", "money"])
    assert model.task("food").backbone is model.task("money").backbone
    assert [len(model.task(field).head.bias) for field in ("food", "money")] == [2, 3]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rows = multi_task._rows_seen(trial, given, ["food"])  # texts of one field alone
    networks.fit(trial, rows, multi_task._Mixed(model, given), CPU)
    moved = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert {name for name in moved if "head" in name} == {
        "views.task0.head.weight",
        "views.task0.head.bias",
    }
    assert any("embeddings" in name for name in moved)


def test_a_text_is_given_a_group_of_its_own_field_in_the_order_of_the_corpus(done):
    for arm in ("majority", "multi_task", "single_task"):
        trial, given, outcome = done(arm)
        truth = fields.truth_of(trial, given)[0]
        of_field = [name.partition(".")[0] for name in NAMES]
        said = [of_field[group] for group in outcome.items["predicted"]]
        assert said == [of_field[group] for group in truth]
        labels = given["test.labels"]
        assert truth.tolist() == [one for one in labels.tolist() if NAMES[one] != "odd.ship"]
        assert trial.items == len(truth) < len(labels)


def test_the_score_counts_fields_alike(done):
    trial, given, _ = done("majority")
    truth, numbers = fields.truth_of(trial, given)
    said = np.where(numbers == 0, truth, NAMES.index("money.bank")).astype(np.uint8)
    score = TASK.score(trial, Outcome({"predicted": said}), lambda: given)
    share = (said[numbers == 1] == truth[numbers == 1]).mean()
    assert score == pytest.approx((1 + share) / 2)


def test_settings_are_chosen_on_validation_texts_alone(done, tiny_bert):
    trial, given, outcome = done("multi_task", split="validation", draws=[TUNING])
    silent = given | {"test.ids": np.zeros_like(given["test.ids"])}
    again = run(trial, silent, {tiny_bert: {"folder": tiny_bert}}, CPU)
    assert np.array_equal(outcome.items["predicted"], again.items["predicted"])


def test_another_draw_has_other_texts_and_weights_and_the_same_one_is_repeatable(done):
    first, again, other = (
        done("single_task", draws=[draw])[2].curve["training_loss"] for draw in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_what_cannot_be_done_is_one_sentence(done):
    with pytest.raises(UserError, match=r"^23 labels cannot be shared out alike among 2 fields: "):
        done("majority", labels=23)
    with pytest.raises(UserError, match=r"^70 labels of the field 'food' were asked for, it has"):
        done("majority", labels=140)
    with pytest.raises(UserError, match="need at least 2 fields of 2 groups or more"):
        fields.fields_of(["rec.autos", "rec.motorcycles", "sci.med"])
    with pytest.raises(UserError, match="Training needs at least 1 step, not 0"):
        done("single_task", setting=long(steps=1))


def test_what_is_kept_of_a_field_is_where_its_texts_are(corpus):
    facts = TASK.sizes(corpus, TASK.load(corpus, 16))
    whole = TASK.load(corpus, 16).corpus.splits
    assert {split: len(whole[split]) > n for split, n in facts.items()} == dict.fromkeys(
        facts, True
    )
    assert not TASK.travels(None)
