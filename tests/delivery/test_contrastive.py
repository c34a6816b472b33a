"""Pairs: what the loss is, what is trained by it, and what is delivered of it."""

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.delivery import folder
from helpers.delivery.contrastive import Contrastive, PairedTexts, pair_loss
from helpers.delivery.networks import mean_vectors
from helpers.delivery.tuning import OutOfTime
from tests.delivery import made


@pytest.fixture
def paired(encoder):
    return Contrastive(encoder, 32, "float32", torch.device("cpu"))


def test_the_loss_is_the_squared_distance_of_cosines_by_hand():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.array([0, 0, 1, 2, 1, 0, 2])
    alike, unlike = [], []
    for i in range(7):
        for j in range(i):
            cosine = float(vectors[i] @ vectors[j])
            if labels[i] == labels[j]:
                alike.append((cosine - 1) ** 2)
            else:
                unlike.append(cosine**2)
    expected = (np.mean(alike) + np.mean(unlike)) / 2
    found = pair_loss(torch.tensor(vectors), torch.tensor(labels))
    assert float(found) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("labels", "kind"), [([0, 1, 2], 0.0), ([1, 1, 1], 1.0), ([0], None)])
def test_a_batch_may_have_pairs_of_one_kind_or_none(labels, kind):
    vectors = torch.nn.functional.normalize(torch.randn(len(labels), 4), dim=1)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(labels), 1)]
    expected = 0.0 if kind is None else float(((cosines - kind) ** 2).mean())
    assert float(pair_loss(vectors, torch.tensor(labels))) == pytest.approx(expected, abs=1e-6)


def test_tuning_brings_a_class_together_and_leaves_the_encoder_as_it_was(paired, labelled):
    texts, labels = labelled
    before = {name: value.clone() for name, value in paired.network.state_dict().items()}
    (model,) = paired.fit(texts, labels, 3, [{"rate": 3e-3, "steps": 40}])
    for name, value in paired.network.state_dict().items():
        assert torch.equal(value, before[name])
    losses = [
        float(pair_loss(torch.tensor(vectors(texts)), torch.tensor(labels)))
        for vectors in (mean_vectors(paired.network, paired.tokenizer, 32), model.vectors)
    ]
    assert losses[1] < 0.3 * losses[0]
    assert (model.probabilities(texts).argmax(1) == labels).mean() > 0.9


def test_a_batch_of_pairs_is_padded_without_a_trace(paired, labelled):
    """The vector of a short text does not depend on the long one beside it."""
    ids = torch.tensor([[5, 6, 7, 0, 0], [5, 6, 7, 8, 9]])
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    network = PairedTexts(paired.network).eval()
    both = network.features(ids, mask)
    alone = network.features(ids[:1, :3], mask[:1, :3])
    torch.testing.assert_close(both[:1], alone, atol=1e-5, rtol=1e-5)


def test_a_temperature_divides_the_logits(paired, labelled):
    texts, labels = labelled
    setting = {"rate": 3e-3, "steps": 5}
    hard, soft = paired.fit(texts, labels, 3, [setting, setting | {"temperature": 2.0}])
    expected = np.sqrt(hard.probabilities(texts))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(soft.probabilities(texts), expected, atol=1e-5)


def test_what_is_delivered_is_the_tuned_encoder(paired, labelled, tmp_path):
    texts, labels = labelled
    (model,) = paired.fit(texts, labels, 3, [{"rate": 3e-3, "steps": 10}])
    kept, _ = folder.load(folder.save(model, tmp_path / "model", made.NAMES, {}, "Tried."))
    assert kept.kind == "frozen"
    np.testing.assert_allclose(kept.probabilities(texts), model.probabilities(texts), atol=1e-5)


def test_the_dearest_plan_that_fits_is_taken(paired, labelled, monkeypatch):
    texts, labels = labelled
    seconds = iter(range(0, 10_000, 4))  # four steps take four seconds
    monkeypatch.setattr("helpers.delivery.clock.time.monotonic", lambda: next(seconds))
    monkeypatch.setattr(paired, "_tuned", lambda *_: None)
    plans = [paired.plan(texts, labels, 3, limit, 5.0) for limit in (660, 360, 180, 90, 89)]
    assert [[(s["rate"], s["steps"]) for s in settings] for settings, _ in plans] == [
        [(1e-4, 60), (3e-4, 60)], [(2e-4, 60)], [(2e-4, 30)], [(2e-4, 15)], [(2e-4, 15)],
    ]  # fmt: skip
    assert [most for _, most in plans] == [60, 60, 60, 60, 0]


def test_a_training_past_its_deadline_is_ended(paired, labelled):
    texts, labels = labelled
    paired.deadline = 0.0  # long ago
    with pytest.raises(OutOfTime):
        paired.fit(texts, labels, 3, [{"rate": 1e-3, "steps": 5}])


def test_more_tokens_than_positions_are_refused_at_once(encoder):
    with pytest.raises(UserError, match="max_length 64 is more than the 40 positions"):
        Contrastive(encoder, 64, "float32", torch.device("cpu"))
