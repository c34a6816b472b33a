"""An encoder with a head: what is saved is read back the same, as what it was and nothing else."""

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

from helpers import UserError
from helpers.tasks.heads import MeanPooledClassifier, TokenClassifier

INPUT = {
    "input_ids": torch.tensor([[5, 6, 7], [8, 9, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1], [1, 1, 0]]),
}


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return BertModel(
        BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                   intermediate_size=16, max_position_embeddings=8)
    )  # fmt: skip


@pytest.mark.parametrize("kind", [MeanPooledClassifier, TokenClassifier])
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
