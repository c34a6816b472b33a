r"""Distances between the features of two domains, as losses: what adaptation makes small.

Shapes: n items of one domain, m of the other, d features. All are differentiable.
"""

from collections.abc import Sequence
from typing import Any

import torch

from helpers import UserError

KERNELS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels that :func:`mmd` adds up, as shares of the typical squared distance."""


def coral(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    r"""Return $\|C_x - C_y\|_F^2 / 4d^2$ of the covariances of (n, d) and (m, d), in [0, inf).

    Means are not compared. Source: Sun & Saenko 2016, *Deep CORAL*, arXiv 1607.01719, eq. 1.

    Raises:
        UserError: fewer than two items of a domain.

    >>> coral(torch.tensor([[0.0], [2.0]]), torch.tensor([[5.0], [5.0]])).item()
    1.0
    """
    if min(len(x), len(y)) < 2:
        raise UserError(f"CORAL needs at least 2 items of each domain, not {len(x)} and {len(y)}.")
    difference = _covariance(x) - _covariance(y)
    return difference.pow(2).sum() / (4 * x.shape[1] ** 2)


def _covariance(x: torch.Tensor) -> torch.Tensor:
    centred = x - x.mean(0)
    return centred.T @ centred / (len(x) - 1)


def mmd(
    x: torch.Tensor, y: torch.Tensor, *, unbiased: bool = False, widths: Sequence[float] = KERNELS
) -> torch.Tensor:
    r"""Return the squared maximum mean discrepancy of (n, d) and (m, d), with Gaussian kernels.

    mean k(x, x') + mean k(y, y') - 2 mean k(x, y), where k adds up exp(-‖a - b‖² / (w s)) over
    widths w, and s is the mean squared distance within both together (taken as a constant).

    *Biased* (default) takes pairs of an item with itself along: never below 0. *Unbiased* leaves
    them out: 0 on average where the domains are one, and then below 0 as often as above. Sources:
    Gretton et al. 2012 (JMLR 13), eq. 3 and 5; several kernels: Long et al. 2015, arXiv 1502.02791.

    Raises:
        UserError: no item of a domain, or fewer than two for the unbiased one.

    >>> x = torch.tensor([[0.0], [1.0]])
    >>> mmd(x, x).item(), mmd(x, x + 100, widths=[1.0]).item() > 1
    (0.0, True)
    """
    least = 2 if unbiased else 1
    if min(len(x), len(y)) < least:
        raise UserError(
            f"MMD needs at least {least} item(s) of each domain, not {len(x)} and {len(y)}."
        )
    both = torch.cat([x, y])
    # Differences, not the expanded square: items that are equal must have distance 0 exactly.
    squares = (both[:, None] - both[None]).pow(2).sum(-1)
    pairs = len(both) * (len(both) - 1)
    typical = (squares.detach().sum() / max(pairs, 1)).clamp(min=torch.finfo(x.dtype).tiny)
    kernel = sum(torch.exp(-squares / (width * typical)) for width in widths)
    assert isinstance(kernel, torch.Tensor)
    n = len(x)
    within = [_mean(kernel[:n, :n], unbiased), _mean(kernel[n:, n:], unbiased)]
    return within[0] + within[1] - 2 * kernel[:n, n:].mean()


def _mean(kernel: torch.Tensor, unbiased: bool) -> torch.Tensor:
    if not unbiased:
        return kernel.mean()
    return (kernel.sum() - kernel.diagonal().sum()) / (len(kernel) * (len(kernel) - 1))


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: float) -> torch.Tensor:
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return -ctx.weight * gradients[0], None


def reverse_gradient(x: torch.Tensor, weight: float) -> torch.Tensor:
    """Return ``x`` itself; on the way back its gradient is multiplied by ``-weight``.

    What lies above learns to tell the domains apart, what lies below to make it impossible. Source:
    Ganin et al. 2016, *Domain-adversarial training* (JMLR 17, arXiv 1505.07818), section 4.2.

    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> reverse_gradient(x, 0.5).sum().backward(); x.grad
    tensor([-0.5000])
    """
    reversed_: torch.Tensor = _Reversal.apply(x, weight)
    return reversed_
