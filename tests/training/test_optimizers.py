"""Muon with AdamW: torch's own but for Muon's 32 bits, one step size, one state."""

import pytest
import torch
from torch import nn

from helpers import UserError
from helpers.training.optimizers import Muon, MuonAdamW
from helpers.transfer.finetuning import Training


def model():
    torch.manual_seed(0)
    layers = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 6)])
    embedding, head = nn.Embedding(5, 6), nn.Linear(6, 3)
    return nn.ModuleDict({"embedding": embedding, "layers": layers, "head": head})


def forward(net):
    x = net["embedding"](torch.arange(5))
    for layer in net["layers"]:
        x = torch.tanh(layer(x))
    return nn.functional.cross_entropy(net["head"](x), torch.tensor([0, 1, 2, 0, 1]))


def train(net, optimizer, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        loss = forward(net)
        loss.backward()
        optimizer.step()
    return loss.item()


def test_it_is_the_two_optimizers_side_by_side():
    ours, theirs = model(), model()
    train(ours, MuonAdamW(ours, lr=0.01))
    matrices = [layer.weight for layer in theirs["layers"]]
    rest = [p for n, p in theirs.named_parameters() if "layers" not in n or "bias" in n]
    muon = torch.optim.Muon(matrices, lr=0.01, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(rest, lr=0.01, betas=(0.9, 0.95), weight_decay=0.0)
    for _ in range(3):
        for one in (muon, adamw):
            one.zero_grad()
        forward(theirs).backward()
        for one in (muon, adamw):
            one.step()
    for before, a, b in zip(
        model().parameters(), ours.parameters(), theirs.parameters(), strict=True
    ):
        # torch's Muon orthogonalizes in bfloat16, which keeps 8 bits; the next test is exact
        assert (a - b).abs().max() <= 0.1 * (b - before).abs().max()


@pytest.mark.parametrize("shape", [(5, 5), (8, 3), (3, 8)])
def test_a_step_of_muon_is_the_orthogonal_matrix_times_a_polynomial_of_its_singular_values(shape):
    start = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    matrix = nn.Parameter(start.clone())
    matrix.grad = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, s, v = torch.linalg.svd(matrix.grad.double(), full_matrices=False)
    Muon([matrix], lr=0.1, weight_decay=0.0).step()
    s = s / s.norm()
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    expected = start - 0.1 * 0.2 * max(shape) ** 0.5 * (u * s) @ v
    torch.testing.assert_close(matrix.data, expected.float(), atol=1e-5, rtol=1e-4)


def test_a_schedule_reaches_both_parts():
    net = model()
    optimizer = MuonAdamW(net, lr=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    before = [p.clone() for p in net.parameters()]
    train(net, optimizer)
    schedule.step()
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), before, strict=True))


def test_its_state_can_be_saved_and_goes_on():
    whole, halves = model(), model()
    train(whole, MuonAdamW(whole, lr=0.01), steps=4)
    first = MuonAdamW(halves, lr=0.01)
    train(halves, first, steps=2)
    second = MuonAdamW(halves, lr=0.5)
    second.load_state_dict(first.state_dict())
    train(halves, second, steps=2)
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        assert torch.equal(a, b)


def test_frozen_weights_are_left_alone():
    net = model()
    net["layers"][0].weight.requires_grad_(False)
    before = net["layers"][0].weight.clone()
    train(net, MuonAdamW(net, lr=0.1))
    assert torch.equal(net["layers"][0].weight, before)


def test_an_unknown_optimizer_is_a_sentence():
    with pytest.raises(UserError, match="There is no optimizer 'moun'"):
        Training(optimizer="moun")
