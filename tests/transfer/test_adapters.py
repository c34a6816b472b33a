"""Small parts in a frozen model: nothing changes at first, only they learn, copies are apart."""

import copy

import pytest
import torch
from datasets import Dataset
from torch import nn
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5Model,
    XLNetConfig,
    XLNetLMHeadModel,
)

from helpers import UserError
from helpers.tasks.batches import RightPadding
from helpers.tasks.bytepairs import train_bytepairs
from helpers.transfer import finetuning, strategies
from helpers.transfer.adapters import (
    Bottleneck,
    add_bottlenecks,
    add_ia3,
    add_lora,
    load_bottlenecks,
    save_bottlenecks,
)
from tests.tasks.test_language_modeling import TEXTS, gpt2
from tests.tiny_bert import bert
from tests.transfer.test_strategies import TRAINING, collate, items, tiny, tiny_gpt2


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
    with pytest.raises(UserError, match=r"\(IA\)³ does not know the attention of XLNetLM"):
        add_ia3(odd)


CLASSIFIERS = pytest.mark.parametrize("make", [tiny, tiny_gpt2], ids=["bert", "gpt2"])


@pytest.fixture
def batch():
    return collate(items(6).to_list())


@CLASSIFIERS
@torch.no_grad()
def test_merging_keeps_the_logits_of_any_low_rank_change(make, batch):
    model = make().eval()
    plain = model(**batch).logits
    model.backbone = add_lora(model.backbone, rank=3, task_type=None)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    changed = model.eval()(**batch).logits
    assert (changed - plain).abs().max() > 1e-3
    model.backbone = model.backbone.merge_and_unload()
    torch.testing.assert_close(model(**batch).logits, changed, atol=1e-5, rtol=0)
    assert not [name for name, _ in model.named_parameters() if "lora" in name]


@pytest.mark.parametrize("alpha", [None, 6])
@torch.no_grad()
def test_a_low_rank_change_is_its_formula(alpha):
    model = add_lora(gpt2(), rank=3, alpha=alpha)
    matrix = model.base_model.model.transformer.h[0].attn.c_attn
    generator = torch.Generator().manual_seed(0)
    a, b = matrix.lora_A["default"].weight, matrix.lora_B["default"].weight
    b.copy_(torch.randn(b.shape, generator=generator))
    before = matrix.base_layer.weight.clone()
    merged = model.merge_and_unload().transformer.h[0].attn.c_attn.weight
    torch.testing.assert_close(merged - before, 2 * (b @ a).T)  # α/r: 2 by default, and 6/3


@CLASSIFIERS
def test_factors_start_at_one_and_the_logits_as_they_were(make, batch):
    model = make().eval()
    with torch.no_grad():
        plain = model(**batch).logits
        model.backbone = add_ia3(model.backbone)
        assert torch.equal(model.eval()(**batch).logits, plain)
    factors = {name: p for name, p in model.named_parameters() if "ia3_" in name}
    assert all(torch.equal(one, torch.ones_like(one)) for one in factors.values())
    # In both layers: BERT's keys, values and what goes into its two output matrices; GPT-2's
    # queries, keys and values, which are one matrix, and what goes into the feed-forward output.
    widths = 16 + 16 + 16 + 32 if make is tiny else 48 + 64
    assert sum(one.numel() for one in factors.values()) == 2 * widths
    frozen = [p for name, p in model.backbone.named_parameters() if name not in factors]
    assert any(one.requires_grad for one in factors.values())
    assert not any(p.requires_grad for p in frozen if not any(p is one for one in factors.values()))


@CLASSIFIERS
def test_bottlenecks_have_two_matrices_and_two_biases_a_layer(make):
    model = make()
    before = dict(model.named_parameters())
    narrow, width, layers = 3, 16, 2
    add_bottlenecks(model, narrow)
    new = {n: p for n, p in model.named_parameters() if n not in before}
    assert sum(p.numel() for p in new.values()) == layers * (2 * width * narrow + narrow + width)
    assert all(name.startswith("adapters.") for name in new)
    assert all(dict(model.named_parameters())[name] is p for name, p in before.items())


@torch.no_grad()
def test_a_bottleneck_is_its_formula():
    torch.manual_seed(0)
    one, hidden = Bottleneck(6, 2), torch.randn(2, 3, 6)
    assert torch.equal(one(hidden), hidden)  # at first it adds nothing
    nn.init.normal_(one.up.weight)
    nn.init.normal_(one.up.bias)
    inner = hidden @ one.down.weight.T + one.down.bias
    inner = inner * 0.5 * (1 + torch.erf(inner / 2**0.5))
    expected = hidden + inner @ one.up.weight.T + one.up.bias
    torch.testing.assert_close(one(hidden), expected)
    assert one.after(nn.Identity(), (), (hidden, "rest"))[1] == "rest"


@CLASSIFIERS
@torch.no_grad()
def test_each_layer_goes_through_its_own_bottleneck(make, batch):
    logits = []
    for at in (None, 0, 1):
        model = add_bottlenecks(make(), 3).eval()
        if at is not None:
            nn.init.ones_(model.adapters[at].up.bias[:1])
        logits.append(model(**batch).logits)
    assert not torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])
    assert not torch.equal(logits[1], logits[2])


def test_bottlenecks_depend_on_the_seed_alone():
    a, b, c = (add_bottlenecks(tiny(), 3, seed=seed).adapters[0].down.weight for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    model = tiny()
    state = torch.get_rng_state()
    add_bottlenecks(model, 3, seed=1)
    assert torch.equal(torch.get_rng_state(), state)


@CLASSIFIERS
def test_a_copy_calls_its_own_bottlenecks(make, batch):
    model = add_bottlenecks(make(), 3)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        before = model.eval()(**batch).logits
        assert torch.equal(twin.eval()(**batch).logits, before)
    kept = copy.deepcopy(model.state_dict())
    finetuning.fine_tune(
        twin, items(), collate, strategies.get("adapter"), TRAINING, seed=0, device="cpu"
    )
    # The head learned too; with the model's own head back, only the bottlenecks differ.
    twin.head.load_state_dict(model.head.state_dict())
    with torch.no_grad():
        assert torch.equal(model.eval()(**batch).logits, before)
        assert not torch.equal(twin(**batch).logits, before)
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())


@CLASSIFIERS
@torch.no_grad()
def test_saved_bottlenecks_give_the_same_logits_again(make, batch, tmp_path):
    model = add_bottlenecks(make(), 3)
    for one in model.adapters:
        nn.init.normal_(one.up.weight)
    plain, expected = make().eval()(**batch).logits, model.eval()(**batch).logits
    assert not torch.equal(plain, expected)
    save_bottlenecks(model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["adapters.safetensors"]
    again = load_bottlenecks(make(), tmp_path).eval()
    assert torch.equal(again(**batch).logits, expected)


def test_a_folder_without_bottlenecks_changes_nothing(tmp_path):
    model = load_bottlenecks(tiny(), tmp_path)
    assert not hasattr(model, "adapters")


def of_shape(width, layers):
    model = nn.Module()
    model.backbone = bert(hidden_size=width, num_hidden_layers=layers)
    return model


@pytest.mark.parametrize(("width", "layers"), [(8, 2), (16, 1), (16, 3)])
def test_bottlenecks_of_another_model_are_refused(width, layers, tmp_path):
    save_bottlenecks(add_bottlenecks(tiny(), 3), tmp_path)
    with pytest.raises(UserError, match=r"adapters in .*safetensors do not fit the model beside"):
        load_bottlenecks(of_shape(width, layers), tmp_path)


def test_bottlenecks_need_a_width_and_one_list_of_layers():
    with pytest.raises(UserError, match="A bottleneck needs a width of at least 1, not 0"):
        add_bottlenecks(tiny(), 0)
    model = nn.Module()
    model.backbone = T5Model(
        T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=2, num_heads=2)
    )
    with pytest.raises(UserError, match="T5Model has no single list of 2 layers; adapters cannot"):
        add_bottlenecks(model, 3)
