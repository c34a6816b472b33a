"""Structured pruning: taking out equals masking, importance by finite differences, errors."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2Model

from helpers import UserError
from helpers.compression import structured
from helpers.tasks.heads import MeanPooledClassifier


def logits(model, batch):
    with torch.inference_mode():
        return model.eval()(**batch).logits


def size(model):
    return sum(p.numel() for p in model.parameters())


GONE = {0: [1], 1: [0, 3]}


@contextmanager
def masked_heads(model, heads):
    """Silence heads for a while: their outputs are zero, the model stays as it is."""
    hooks = []
    for number, silent in heads.items():
        attention = model.backbone.encoder.layer[number].attention
        keep = torch.ones(attention.self.num_attention_heads, 1)
        keep[silent] = 0

        def mask(module, inputs, keep=keep):
            parts = inputs[0].unflatten(-1, (len(keep), -1))
            return ((parts * keep).flatten(-2),)

        hooks.append(attention.output.dense.register_forward_pre_hook(mask))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def test_taking_heads_out_equals_masking_them(tiny, batch):
    model = tiny.model()
    whole, n = logits(model, batch), size(model)
    with masked_heads(model, GONE):
        masked = logits(model, batch)
    assert torch.equal(logits(model, batch), whole)  # only for a while
    assert not torch.allclose(masked, whole, atol=1e-3)
    structured.prune_heads(model, GONE)
    torch.testing.assert_close(logits(model, batch), masked, atol=1e-5, rtol=1e-5)
    # a head of 8 has rows and biases in query, key, value and columns in the output
    assert n - size(model) == 3 * (3 * 8 * (32 + 1) + 8 * 32)


def test_heads_can_be_pruned_again(tiny, batch):
    once, twice = tiny.model(), tiny.model()
    structured.prune_heads(once, {0: [1, 2]})
    structured.prune_heads(structured.prune_heads(twice, {0: [1]}), {0: [1]})  # renumbered
    assert torch.equal(logits(once, batch), logits(twice, batch))


def test_importance_of_a_head_is_the_slope_of_the_loss(tiny):
    model = tiny.model()
    one = tiny.rows.select([0])  # of one item, the absolute value changes nothing
    found = structured.head_importance(model, one, tiny.collator)
    assert found.shape == (2, 4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    batch = tiny.collator(one.to_list())
    model.double()
    slopes = np.zeros((2, 4))
    for layer in range(2):
        for head in range(4):
            dense = model.backbone.encoder.layer[layer].attention.output.dense
            losses = []
            for step in (-1e-4, 1e-4):
                scale = torch.ones(4, 1)
                scale[head] += step
                hook = dense.register_forward_pre_hook(
                    lambda m, x, s=scale: ((x[0].unflatten(-1, (4, -1)) * s).flatten(-2),)
                )
                with torch.no_grad():
                    losses.append(model(**batch).loss.item())
                hook.remove()
            slopes[layer, head] = abs(losses[1] - losses[0]) / 2e-4
    slopes /= np.linalg.norm(slopes, axis=1, keepdims=True)
    np.testing.assert_allclose(found, slopes, atol=2e-3)


def test_importance_of_heads_is_a_mean_over_items_not_over_batches(tiny):
    model = tiny.model()
    each = [structured.head_importance(model, tiny.rows, tiny.collator, n) for n in (1, 7, 48)]
    np.testing.assert_allclose(each[0], each[1], atol=1e-5)
    np.testing.assert_allclose(each[0], each[2], atol=1e-5)


def test_importance_of_neurons_is_a_sum_over_items_not_over_batches(tiny):
    model = tiny.model()
    each = [structured.neuron_importance(model, tiny.rows, tiny.collator, n) for n in (1, 7, 48)]
    np.testing.assert_allclose(each[1], each[0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(each[2], each[0], rtol=1e-3, atol=1e-6)


def test_importance_is_the_same_for_a_model_that_does_not_learn(tiny):
    model, frozen = tiny.model(), tiny.model().requires_grad_(False)
    rows = tiny.rows.select(range(6))
    for measure in (structured.head_importance, structured.neuron_importance):
        np.testing.assert_allclose(
            measure(frozen, rows, tiny.collator), measure(model, rows, tiny.collator), rtol=1e-6
        )


def test_a_model_with_fewer_heads_is_refused_when_it_is_loaded(tiny, tmp_path):
    structured.prune_heads(model := tiny.model(), {0: [0, 1], 1: [2, 3]})
    model.save(tmp_path)
    with pytest.raises(UserError, match="do not fit its configuration"):
        MeanPooledClassifier.load(tmp_path)


def test_a_neuron_without_a_way_out_does_not_matter(tiny):
    model = tiny.model()
    with torch.no_grad():
        model.backbone.encoder.layer[0].output.dense.weight[:, 5] = 0
    found = structured.neuron_importance(model, tiny.rows, tiny.collator)
    assert found.shape == (2, 64)
    assert found[0, 5] == 0 and (found > 0).sum() > 100


def test_silent_neurons_can_go_without_a_trace_and_the_rest_is_saved(tiny, batch, tmp_path):
    model = tiny.model()
    with torch.no_grad():
        for layer in model.backbone.encoder.layer:
            layer.output.dense.weight[:, 20:] = 0
    before = logits(model, batch)
    importance = structured.neuron_importance(model, tiny.rows, tiny.collator)
    structured.prune_neurons(model, importance, 20)
    torch.testing.assert_close(logits(model, batch), before, atol=1e-5, rtol=1e-5)
    model.save(tmp_path)
    again = MeanPooledClassifier.load(tmp_path)
    assert again.backbone.config.intermediate_size == 20
    assert torch.equal(logits(again, batch), logits(model, batch))


def test_layers_can_go_and_the_rest_is_saved(tiny, batch, tmp_path):
    model = structured.drop_layers(tiny.model(), [1])
    model.save(tmp_path)
    again = MeanPooledClassifier.load(tmp_path)
    assert len(again.backbone.encoder.layer) == 1
    assert torch.equal(logits(again, batch), logits(model, batch))
    kept = structured.drop_layers(tiny.model(), [0, 1])
    assert torch.equal(logits(kept, batch), logits(tiny.model(), batch))


def test_positions_that_no_text_reaches_can_go_and_the_rest_is_saved(tiny, batch, tmp_path):
    model = tiny.model()
    whole, n = logits(model, batch), size(model)
    length = batch["input_ids"].shape[1]
    structured.keep_positions(model, length)
    assert torch.equal(logits(model, batch), whole)
    assert n - size(model) == (40 - length) * 32
    model.save(tmp_path)
    again = MeanPooledClassifier.load(tmp_path)
    assert again.backbone.config.max_position_embeddings == length
    assert torch.equal(logits(again, batch), whole)


def test_the_least_important_heads_go_evenly():
    importance = np.random.default_rng(0).random((3, 8))
    gone = structured.least_important(importance, 0.25)
    for layer, heads in gone.items():
        assert len(heads) == 2
        rest = np.delete(importance[layer], heads)
        assert importance[layer][heads].max() < rest.min()
    assert structured.least_important(importance, 0.0) == {0: [], 1: [], 2: []}


def test_mistakes_are_sentences(tiny):
    model = tiny.model()
    for heads, words in [
        ({0: [0, 1, 2, 3]}, r"All 4 heads of layer 0 would go; keep at least one\."),
        ({2: [0]}, r"There is no layer 2; the model has 2, from 0\."),
        ({0: [4]}, r"Layer 0 has 4 heads, from 0; there is no head 4\."),
    ]:
        with pytest.raises(UserError, match=words):
            structured.prune_heads(model, heads)
    with pytest.raises(UserError, match=r"Pruning 1 of 4 heads would leave 0 in a layer; keep at"):
        structured.least_important(np.ones((2, 4)), 1.0)
    with pytest.raises(UserError, match=r"width must be from 1 to 64, not 65\."):
        structured.prune_neurons(model, np.ones((2, 64)), 65)
    with pytest.raises(UserError, match=r"must have the shape \(2, 64\), one number a neuron, not"):
        structured.prune_neurons(model, np.ones((1, 64)), 8)
    for keep in ([], [1, 0], [0, 0], [2], [-1]):
        with pytest.raises(UserError, match=r"must be some of 0 to 1 in rising order, not \["):
            structured.drop_layers(model, keep)
    for length in (0, 41):
        with pytest.raises(UserError, match=rf"length must be from 1 to 40, not {length}\."):
            structured.keep_positions(model, length)
    with pytest.raises(UserError, match=r"Importance needs at least one labelled item\."):
        structured.head_importance(model, tiny.rows.select([]), tiny.collator)
    gpt2 = GPT2Model(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=9, n_positions=4))
    with pytest.raises(UserError, match=r"knows encoders built as BERT is; GPT2Model is not\."):
        structured.prune_heads(MeanPooledClassifier(gpt2, 2), {0: [0]})
