"""LoRA: nothing changes at first, only adapters learn, merging keeps the logits."""

import pytest
import torch
from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, XLNetConfig, XLNetLMHeadModel

from helpers import UserError
from helpers.tasks.batches import RightPadding
from helpers.tasks.bytepairs import train_bytepairs
from helpers.transfer import finetuning, strategies
from helpers.transfer.adapters import add_lora
from tests.tasks.test_language_modeling import TEXTS, gpt2


def llama():
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=300,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
            initializer_range=0.5,
        )
    ).eval()


IDS = torch.tensor([[0, 5, 9, 200, 41, 7]])
MAKERS = pytest.mark.parametrize("make", [gpt2, llama])


def trained(make):
    model = add_lora(make(), rank=2)
    rows = Dataset.from_dict({"input_ids": IDS.tolist() * 4, "labels": IDS.tolist() * 4})
    training = finetuning.Training(learning_rate=1e-2, batch_size=2, epochs=10)
    collator = RightPadding(train_bytepairs(TEXTS, vocabulary=270))
    tuned = finetuning.fine_tune(
        model, rows, collator, strategies.LORA, training, seed=0, device="cpu"
    )
    return model, tuned


@MAKERS
@torch.no_grad()
def test_at_first_the_logits_are_as_they_were(make):
    torch.testing.assert_close(add_lora(make(), rank=2)(IDS).logits, make()(IDS).logits)


@MAKERS
def test_only_adapters_learn_and_the_rest_is_bit_identical(make):
    model, tuned = trained(make)
    before = dict(add_lora(make(), rank=2).named_parameters())
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {n for n in before if "lora_" in n}
    assert tuned.trained_parameters == sum(before[n].numel() for n in changed)
    assert tuned.losses[-1] < tuned.losses[0]


@MAKERS
def test_merging_keeps_the_logits(make):
    model, _ = trained(make)
    with torch.no_grad():
        logits = model.eval()(IDS).logits
        assert not torch.allclose(logits, make()(IDS).logits, atol=1e-3)
        merged = model.merge_and_unload()(IDS).logits
    torch.testing.assert_close(merged, logits, atol=1e-4, rtol=1e-4)


def test_adapters_depend_on_the_seed_alone():
    def weights(seed):
        found = add_lora(gpt2(), rank=2, seed=seed).named_parameters()
        return next(p for n, p in found if "lora_A" in n)

    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))


def test_bad_input_is_a_sentence():
    with pytest.raises(UserError, match="rank of LoRA must be at least 1, not 0"):
        add_lora(gpt2(), rank=0)
    with pytest.raises(UserError, match=r"finds nothing to train in GPT2LMHeadModel; put adapters"):
        strategies.LORA.apply(gpt2())
    odd = XLNetLMHeadModel(XLNetConfig(vocab_size=9, d_model=8, n_layer=1, n_head=2, d_inner=8))
    with pytest.raises(UserError, match="LoRA does not know the attention of XLNetLM"):
        add_lora(odd, rank=2)
