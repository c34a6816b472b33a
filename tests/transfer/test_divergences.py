"""Distances of domains: numpy's covariance, a double loop, finite differences, errors."""

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.transfer.divergences import KERNELS, coral, mmd, reverse_gradient


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_coral_is_that_of_numpys_covariances():
    x, y = random(9, 4), random(7, 4, seed=1) * 2 + 1
    wanted = ((np.cov(x.T.numpy()) - np.cov(y.T.numpy())) ** 2).sum() / (4 * 4**2)
    assert coral(x, y).item() == pytest.approx(wanted, rel=1e-10)


def by_loops(x, y, unbiased):
    both = np.concatenate([x, y])
    squares = np.array([[((a - b) ** 2).sum() for b in both] for a in both])
    typical = squares.sum() / (len(both) * (len(both) - 1))
    n, total = len(x), []
    for rows, columns in (
        (range(n), range(n)),
        (range(n, len(both)),) * 2,
        (range(n), range(n, len(both))),
    ):
        values = [
            sum(np.exp(-squares[i, j] / (w * typical)) for w in KERNELS)
            for i in rows
            for j in columns
            if not (unbiased and i == j)
        ]
        total.append(np.mean(values))
    return total[0] + total[1] - 2 * total[2]


@pytest.mark.parametrize("unbiased", [False, True])
def test_mmd_is_that_of_a_double_loop(unbiased):
    x, y = random(6, 3), random(5, 3, seed=1) + 0.5
    found = mmd(x, y, unbiased=unbiased).item()
    assert found == pytest.approx(by_loops(x.numpy(), y.numpy(), unbiased), rel=1e-10)


def test_of_one_distribution_the_unbiased_is_zero_on_average_and_the_biased_is_above():
    pairs = [(random(20, 4, seed=2 * i), random(20, 4, seed=2 * i + 1)) for i in range(200)]
    unbiased = np.array([mmd(x, y, unbiased=True).item() for x, y in pairs])
    biased = np.array([mmd(x, y).item() for x, y in pairs])
    assert abs(unbiased.mean()) < 3 * unbiased.std() / np.sqrt(200)
    assert 0.3 < (unbiased < 0).mean() < 0.7
    assert (biased > 0).all()


def test_equal_items_have_no_distance():
    x = random(8, 3)
    order = torch.tensor([3, 1, 0, 2, 7, 6, 5, 4])
    assert mmd(x, x[order]).item() == pytest.approx(0, abs=1e-12)
    assert coral(x, x[order]).item() == pytest.approx(0, abs=1e-20)


def test_both_grow_with_the_distance():
    x, y = random(50, 3), random(50, 3, seed=1)
    assert mmd(x, y).item() < mmd(x, y + 1).item() < mmd(x, y + 3).item()
    assert coral(x, y).item() < coral(x, 2 * y).item() < coral(x, 4 * y).item()
    assert coral(x, y + 9).item() == pytest.approx(coral(x, y).item())  # means are not compared


@pytest.mark.parametrize("loss", [coral, mmd, lambda x, y: mmd(x, y, unbiased=True)])
def test_gradients_are_those_of_finite_differences(loss):
    x, y = random(5, 2).requires_grad_(), random(4, 2, seed=1)
    scale = loss(x, y).detach()  # mmd's widths are constants: gradcheck would move them
    if loss is coral:
        assert torch.autograd.gradcheck(lambda a: loss(a, y), x)
    else:
        (gradient,) = torch.autograd.grad(loss(x, y), x)
        moved = x.detach() - 1e-3 * gradient
        assert loss(moved, y) < scale


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_a_reversed_gradient_is_minus_weight_times_the_plain_one(weight):
    x = random(4, 3).requires_grad_()

    def loss(z):
        return (z**3).sum()

    assert torch.equal(reverse_gradient(x, weight), x)
    (found,) = torch.autograd.grad(loss(reverse_gradient(x, weight)), x)
    step = 1e-6
    slopes = torch.zeros_like(x)
    for i in np.ndindex(*x.shape):
        up, down = x.detach().clone(), x.detach().clone()
        up[i] += step
        down[i] -= step
        slopes[i] = (loss(up) - loss(down)) / (2 * step)
    torch.testing.assert_close(found, -weight * slopes, atol=1e-6, rtol=1e-6)


def test_mistakes_are_sentences():
    with pytest.raises(
        UserError, match=r"CORAL needs at least 2 items of each domain, not 1 and 3"
    ):
        coral(torch.ones(1, 2), torch.ones(3, 2))
    with pytest.raises(
        UserError, match=r"MMD needs at least 2 item\(s\) of each domain, not 3 and"
    ):
        mmd(torch.ones(3, 2), torch.ones(1, 2), unbiased=True)
    with pytest.raises(
        UserError, match=r"MMD needs at least 1 item\(s\) of each domain, not 0 and"
    ):
        mmd(torch.ones(0, 2), torch.ones(1, 2))
