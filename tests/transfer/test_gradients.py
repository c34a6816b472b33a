"""Flat gradients: read, put back, and projected where two tasks conflict."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.transfer.gradients import flat_gradient, project_conflicting, with_gradient


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_flat_gradient_is_that_of_finite_differences():
    layer, unused, x = nn.Linear(3, 2).double(), nn.Linear(2, 1).double(), random(4, 3)
    parameters = [*layer.parameters(), *unused.parameters()]
    found = flat_gradient(layer(x).tanh().sum(), parameters)
    wanted = []
    with torch.no_grad():
        for p in parameters:
            for i in range(p.numel()):
                ends = []
                for step in (1e-6, -1e-6):
                    p.view(-1)[i] += step
                    ends.append(layer(x).tanh().sum().item())
                    p.view(-1)[i] -= step
                wanted.append((ends[0] - ends[1]) / 2e-6)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-8)
    assert found[-3:].tolist() == [0, 0, 0]


def test_a_gradient_that_is_put_back_arrives_and_the_value_stays():
    layer = nn.Linear(3, 2).double()
    gradient, value = random(8, seed=1), torch.tensor(1.25, dtype=torch.float64)
    loss = with_gradient(value, list(layer.parameters()), gradient)
    loss.backward()
    assert loss.item() == pytest.approx(1.25, abs=1e-12)
    assert torch.equal(torch.cat([layer.weight.grad.flatten(), layer.bias.grad]), gradient)


def test_two_vectors_in_the_plane_are_those_by_hand():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0])
    first, second = project_conflicting([a, b], seed=0)
    # a loses -2/2 b; b loses -2/4 a
    assert first.tolist() == [1.0, 1.0] and second.tolist() == [0.0, 1.0]
    assert a.tolist() == [2.0, 0.0] and b.tolist() == [-1.0, 1.0]  # what was given stays


@pytest.mark.parametrize("seed", range(5))
def test_gradients_without_a_conflict_are_untouched(seed):
    given = [one.abs() for one in random(3, 6, seed=seed)]
    for one, found in zip(given, project_conflicting(given, seed), strict=True):
        assert torch.equal(one, found)


def test_two_tasks_come_out_without_a_conflict():
    for seed in range(50):
        a, b = random(2, 4, seed=seed)
        first, second = project_conflicting([a, b], seed)
        products = torch.stack([first @ b, second @ a, first @ second])
        assert (products > -1e-12).all(), seed


def test_three_tasks_are_taken_in_the_order_of_the_seed():
    given = [torch.tensor(one) for one in ([1.0, 0.0], [-1.0, 1.0], [-1.0, -2.0])]

    def through(own, order):
        left = given[own].numpy().copy()
        for j in order:
            other = given[j].numpy()
            if left @ other < 0:
                left = left - (left @ other) / (other @ other) * other
        return left

    either = [through(0, order) for order in ((1, 2), (2, 1))]
    assert not np.allclose(*either)  # the order matters here
    firsts = [project_conflicting(given, seed)[0].numpy() for seed in range(20)]
    came = [[np.allclose(one, way) for way in either] for one in firsts]
    assert all(sum(one) == 1 for one in came)
    assert {one.index(True) for one in came} == {0, 1}  # both orders are drawn
    again = [project_conflicting(given, seed)[0].numpy() for seed in range(20)]
    assert np.array_equal(firsts, again)


def test_a_generator_goes_on_and_a_seed_starts_anew():
    given = [torch.tensor(one) for one in ([1.0, 0.0], [-1.0, 1.0], [-1.0, -2.0])]
    rng = np.random.default_rng(0)
    moving = [project_conflicting(given, rng)[0].tolist() for _ in range(20)]
    assert moving[0] == project_conflicting(given, 0)[0].tolist()
    assert any(one != moving[0] for one in moving)


def test_a_task_without_a_gradient_changes_nothing():
    a, nothing = torch.tensor([1.0, -2.0]), torch.zeros(2)
    first, second = project_conflicting([a, nothing], seed=0)
    assert torch.equal(first, a) and torch.equal(second, nothing)


def test_one_task_keeps_its_gradient():
    assert project_conflicting([torch.tensor([1.0, -2.0])], seed=0)[0].tolist() == [1.0, -2.0]
