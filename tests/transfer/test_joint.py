"""The joint objective on a language model: the document's sum, nothing else."""

import copy
import math

import pytest
import torch
from datasets import Dataset
from torch.nn import functional
from transformers import TrainerCallback

from helpers import UserError
from helpers.tasks.batches import RightPadding
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.heads import MeanPooledClassifier
from helpers.transfer import finetuning, strategies
from helpers.transfer.joint import JointObjective, PairCollator, RisingWeight, pair_rows
from tests.tasks.test_language_modeling import TEXTS, gpt2
from tests.transfer.test_strategies import collate, items, tiny


def rows(lengths, start):
    ids = [[0, *[start + k % 7 for k in range(n)]] for n in lengths]
    return Dataset.from_dict({"input_ids": ids, "labels": [[-100, *one[1:]] for one in ids]})


@pytest.fixture(scope="module")
def collator():
    return RightPadding(train_bytepairs(TEXTS, vocabulary=270))


@pytest.fixture(scope="module")
def pairs():
    return pair_rows(rows([4, 9, 6], start=100), rows([5, 3, 8, 2], start=200), seed=0)


def batch(pairs, collator):
    keep = [key for key in pairs.column_names if "input_ids" in key or "labels" in key]
    return PairCollator(collator)(pairs.select_columns(keep).to_list())


def test_the_loss_is_source_plus_weight_times_target(pairs, collator):
    model, both = gpt2(), batch(pairs, collator)
    source = {key.removeprefix("source_"): both[key] for key in both if key.startswith("source_")}
    target = {key: both[key] for key in both if not key.startswith("source_")}
    assert (source["input_ids"] >= 100).logical_and(source["input_ids"] < 110).any()
    assert not (target["input_ids"] == 100).any()
    for weight in (0.0, 0.5, 3.0):
        expected = model(**source).loss + weight * model(**target).loss
        assert JointObjective(model, weight)(**both)["loss"].item() == pytest.approx(
            expected.item(), abs=1e-6
        )


def test_at_weight_zero_the_target_teaches_nothing(pairs, collator):
    model, both = gpt2(), batch(pairs, collator)
    JointObjective(model, 0.0)(**both)["loss"].backward()
    joint = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    source = {key.removeprefix("source_"): both[key] for key in both if key.startswith("source_")}
    model(**source).loss.backward()
    for a, b in zip(joint, model.parameters(), strict=True):
        torch.testing.assert_close(a, b.grad, atol=1e-6, rtol=1e-5)


def test_every_target_row_has_a_source_row_of_about_its_length(pairs):
    assert sorted(map(len, pairs["input_ids"])) == [3, 4, 6, 9]
    assert list(pairs["input_ids"]) == list(rows([5, 3, 8, 2], start=200)["input_ids"])
    both = zip(pairs["input_ids"], pairs["source_input_ids"], strict=True)
    lengths = [len(source) for _, source in sorted(both, key=lambda pair: len(pair[0]))]
    assert lengths == sorted(lengths)
    assert set(lengths) == {5, 7, 10}  # every source row is used before one is used again
    same = pair_rows(rows([4, 9, 6], start=100), rows([5, 3, 8, 2], start=200), seed=0)
    assert same.to_list() == pairs.to_list()


def test_it_trains_on_the_same_loop(pairs, collator):
    model = gpt2()
    before = copy.deepcopy(model)
    objective = JointObjective(model, 1.0)
    tuned = finetuning.fine_tune(
        objective, pairs, PairCollator(collator), strategies.FULL,
        finetuning.Training(learning_rate=1e-2, batch_size=2, epochs=10), seed=0, device="cpu",
    )  # fmt: skip
    assert tuned.losses[-3:].mean() < tuned.losses[:3].mean()
    assert not torch.equal(model.transformer.wte.weight, before.transformer.wte.weight)


@pytest.mark.parametrize("weight", [-0.1, math.inf, math.nan])
def test_a_bad_weight_is_refused_before_training(weight):
    with pytest.raises(UserError, match="must be a finite number of at least 0"):
        JointObjective(gpt2(), weight)


def test_a_joint_objective_needs_a_source():
    with pytest.raises(UserError, match="there are 0 source rows and 1 target rows"):
        pair_rows(rows([], start=100), rows([3], start=200), seed=0)


def two_heads():
    """A classifier of three classes, one of two on the same encoder, and a batch of pairs."""
    model = tiny().eval()
    source = MeanPooledClassifier(model.backbone, 2).eval()
    target_batch, source_batch = (collate(items(4, seed).to_list()) for seed in (0, 1))
    source_batch["labels"] = source_batch["labels"] % 2
    both = {**target_batch, **{f"source_{key}": one for key, one in source_batch.items()}}
    return model, source, target_batch, source_batch, both


def test_each_task_may_have_its_own_head():
    model, source, target_batch, source_batch, both = two_heads()

    def by_hand(classifier, batch):
        pooled = classifier.features(batch["input_ids"], batch["attention_mask"])
        logits = pooled @ classifier.head.weight.T + classifier.head.bias
        return functional.cross_entropy(logits, batch["labels"]), logits

    target_loss, target_logits = by_hand(model, target_batch)
    source_loss, _ = by_hand(source, source_batch)
    for weight in (0.0, 0.5, 3.0):
        result = JointObjective(model, weight, source_model=source)(**both)
        torch.testing.assert_close(result["loss"], source_loss + weight * target_loss)
        torch.testing.assert_close(result["logits"], target_logits)


def test_both_heads_and_the_one_encoder_learn_each_from_its_own():
    model, source, *_, both = two_heads()
    objective = JointObjective(model, 1.0, source_model=source)
    names = {name for name, _ in objective.named_parameters()}
    assert {"source_model.head.weight", "model.head.weight"} <= names
    assert not [name for name in names if name.startswith("source_model.backbone")]  # counted once
    objective(**both)["loss"].backward()
    assert model.head.weight.grad.abs().sum() > 0
    assert source.head.weight.grad.abs().sum() > 0
    model.zero_grad()
    objective = JointObjective(model, 0.0, source_model=source)
    objective(**both)["loss"].backward()
    assert model.head.weight.grad.abs().sum() == 0  # at λ = 0 the target teaches nothing
    assert model.backbone.embeddings.word_embeddings.weight.grad.abs().sum() > 0


class Weights(TrainerCallback):
    """Keeps the λ that each step was taken with."""

    def __init__(self, objective):
        self.objective, self.seen = objective, []

    def on_step_end(self, args, state, control, **_):
        self.seen.append(self.objective.weight)


def test_the_weight_rises_in_a_straight_line_to_the_full_one(pairs, collator):
    objective = JointObjective(gpt2(), 3.0)
    seen = Weights(objective)
    finetuning.fine_tune(
        objective, pairs, PairCollator(collator), strategies.FULL,
        finetuning.Training(batch_size=2, epochs=9, max_steps=8), seed=0, device="cpu",
        callbacks=[RisingWeight(objective), seen],
    )  # fmt: skip
    assert seen.seen == pytest.approx([3.0 * (t + 1) / 8 for t in range(8)])
    assert seen.seen[-1] == objective.weight == 3.0
