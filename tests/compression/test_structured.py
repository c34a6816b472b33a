"""Structured pruning: what stays answers as before, errors."""

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


def test_mistakes_are_sentences(tiny):
    model = tiny.model()
    for keep in ([], [1, 0], [0, 0], [2], [-1]):
        with pytest.raises(UserError, match=r"must be some of 0 to 1 in rising order, not \["):
            structured.drop_layers(model, keep)
    for length in (0, 41):
        with pytest.raises(UserError, match=rf"length must be from 1 to 40, not {length}\."):
            structured.keep_positions(model, length)
    gpt2 = GPT2Model(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=9, n_positions=4))
    with pytest.raises(UserError, match=r"knows encoders built as BERT is; GPT2Model is not\."):
        structured.drop_layers(MeanPooledClassifier(gpt2, 2), [0])
