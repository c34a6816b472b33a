"""Noise in training alone: each against its formula, by hand or by torch."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize
from transformers.pytorch_utils import Conv1D

from helpers import UserError
from helpers.transfer.regularization import (
    DropConnect,
    Mixout,
    RDrop,
    add_weight_noise,
    disagreement,
    remove_weight_noise,
)
from tests.transfer.test_strategies import collate, items, tiny, tiny_gpt2

DRAWS = 4000
KINDS = pytest.mark.parametrize("kind", ["dropconnect", "mixout"])
MODELS = pytest.mark.parametrize("make", [tiny, tiny_gpt2], ids=["bert", "gpt2"])


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def matrices():
    """A learned matrix and the pretrained one it comes from."""
    generator = torch.Generator().manual_seed(5)
    return (torch.randn(6, 5, generator=generator) for _ in range(2))


def without_dropout(model):
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropconnect_is_zero_at_its_share_and_right_on_average(share):
    weight, _ = matrices()
    drawn = torch.stack([DropConnect(share)(weight) for _ in range(DRAWS)])
    of_all = (drawn == 0).double().mean().item()
    spread = (share * (1 - share) / drawn.numel()) ** 0.5
    assert of_all == pytest.approx(share, abs=5 * spread)
    kept = drawn[drawn != 0] / weight.expand_as(drawn)[drawn != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - share)))
    of_mean = weight.abs() * (share / (1 - share) / DRAWS) ** 0.5
    assert ((drawn.mean(0) - weight).abs() < 5 * of_mean).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_mixout_is_its_formula(share):
    weight, pretrained = matrices()
    torch.manual_seed(3)
    drawn = Mixout(share, pretrained)(weight)
    torch.manual_seed(3)
    back = (functional.dropout(torch.ones_like(weight), share, training=True) == 0).float()
    expected = back * pretrained + (1 - back) * weight - share * pretrained
    torch.testing.assert_close(drawn, expected / (1 - share))
    assert (back.sum() > 0) == (share > 0)  # the mask did put some back


def test_mixout_from_zero_is_dropconnect():
    weight, _ = matrices()
    torch.manual_seed(3)
    mixed = Mixout(0.4, torch.zeros_like(weight))(weight)
    torch.manual_seed(3)
    assert torch.equal(mixed, DropConnect(0.4)(weight))


def test_mixout_is_the_learned_matrix_on_average():
    weight, pretrained = matrices()
    noise = Mixout(0.5, pretrained)
    mean = torch.stack([noise(weight) for _ in range(DRAWS)]).mean(0)
    assert ((mean - weight).abs() < 5 * (weight - pretrained).abs() / DRAWS**0.5).all()


def test_mixout_before_any_learning_changes_nothing():
    weight, _ = matrices()
    assert torch.equal(Mixout(0.5, weight)(weight), weight)


def test_mixout_keeps_the_pretrained_matrix_whatever_becomes_of_the_first():
    _, pretrained = matrices()
    kept = pretrained.clone()
    noise = Mixout(0.5, pretrained)
    pretrained.zero_()
    assert torch.equal(noise.pretrained, kept)
    assert not noise.state_dict()  # it is not saved with the model


def test_in_evaluation_both_are_the_matrix_itself():
    weight, pretrained = matrices()
    for noise in (DropConnect(0.5), Mixout(0.5, pretrained)):
        assert noise.eval()(weight) is weight or torch.equal(noise.eval()(weight), weight)


@KINDS
@MODELS
def test_putting_noise_on_and_off_keeps_every_weight_bit_for_bit(make, kind):
    plain, model = make(), make()
    before = copy.deepcopy(plain.state_dict())
    add_weight_noise(model, kind, 0.3)
    renamed = {
        name.replace("parametrizations.weight.original", "weight"): value
        for name, value in model.named_parameters()
    }
    assert renamed.keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in renamed.items())
    remove_weight_noise(model)
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [type(one) for one in model.modules()] == [type(one) for one in plain.modules()]


@KINDS
@MODELS
def test_noise_lies_on_every_matrix_of_the_layers_and_on_no_other(make, kind):
    model = add_weight_noise(make(), kind, 0.3)
    noisy = {name for name, one in model.named_modules() if parametrize.is_parametrized(one)}
    linear = {n for n, one in model.named_modules() if isinstance(one, nn.Linear | Conv1D)}
    assert noisy == linear - {"head"}
    assert len(noisy) == (12 if make is tiny else 8)  # six matrices a layer, GPT-2 has four


@KINDS
def test_noise_is_there_in_training_alone(kind):
    plain, model = tiny().eval(), without_dropout(add_weight_noise(tiny(), kind, 0.3))
    with torch.no_grad():
        for parameter in (*plain.backbone.parameters(), *model.backbone.parameters()):
            parameter += 0.1  # away from the pretrained values, where mixout has nothing to do
    batch = collate(items(4).to_list())
    assert torch.equal(model.eval()(**batch).logits, plain(**batch).logits)
    first, second = (model.train()(**batch).logits for _ in range(2))
    assert not torch.equal(first, second)


def test_taking_the_noise_off_keeps_what_was_learned():
    model = add_weight_noise(tiny(), "mixout", 0.5)
    layer = model.backbone.encoder.layer[0].output.dense
    with torch.no_grad():
        layer.parametrizations.weight.original += 1.0
    learned = layer.parametrizations.weight.original.detach().clone()
    assert torch.equal(
        remove_weight_noise(model.train()).backbone.encoder.layer[0].output.dense.weight, learned
    )


def test_a_model_without_noise_is_left_as_it_is():
    model = tiny()
    before = copy.deepcopy(model.state_dict())
    assert list(remove_weight_noise(model).state_dict()) == list(before)


@pytest.mark.parametrize(
    ("kind", "share", "sentence"),
    [
        ("dropout", 0.5, r"There is no weight noise 'dropout'; there are dropconnect and mixout\."),
        ("mixout", 1.0, r"mixout needs a share of at least 0 and below 1, not 1\."),
        ("dropconnect", -0.5, r"dropconnect needs a share of at least 0 and below 1, not -0\.5\."),
        ("dropconnect", float("nan"), r"below 1, not nan\."),
    ],
)
def test_a_bad_noise_is_a_sentence(kind, share, sentence):
    with pytest.raises(UserError, match=sentence):
        add_weight_noise(tiny(), kind, share)


def test_a_model_without_a_matrix_is_refused():
    with pytest.raises(UserError, match="Embedding has no linear layer for mixout"):
        add_weight_noise(nn.Embedding(3, 2), "mixout", 0.5)


def logits():
    generator = torch.Generator().manual_seed(7)
    return (3 * torch.randn(8, 4, generator=generator) for _ in range(2))


def test_the_disagreement_is_the_mean_of_both_divergences():
    first, second = logits()
    p, q = first.log_softmax(-1), second.log_softmax(-1)
    both = [
        functional.kl_div(one, other, reduction="batchmean", log_target=True)
        for one, other in ((q, p), (p, q))
    ]
    assert both[0].item() != pytest.approx(both[1].item(), rel=1e-3)
    torch.testing.assert_close(disagreement(first, second), (both[0] + both[1]) / 2)
    assert disagreement(first, second) == disagreement(second, first)
    assert disagreement(first, first + 5.0).item() == pytest.approx(0, abs=1e-6)


def test_the_disagreement_of_sure_answers_is_finite():
    sure = torch.tensor([[200.0, 0.0]])
    assert disagreement(sure, -sure).item() == pytest.approx(200.0)


def test_at_weight_zero_and_without_dropout_it_is_the_plain_loss():
    model = without_dropout(tiny()).train()
    batch = collate(items(6).to_list())
    plain, twice = model(**batch), RDrop(model, 0.0)(**batch)
    torch.testing.assert_close(twice.loss, plain.loss)
    assert torch.equal(twice.logits, plain.logits)
    # Without dropout there is nothing to disagree about either.
    torch.testing.assert_close(RDrop(model, 5.0)(**batch).loss, plain.loss)


def test_with_dropout_it_is_both_losses_and_the_weighted_disagreement():
    model = tiny().train()
    batch = collate(items(6).to_list())
    torch.manual_seed(3)
    first, second = model(**batch), model(**batch)
    assert not torch.equal(first.logits, second.logits)
    between = disagreement(first.logits, second.logits)
    for weight in (0.0, 0.7, 4.0):
        torch.manual_seed(3)
        result = RDrop(model, weight)(**batch)
        torch.testing.assert_close(result.loss, (first.loss + second.loss) / 2 + weight * between)
        assert torch.equal(result.logits, first.logits)


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_bad_weight_of_the_disagreement_is_refused(weight):
    with pytest.raises(UserError, match="R-Drop must be a finite number of at least 0, not"):
        RDrop(tiny(), weight)
