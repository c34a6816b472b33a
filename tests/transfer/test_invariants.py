"""One suite over all strategies and both architectures: what each must hold whatever it is."""

import copy
import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.transfer import finetuning, strategies, tuning

STRATEGIES = pytest.mark.parametrize("name", strategies.STRATEGIES)


FULL_STEPS = {}  # by the target's model: what a step costs in which everything learns


def effort(target, steps=3.0, rate=1e-3):
    if target.model not in FULL_STEPS:
        FULL_STEPS[target.model] = tuning.full_step(target, target.task.items("train"), 4)
    return tuning.Effort(steps * FULL_STEPS[target.model], learning_rate=rate, batch_size=4)


def carry_out(target, name, seed=0, **settings):
    strategy = strategies.get(name)
    train = target.task.items("train")
    return tuning.tune(target, strategy, train, effort(target, **settings), seed=seed, device="cpu")


@pytest.fixture(scope="module")
def once(target):
    """What a strategy gave with the seed 0: made once, for tests that leave it as it is."""
    return functools.cache(lambda name: carry_out(target, name))


def logits(target, model):
    rows = target.task.encode(target.task.items("test"), target.tokenizer)
    return finetuning.predict(model, rows, target.task.collator(target.tokenizer), device="cpu")


@STRATEGIES
def test_exactly_the_declared_parameters_change(target, once, name):
    strategy = strategies.get(name)
    before = dict(tuning.prepare(target, strategy, seed=0).named_parameters())
    done = once(name)
    after = dict(done.model.named_parameters())
    assert after.keys() == before.keys()
    changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
    declared = {key for key in after if strategy.learns(key)}
    assert changed <= declared
    # Only these get no gradient: rows never looked up, a layer that mean pooling does not use.
    unused = ("token_type", "pooler")
    assert all(any(part in key for part in unused) for key in declared - changed)
    assert done.trained_parameters == sum(after[key].numel() for key in declared)


@STRATEGIES
def test_equal_seeds_give_equal_results(target, once, name):
    first = logits(target, once(name).model)
    second, other = (logits(target, carry_out(target, name, seed).model) for seed in (0, 4))
    np.testing.assert_array_equal(first, second)
    if name != "linear_probe":  # convex: its answer hangs on no seed
        assert (first != other).any()


@STRATEGIES
def test_save_and_load_give_the_same_logits(target, name, tmp_path):
    done = carry_out(target, name)
    expected = logits(target, done.model)
    tuning.save(done.model, tmp_path)
    np.testing.assert_allclose(logits(target, tuning.load(tmp_path)), expected, atol=1e-5)
    assert not [*tmp_path.glob("*.bin"), *tmp_path.glob("*.pt"), *tmp_path.glob("*.pkl")]


@STRATEGIES
def test_training_lowers_the_loss_of_what_was_trained_on(target, name):
    truth = np.array(target.task.items("test")["label"])

    def loss(model):
        scores = torch.tensor(logits(target, model))
        return torch.nn.functional.cross_entropy(scores, torch.tensor(truth)).item()

    before = loss(tuning.prepare(target, strategies.get(name), seed=0))
    assert loss(carry_out(target, name, steps=24.0, rate=5e-3).model) < before


@STRATEGIES
def test_the_cost_is_that_of_the_budget(target, name):
    allowed = effort(target, steps=20.0)
    done = tuning.tune(
        target, strategies.get(name), target.task.items("train"), allowed, seed=0, device="cpu"
    )
    if name == "linear_probe":
        assert 0 < done.flops < allowed.flops / 4
    else:
        assert 0.8 * allowed.flops < done.flops < 1.2 * allowed.flops
    assert done.seconds > 0
    assert done.megabytes > 0
    assert sum(done.steps) == len(done.losses)


@pytest.mark.parametrize("name", ["lora", "ia3", "adapter", "dropconnect", "mixout"])
def test_a_change_put_in_leaves_the_logits_as_they_were(target, name):
    plain = logits(target, tuning.prepare(target, strategies.FULL, seed=0))
    changed = logits(target, tuning.prepare(target, strategies.get(name), seed=0))
    np.testing.assert_array_equal(changed, plain)


@pytest.mark.parametrize("name", ["lora", "ia3", "dropconnect", "mixout"])
def test_a_settled_model_is_a_plain_one_with_the_same_logits(target, name):
    done = carry_out(target, name)
    before = logits(target, done.model)
    plain = tuning.prepare(target, strategies.FULL, seed=0)
    settled = tuning.merge_changes(done.model)
    assert dict(settled.named_parameters()).keys() == dict(plain.named_parameters()).keys()
    np.testing.assert_allclose(logits(target, settled), before, atol=1e-5)


def test_one_step_on_a_batch_lowers_its_loss(target):
    model = tuning.prepare(target, strategies.FULL, seed=0)
    rows = target.task.encode(target.task.items("train", 4), target.tokenizer)
    batch = target.task.collator(target.tokenizer)(rows.to_list())
    before = model(**batch).loss
    before.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= 1e-2 * parameter.grad
    assert model(**batch).loss < before


def test_a_strategy_is_not_spoiled_by_use(target):
    strategy = strategies.get("gradual_unfreezing")
    kept = copy.copy(strategy)
    carry_out(target, "gradual_unfreezing")
    assert strategy == kept
    assert replace(strategy) == strategy
