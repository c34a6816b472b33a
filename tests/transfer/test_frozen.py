import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.probes import probe
from helpers.transfer.frozen import aligned, importance, item_weights, surest
from helpers.transfer.objective import joint_loss

RNG = np.random.default_rng(0)
HERE = RNG.normal(size=(400, 4)) @ RNG.normal(size=(4, 4))
THERE = 2 + RNG.normal(size=(600, 4)) @ RNG.normal(size=(4, 4))


def test_aligned_vectors_have_the_mean_and_nearly_the_covariance_of_the_target():
    moved = aligned(HERE, HERE, THERE)
    assert np.allclose(moved.mean(0), THERE.mean(0))
    apart = [np.linalg.norm(np.cov(x.T) - np.cov(THERE.T)) for x in (HERE, moved)]
    assert apart[1] < 0.5 * apart[0]
    big = [aligned(100 * HERE, 100 * HERE, 100 * THERE)]  # where I is small beside the covariance
    assert np.allclose(np.cov(big[0].T), np.cov(100 * THERE.T), rtol=0.01, atol=30)
    assert np.allclose(aligned(HERE, HERE, HERE), HERE)  # a domain stays where it is


def test_weights_make_the_documents_objective():
    weights = item_weights(4, 2, 3.0)
    losses = RNG.random(6)
    whole = joint_loss(losses[:4].mean(), losses[4:].mean(), 3.0)
    assert weights @ losses / weights.sum() == pytest.approx(whole / 4)
    assert weights.mean() == pytest.approx(1)
    assert item_weights(4, 2, 0.0).tolist() == [1.5] * 4 + [0.0] * 2


def test_weight_of_zero_is_the_source_alone():
    labels = (HERE[:, 0] > 0).astype(int)
    weights = item_weights(300, 100, 0.0)
    both = probe(1.0).fit(HERE, np.r_[labels[:300], 1 - labels[300:]], weights)
    alone = probe(400 / 300).fit(HERE[:300], labels[:300])
    assert np.allclose(both.coef_, alone.coef_, atol=1e-3)


def test_importance_is_the_ratio_of_the_densities():
    source, target = RNG.normal(size=(4000, 1)), RNG.normal(0.5, size=(4000, 1))
    found = importance(source, target, regularization=100.0)
    true = np.exp(0.5 * source[:, 0] - 0.125)
    assert np.corrcoef(np.log(found), np.log(true))[0, 1] > 0.99
    assert found.mean() == pytest.approx(1) and (found > 0).all()
    assert np.average(source[:, 0], weights=found) == pytest.approx(0.5, abs=0.1)


def test_the_surest_are_taken_class_by_class():
    shares = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.45, 0.55], [0.4, 0.6]])
    assert surest(shares).tolist() == [0, 1, 5]
    assert surest(shares, 1.0).tolist() == [0, 1, 2, 3, 4, 5]
    assert surest(shares, 0.01).tolist() == [0, 5]


@pytest.mark.parametrize("bad", [(0, 1, 1.0), (1, 0, 1.0), (1, 1, -1.0), (1, 1, np.inf)])
def test_bad_weights_are_one_sentence(bad):
    with pytest.raises(UserError, match="items of both domains and a λ of 0 or more"):
        item_weights(*bad)


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_a_bad_share_is_one_sentence(share):
    with pytest.raises(UserError, match="share must be above 0 and at most 1"):
        surest(np.eye(2), share)
