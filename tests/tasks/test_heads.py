"""An encoder with a head: what is saved is read back the same, as what it was and nothing else."""

import pytest
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2Model

from helpers import UserError
from helpers.tasks.heads import (
    LastTokenClassifier,
    MeanPooledClassifier,
    TokenClassifier,
    mean_pool,
)
from tests.tiny_bert import bert

INPUT = {
    "input_ids": torch.tensor([[5, 6, 7], [8, 9, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1], [1, 1, 0]]),
}


@pytest.fixture
def encoder():
    shape = {"vocab_size": 20, "num_hidden_layers": 1, "intermediate_size": 16}
    return bert(pooler=True, max_position_embeddings=8, **shape)


@pytest.fixture
def causal():
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=20, n_embd=16, n_layer=2, n_head=2, n_positions=8)
    return GPT2Model(config)


@pytest.mark.parametrize("kind", [MeanPooledClassifier, TokenClassifier, LastTokenClassifier])
def test_what_is_read_back_has_the_same_logits(kind, encoder, tmp_path):
    model = kind(encoder, n_classes=3).eval()
    model.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    read = kind.load(tmp_path)
    assert type(read) is kind and not read.training
    torch.testing.assert_close(read(**INPUT).logits, model(**INPUT).logits)


def test_a_tagger_is_no_classifier_of_texts(encoder, tmp_path):
    TokenClassifier(encoder, n_classes=3).save(tmp_path)
    with pytest.raises(UserError) as told:
        MeanPooledClassifier.load(tmp_path)
    assert str(told.value) == (
        f"{tmp_path} holds a TokenClassifier, not a MeanPooledClassifier; read it with that."
    )


def test_a_head_that_does_not_say_what_it_is_is_taken_as_asked(encoder, tmp_path):
    """Such were saved before heads said so."""
    model = MeanPooledClassifier(encoder, n_classes=3)
    model.save(tmp_path)
    save_file(model.head.state_dict(), tmp_path / "head.safetensors")
    assert MeanPooledClassifier.load(tmp_path).head.out_features == 3


def test_a_folder_that_was_not_saved_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"holds no head\.safetensors; give a folder that this"):
        TokenClassifier.load(tmp_path)


def test_a_classifier_of_last_tokens_is_no_other(causal, tmp_path):
    model = LastTokenClassifier(causal, n_classes=3)
    model.save(tmp_path)
    read = LastTokenClassifier.load(tmp_path)
    torch.testing.assert_close(read(**INPUT).logits, model.eval()(**INPUT).logits)
    with pytest.raises(UserError) as told:
        MeanPooledClassifier.load(tmp_path)
    assert str(told.value) == (
        f"{tmp_path} holds a LastTokenClassifier, not a MeanPooledClassifier; read it with that."
    )


# what goes into the head


def unpadded(at):
    length = int(INPUT["attention_mask"][at].sum())
    return {name: tensor[at : at + 1, :length] for name, tensor in INPUT.items()}


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("filler", [0, 5, 19])
def test_padding_behind_the_last_token_changes_nothing(causal, at, filler):
    model = LastTokenClassifier(causal, n_classes=3).eval()
    ids = INPUT["input_ids"].masked_fill(INPUT["attention_mask"] == 0, filler)
    together = model(ids, INPUT["attention_mask"]).logits[at]
    torch.testing.assert_close(model(**unpadded(at)).logits[0], together)


def test_the_vector_is_that_of_the_last_token(causal):
    model = LastTokenClassifier(causal, n_classes=3).eval()
    hidden = causal(**INPUT).last_hidden_state
    last = torch.stack([hidden[0, 2], hidden[1, 1]])
    torch.testing.assert_close(model.features(**INPUT), last)
    expected = last @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(**INPUT).logits, expected)


def test_last_tokens_are_classified_as_the_library_does(causal):
    theirs = GPT2ForSequenceClassification(
        GPT2Config(**causal.config.to_diff_dict() | {"num_labels": 3, "pad_token_id": 0})
    ).eval()
    theirs.transformer.load_state_dict(causal.state_dict())
    ours = LastTokenClassifier(causal, n_classes=3).eval()
    torch.nn.init.zeros_(ours.head.bias)
    ours.head.weight = theirs.score.weight
    torch.testing.assert_close(ours(**INPUT).logits, theirs(**INPUT).logits)


def test_padding_gets_no_gradient(causal):
    model = LastTokenClassifier(causal, n_classes=3)
    padded = {name: tensor[1:] for name, tensor in INPUT.items()}
    model(**padded, labels=torch.tensor([2])).loss.backward()
    for embeddings, used in ((causal.wte, [8, 9]), (causal.wpe, [0, 1])):
        assert embeddings.weight.grad.abs().sum(1).nonzero().flatten().tolist() == used


def test_a_mean_leaves_padding_out(encoder):
    model = MeanPooledClassifier(encoder, n_classes=3).eval()
    hidden = encoder(**INPUT).last_hidden_state
    means = torch.stack([hidden[0].mean(0), hidden[1, :2].mean(0)])
    torch.testing.assert_close(mean_pool(hidden, INPUT["attention_mask"]), means)
    features = model.features(**INPUT)
    scaled = (means - means.mean(1, keepdim=True)) / means.std(1, keepdim=True, correction=0)
    torch.testing.assert_close(features, scaled, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(model(**unpadded(1)).logits[0], model(**INPUT).logits[1])


@pytest.mark.parametrize("kind", [MeanPooledClassifier, LastTokenClassifier])
def test_the_loss_is_the_mean_cross_entropy(kind, causal):
    out = kind(causal, n_classes=3).eval()(**INPUT, labels=torch.tensor([2, 0]))
    chances = out.logits.exp() / out.logits.exp().sum(1, keepdim=True)
    assert out.loss.item() == pytest.approx(-chances[[0, 1], [2, 0]].log().mean().item(), abs=1e-6)
    assert kind(causal, n_classes=3)(**INPUT).loss is None


def test_the_loss_of_tokens_counts_labelled_ones_alone(encoder):
    labels = torch.tensor([[1, -100, 0], [2, -100, -100]])
    out = TokenClassifier(encoder, n_classes=3).eval()(**INPUT, labels=labels)
    assert out.logits.shape == (2, 3, 3)
    logs = out.logits - out.logits.exp().sum(-1, keepdim=True).log()
    expected = -(logs[0, 0, 1] + logs[0, 2, 0] + logs[1, 0, 2]) / 3
    torch.testing.assert_close(out.loss, expected)
