import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from helpers import UserError
from helpers.training.costs import choose_device, training_flops
from helpers.transfer import finetuning


@pytest.fixture
def machine(monkeypatch):
    """Return a function that gives this machine the accelerators named, and no other."""

    def has(*names):
        monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in names)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: "mps" in names)

    return has


@pytest.mark.parametrize(
    ("there", "chosen"),
    [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("mps", "cuda"), "cuda")],
)
def test_the_fastest_device_is_chosen(machine, there, chosen):
    machine(*there)
    assert choose_device() == choose_device("auto") == torch.device(chosen)
    assert choose_device("cpu") == torch.device("cpu")


def test_a_device_that_is_there_is_taken_by_name(machine):
    machine("mps", "cuda")
    assert choose_device("mps") == torch.device("mps")


@pytest.mark.parametrize(
    ("name", "there", "usable"),
    [("tpu", (), "cpu"), ("cuda", (), "cpu"), ("cuda", ("mps",), "cpu, mps"), ("", (), "cpu")],
)
def test_an_absent_device_is_refused(machine, name, there, usable):
    machine(*there)
    with pytest.raises(UserError) as told:
        choose_device(name)
    assert str(told.value) == (
        f"Device '{name}' is not on this machine; usable here: auto, {usable}."
    )


def test_flops_leave_embeddings_out():
    model = nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 4, bias=False))
    assert training_flops(model, tokens=10) == 6 * 10 * 32


def test_a_matrix_that_is_an_embedding_too_is_left_out_once():
    model = nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 100, bias=False), nn.Linear(8, 2))
    model[1].weight = model[0].weight
    assert training_flops(model, tokens=1) == 6 * (8 * 2 + 2)


def test_flops_of_a_bert_are_those_of_its_shapes():
    width, inner, layers = 16, 32, 2
    config = BertConfig(vocab_size=50, hidden_size=width, num_hidden_layers=layers,
                        num_attention_heads=2, intermediate_size=inner)  # fmt: skip
    attention = 4 * (width * width + width)
    perceptron = 2 * width * inner + inner + width
    norms = 2 * 2 * width
    expected = layers * (attention + perceptron + norms) + 2 * width  # and the embeddings' norm
    model = BertModel(config, add_pooling_layer=False)
    assert training_flops(model, tokens=7) == 6 * 7 * expected
    assert training_flops(model.requires_grad_(False), tokens=7) == 6 * 7 * expected


def test_fine_tuning_offers_the_same_functions():
    assert finetuning.choose_device is choose_device
    assert finetuning.training_flops is training_flops
