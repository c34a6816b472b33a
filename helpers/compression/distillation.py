"""Distillation: a smaller student, and the loss by which it learns to answer as its teacher does.

Shapes: b texts, c classes.
"""

import copy
from collections.abc import Sequence

import torch
from transformers import AutoModel

from helpers import UserError
from helpers.compression.structured import drop_layers
from helpers.tasks.heads import MeanPooledClassifier


def student_of(
    teacher: MeanPooledClassifier, layers: Sequence[int], *, width: int | None = None, seed: int = 0
) -> MeanPooledClassifier:
    """Return a smaller student.

    Args:
        teacher: stays as it is.
        layers: which of its layers the student takes, in rising order. DistilBERT takes every
            other one (Sanh et al. 2019, arXiv 1910.01108).
        width: a smaller d; then nothing fits, and the student, with as many layers and heads as
            named, has random weights.
        seed: of random weights.

    Raises:
        UserError: layers that the teacher does not have, a student as wide as its teacher or wider,
            or a width that its heads do not divide.
    """
    if width is None:
        return drop_layers(copy.deepcopy(teacher), layers).eval()  # type: ignore[return-value]
    config = copy.deepcopy(teacher.backbone.config)
    heads = config.num_attention_heads
    if width >= config.hidden_size:
        raise UserError(
            f"A student must be narrower than its teacher: width {width} is not below "
            f"{config.hidden_size}; leave width out to keep it."
        )
    if width < heads or width % heads:
        raise UserError(
            f"The width must be a multiple of the {heads} attention heads, not {width}."
        )
    if not layers or len(layers) > config.num_hidden_layers:
        raise UserError(
            f"A student has from 1 to {config.num_hidden_layers} layers, as its teacher; "
            f"{len(layers)} are named."
        )
    config.intermediate_size = config.intermediate_size * width // config.hidden_size
    config.hidden_size, config.num_hidden_layers = width, len(layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MeanPooledClassifier(
            AutoModel.from_config(config), len(teacher.head.bias), teacher.dropout.p
        ).eval()


def soft_loss(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return T² KL(teacher ‖ student) of logits (b, c) at a temperature, mean over texts, in nats.

    T² keeps the gradient's size as T rises.

    >>> round(soft_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 2.0]]), 2.0).item(), 4)
    0.4438
    """
    p, log_q = (teacher / temperature).log_softmax(-1), (student / temperature).log_softmax(-1)
    return temperature**2 * (p.exp() * (p - log_q)).sum(-1).mean()
