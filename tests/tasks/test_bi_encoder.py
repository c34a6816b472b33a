"""The in-batch loss by hand; vectors that neither padding nor the other side changes."""

import math

import numpy as np
import pytest
import torch

from helpers.tasks.bi_encoder import SCALE, BiEncoder, in_batch_loss
from helpers.training.loop import pad
from tests.tiny_bert import bert

PAIRS = [([5, 6, 7], [20, 21]), ([8], [22, 23, 24, 25]), ([9, 10], [26]), ([11, 12], [27, 28])]


@pytest.fixture
def model():
    return BiEncoder(
        bert(num_hidden_layers=1, initializer_range=0.5, max_position_embeddings=512)
    ).eval()


def batch(pairs):
    rows = [(np.array(q + r), np.array([0] * len(q) + [1] * len(r))) for q, r in pairs]
    return pad(rows, torch.device("cpu"))


def vector(model, ids):
    """What the model makes of one text alone, without any padding."""
    with torch.inference_mode():
        ids = torch.tensor([ids])
        return model.features(ids, torch.ones_like(ids))[0].double().numpy()


def expected_loss(model, pairs, allowed):
    """The mean over contexts of ln Σ e^score − own score, by plain loops."""
    losses = []
    for i, (asked, _) in enumerate(pairs):
        scores = {j: SCALE * float(vector(model, asked) @ vector(model, pairs[j][1]))
                  for j in allowed[i]}  # fmt: skip
        losses.append(math.log(sum(map(math.exp, scores.values()))) - scores[i])
    return np.mean(losses)


def test_the_loss_is_the_cross_entropy_over_the_replies_of_the_batch(model):
    with torch.inference_mode():
        found = model(**batch(PAIRS))
    assert np.linalg.norm(vector(model, PAIRS[0][0])) == pytest.approx(1, abs=1e-5)
    everyone = [range(4)] * 4
    assert found.loss.item() == pytest.approx(expected_loss(model, PAIRS, everyone), rel=1e-4)
    for i, (asked, _) in enumerate(PAIRS):
        for j, (_, answered) in enumerate(PAIRS):
            cosine = vector(model, asked) @ vector(model, answered)
            assert found.logits[i, j].item() == pytest.approx(SCALE * cosine, abs=1e-3)


def test_an_equal_reply_to_another_context_is_no_wrong_one(model):
    pairs = [*PAIRS[:2], (PAIRS[2][0], PAIRS[0][1]), PAIRS[3]]  # rows 0 and 2 have one reply
    with torch.inference_mode():
        found = model(**batch(pairs))
    assert torch.isinf(found.logits).nonzero().tolist() == [[0, 2], [2, 0]]
    allowed = [(0, 1, 3), (0, 1, 2, 3), (1, 2, 3), (0, 1, 2, 3)]
    assert found.loss.item() == pytest.approx(expected_loss(model, pairs, allowed), rel=1e-4)


def test_a_reply_that_begins_like_another_is_a_wrong_one(model):
    with torch.inference_mode():
        logits = model(**batch([PAIRS[0], ([8], [*PAIRS[0][1], 30])])).logits
    assert torch.isfinite(logits).all()


def test_half_precision_does_not_reach_the_loss():
    rng = np.random.default_rng(0)
    asked, answered = (
        torch.nn.functional.normalize(torch.tensor(rng.normal(size=(8, 64))).float(), dim=-1)
        for _ in range(2)
    )
    exact, _ = in_batch_loss(asked, answered)
    with torch.autocast("cpu", torch.bfloat16):
        mixed, _ = in_batch_loss(asked, answered)
    assert mixed.item() == exact.item()


def test_steps_down_the_gradient_lower_the_loss_with_equal_replies_too(model):
    pairs = [*PAIRS[:2], (PAIRS[2][0], PAIRS[0][1]), PAIRS[3]]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    first = model(**batch(pairs)).loss
    for _ in range(5):  # the masked logits give no nan gradients
        optimizer.zero_grad()
        loss = model(**batch(pairs)).loss
        loss.backward()
        optimizer.step()
    assert loss.item() < first.item()
