"""Training a language model while looking at it: what learns, and what a look may not change."""

import copy

import pytest
import torch

from helpers import UserError
from helpers.transfer import strategies
from helpers.transfer.adapters import add_lora
from helpers.transfer.held_out_curve import train_and_watch
from tests.training.test_pretraining import TRAINING, LanguageModeling, corpus, new, tokenizer

__all__ = ["corpus", "tokenizer"]  # fixtures


def train(model, corpus, tokenizer, strategy):
    task = LanguageModeling(corpus, block_size=32)
    return train_and_watch(
        model, task, tokenizer, task.items("train"), task.items("validation"), TRAINING,
        seed=0, strategy=strategy, looks=3, device="cpu",
    )  # fmt: skip


def changed(before, after):
    pairs = zip(before.named_parameters(), after.parameters(), strict=True)
    return {name for (name, a), b in pairs if not torch.equal(a, b)}


def test_the_top_learns_and_all_below_is_bit_identical(corpus, tokenizer):
    model = new(tokenizer)
    before = copy.deepcopy(model)
    watched = train(model, corpus, tokenizer, strategies.top(model))
    names = {name for name, _ in model.named_parameters()}
    top = {name for name in names if ".h.1." in name or ".ln_f." in name}
    assert changed(before, model) == top and top < names
    assert watched.looks[-1].losses.nats.sum() < watched.looks[0].losses.nats.sum()


def test_two_phases_first_the_top_then_everything(corpus, tokenizer):
    model = new(tokenizer)
    train(model, corpus, tokenizer, strategies.top(model))
    between = copy.deepcopy(model)
    train(model, corpus, tokenizer, strategies.FULL)
    assert "transformer.h.0.attn.c_attn.weight" in changed(between, model)


def test_the_top_of_a_model_with_adapters_is_its_top_adapters():
    from tests.tasks.test_language_modeling import gpt2

    model = add_lora(gpt2(), rank=2)
    learning = strategies.top(model, within=strategies.LORA).apply(model)
    assert learning and all("lora_" in name and ".h.1." in name for name in learning)


@pytest.mark.parametrize("layers", [0, 3])
def test_a_top_that_is_not_there_is_a_sentence(tokenizer, layers):
    with pytest.raises(UserError, match=f"has 2 layers; the top {layers} of them cannot learn"):
        strategies.top(new(tokenizer), layers)
