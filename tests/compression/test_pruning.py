"""Unstructured pruning: exact counts, zeros that stay, errors."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from transformers import GPT2Config, GPT2Model

from helpers import UserError
from helpers.compression import pruning
from helpers.transfer.finetuning import Training, fine_tune
from helpers.transfer.strategies import FULL


def logits(model, batch):
    with torch.inference_mode():
        return model.eval()(**batch).logits


def tune(model, tiny, epochs=2):
    return fine_tune(
        model, tiny.rows, tiny.collator, FULL, Training(1e-2, epochs=epochs), seed=0, device="cpu"
    )  # fmt: skip


def weights(model):
    return {name: module.weight.detach() for name, module in pruning.prunable(model).items()}


def share_of_zeros(model):
    zeros = [(w == 0).flatten() for w in weights(model).values()]
    return torch.cat(zeros).double().mean().item()


def test_only_the_layers_matrices_are_pruned(tiny):
    names = list(pruning.prunable(tiny.model()))
    assert len(names) == 2 * 6 and all(".layer." in name for name in names)
    gpt2 = GPT2Model(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=9, n_positions=4))
    assert list(pruning.prunable(gpt2)) == [
        "h.0.attn.c_attn", "h.0.attn.c_proj", "h.0.mlp.c_fc", "h.0.mlp.c_proj",
    ]  # fmt: skip


def test_nothing_pruned_leaves_the_logits_bit_for_bit(tiny, batch):
    model = tiny.model()
    before = logits(model, batch)
    for scope in ("global", "layer"):
        pruning.finish(pruning.prune_by_magnitude(model, 0.0, scope))
    assert torch.equal(logits(model, batch), before)


@pytest.mark.parametrize("sparsity", [0.3, 0.777, 0.99])
def test_globally_the_smallest_weights_go(tiny, sparsity):
    model = tiny.model()
    before = torch.cat([w.flatten() for w in weights(model).values()]).abs()
    pruning.finish(pruning.prune_by_magnitude(model, sparsity))
    after = torch.cat([w.flatten() for w in weights(model).values()])
    gone = after == 0
    assert gone.sum() == round(sparsity * len(before))
    assert before[gone].max() <= before[~gone].min()
    assert share_of_zeros(model) == pytest.approx(sparsity, abs=1e-4)


def test_by_layer_every_matrix_loses_the_same_share(tiny):
    model = tiny.model()
    pruning.finish(pruning.prune_by_magnitude(model, 0.25, "layer"))
    for name, w in weights(model).items():
        assert (w == 0).sum() == round(0.25 * w.numel()), name


def test_what_was_pruned_stays_pruned_when_more_is(tiny):
    model = pruning.prune_by_magnitude(tiny.model(), 0.3)
    first = {name: w == 0 for name, w in weights(model).items()}
    pruning.prune_by_magnitude(model, 0.6)
    for name, w in weights(model).items():
        assert (w[first[name]] == 0).all()
    assert share_of_zeros(model) == pytest.approx(0.6, abs=1e-4)


def test_more_can_be_pruned_after_finishing(tiny):
    model = pruning.finish(pruning.prune_by_magnitude(tiny.model(), 0.3))
    first = {name: w == 0 for name, w in weights(model).items()}
    pruning.finish(pruning.prune_by_magnitude(model, 0.6))
    assert share_of_zeros(model) == pytest.approx(0.6, abs=1e-4)
    for name, w in weights(model).items():
        assert (w[first[name]] == 0).all()


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_of_equal_weights_exactly_the_share_goes(tiny, scope):
    model = tiny.model()
    with torch.no_grad():
        for module in pruning.prunable(model).values():
            module.weight.fill_(0.5)
    masks = pruning.magnitude_masks(model, 0.37, scope)
    gone, n = sum(int((~m).sum()) for m in masks.values()), sum(m.numel() for m in masks.values())
    if scope == "global":
        assert gone == round(0.37 * n)
    else:
        assert all(int((~m).sum()) == round(0.37 * m.numel()) for m in masks.values())


def test_masks_go_by_the_weights_of_now(tiny):
    model = pruning.prune_by_magnitude(tiny.model(), 0.2, "layer")
    name, module = next(iter(pruning.prunable(model).items()))
    with torch.no_grad():  # as an optimizer's step does, with no pass after it
        module.weight_orig.copy_(module.weight_orig.flip(0))
    size = module.weight_orig.abs().masked_fill(module.weight_mask == 0, -1).flatten()
    kept = pruning.magnitude_masks(model, 0.5, "layer")[name].flatten()
    assert size[~kept].max() <= size[kept].min()


def test_pruning_at_every_step_holds_one_mask_a_matrix(tiny):
    model = tiny.model()
    for sparsity in (0.2, 0.5, 0.8):
        pruning.prune_by_magnitude(model, sparsity)
        tune(model, tiny, epochs=1)
    for module in pruning.prunable(model).values():
        (hook,) = module._forward_pre_hooks.values()
        assert not isinstance(hook, prune.PruningContainer)


def test_given_masks_are_applied_and_checked(tiny):
    model = tiny.model()
    name, module = next(iter(pruning.prunable(model).items()))
    mask = torch.ones(32, 32, dtype=torch.bool)
    mask[3, 4] = False
    pruning.apply_masks(model, {name: mask})
    assert module.weight[3, 4] == 0 and (module.weight == 0).sum() == 1
    with pytest.raises(UserError, match=r"^There is no prunable matrix 'x'\."):
        pruning.apply_masks(model, {"x": mask})
    with pytest.raises(UserError, match=r"must have the shape \(32, 32\), not \(2,\)\."):
        pruning.apply_masks(model, {name: mask[0, :2]})


def test_zeros_stay_zero_while_the_rest_is_tuned(tiny, batch):
    model = pruning.prune_by_magnitude(tiny.model(), 0.5)
    before = weights(model)
    zeros = {name: w == 0 for name, w in before.items()}
    tune(model, tiny)
    held = logits(model, batch)
    pruning.finish(model)
    for name, w in weights(model).items():
        assert (w[zeros[name]] == 0).all() and not torch.equal(w, before[name])
    assert torch.equal(logits(model, batch), held)
    assert {name for name, _ in model.named_parameters()} == {
        name for name, _ in tiny.model().named_parameters()
    }


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 1.5, float("nan")])
def test_a_sparsity_outside_zero_and_one_is_a_sentence(tiny, sparsity):
    with pytest.raises(UserError, match=r"must be a share of at least 0 and below 1, not "):
        pruning.prune_by_magnitude(tiny.model(), sparsity)


def test_other_mistakes_are_sentences(tiny):
    with pytest.raises(UserError, match=r"must be global or layer, not 'all'\."):
        pruning.prune_by_magnitude(tiny.model(), 0.5, "all")
    with pytest.raises(UserError, match=r"Linear has no layers with linear maps to prune\."):
        pruning.prune_by_magnitude(nn.Linear(2, 2), 0.5)
