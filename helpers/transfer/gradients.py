"""Gradients of several losses in the same parameters, as flat vectors: read, projected, put back.

Shapes: n numbers in all parameters together; a gradient is (n,).
"""

from collections.abc import Sequence

import numpy as np
import torch


def flat_gradient(loss: torch.Tensor, parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the gradient (n,) of a scalar; 0 where a parameter has no part in it.

    The loss's graph is freed, as by ``backward``.

    >>> a, b = torch.tensor([3.0], requires_grad=True), torch.zeros(2, requires_grad=True)
    >>> flat_gradient((a**2).sum(), [a, b])
    tensor([6., 0., 0.])
    """
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    pairs = zip(found, parameters, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])


def with_gradient(
    value: torch.Tensor, parameters: Sequence[torch.Tensor], gradient: torch.Tensor
) -> torch.Tensor:
    """Return a scalar of this value whose ``backward`` gives the parameters this gradient (n,).

    So a loop that calls ``backward`` itself, the Trainer's, takes a gradient computed elsewhere.

    >>> a = torch.tensor([3.0], requires_grad=True)
    >>> loss = with_gradient(torch.tensor(5.0), [a], torch.tensor([-2.0]))
    >>> loss.backward()
    >>> loss.item(), a.grad
    (5.0, tensor([-2.]))
    """
    linear = torch.cat([p.flatten() for p in parameters]) @ gradient
    return value.detach() + linear - linear.detach()


def project_conflicting(
    gradients: Sequence[torch.Tensor], seed: int | np.random.Generator
) -> list[torch.Tensor]:
    """Return each task's gradient (n,) without what points against another task's (PCGrad).

    Two gradients conflict where their inner product is negative. Each goes through the *original*
    gradients of the others in a random order; where what is left of it conflicts, the part along
    the other is taken off. Two tasks come out without a conflict; of three or more, the last
    projection may bring an earlier conflict back, which is the method as it was published.

    Args:
        gradients: of each task.
        seed: of the orders; or a generator, which goes on from call to call.

    Source: Yu et al. 2020, *Gradient surgery for multi-task learning*, arXiv 2001.06782,
    algorithm 1.

    >>> a, b = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
    >>> project_conflicting([a, b], seed=0)
    [tensor([0.5000, 0.5000]), tensor([0., 1.])]
    """
    rng = np.random.default_rng(seed)
    projected = []
    for i, own in enumerate(gradients):
        left = own.clone()
        for j in rng.permutation(len(gradients)):
            other = gradients[j]
            product = left @ other
            if j != i and product < 0:
                left = left - product / (other @ other) * other
        projected.append(left)
    return projected
