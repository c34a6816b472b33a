"""Distillation: its loss by hand, students with layers of their teacher, errors."""

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.compression.distillation import soft_loss, student_of


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_soft_loss_by_hand():
    p = np.exp([0.5, 1.0]) / np.exp([0.5, 1.0]).sum()  # teacher's logits 1 and 2 at T = 2
    q = np.array([0.5, 0.5])
    wanted = 4 * (p * np.log(p / q)).sum()
    found = soft_loss(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]), 2.0)
    assert found.item() == pytest.approx(wanted, rel=1e-6)


def test_hot_soft_loss_is_half_the_variance_of_the_differences():
    a, b = random(5, 4), random(5, 4, seed=1)
    found = soft_loss(a, b, 1e3)
    assert found.item() == pytest.approx(((a - b).var(1, correction=0) / 2).mean().item(), rel=1e-2)


def test_a_student_takes_the_layers_named(tiny):
    teacher = tiny.model()
    student = student_of(teacher, [1])
    ours, theirs = (m.backbone.encoder.layer for m in (student, teacher))
    assert len(ours) == 1
    assert torch.equal(ours[0].output.dense.weight, theirs[1].output.dense.weight)
    assert len(theirs) == 2


def test_mistakes_are_sentences(tiny):
    teacher = tiny.model()
    for layers, width, words in [
        ([0], 32, r"width 32 is not below 32; leave width out to keep it\."),
        ([0], 64, r"A student must be narrower than its teacher: width 64 is not below 32"),
        ([0], 18, r"The width must be a multiple of the 4 attention heads, not 18\."),
        ([0, 1, 2], 16, r"A student has from 1 to 2 layers, as its teacher; 3 are named\."),
        ([2], None, r"The layers kept must be some of 0 to 1 in rising order, not \[2\]\."),
    ]:
        with pytest.raises(UserError, match=words):
            student_of(teacher, layers, width=width)
