import numpy as np
import pytest
import torch

from helpers.training.curves import mean_loss


def test_the_loss_of_texts_is_that_of_torch():
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(0, 3, (20, 5)).astype(np.float32), rng.integers(0, 5, 20)
    rows = [(np.array([2, 3]), label) for label in labels]
    expected = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(labels))
    assert mean_loss(list(logits), rows) == pytest.approx(float(expected), rel=1e-5)


def test_the_loss_of_tokens_is_that_of_torch_over_labelled_ones():
    rng = np.random.default_rng(2)
    said = [rng.normal(0, 3, (size, 5)).astype(np.float32) for size in (3, 7, 2)]
    labels = [rng.choice([-100, 0, 1, 2, 3, 4], len(each)) for each in said]
    labels[2][:] = -100
    rows = [(np.zeros(len(each)), each) for each in labels]
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(np.concatenate(said)),
        torch.tensor(np.concatenate(labels)),
        ignore_index=-100,
    )
    assert mean_loss(said, rows) == pytest.approx(float(expected), rel=1e-5)
