"""Meta-learning: prototypes by loops, inner and outer steps by hand, what is learned; errors."""

import copy

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestCentroid
from torch import nn

from helpers import UserError
from helpers.evaluation.intervals import bootstrap_interval
from helpers.tasks.episodes import Episode, episodes
from helpers.transfer import meta


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def world():
    """Classes that differ in 2 of 12 directions only, and rows of 20 classes, 30 each."""
    rng = np.random.default_rng(0)
    centres = np.zeros((20, 12))
    centres[:, :2] = rng.normal(size=(20, 2)) * 4
    labels = np.repeat(np.arange(20), 30)
    features = centres[labels] + rng.normal(size=(600, 12)) * ([1.0] * 2 + [3.0] * 10)
    return torch.tensor(features, dtype=torch.float32), labels


TINY = Episode(np.arange(2), np.arange(2), np.arange(2), np.array([2, 3]), np.arange(2))
"""Rows 0 and 1 are the support, 2 and 3 the query, of classes 0 and 1."""


def draw(labels, classes, n, seed=0):
    return episodes(labels, classes, ways=4, shots=2, queries=8, n=n, seed=seed)


def test_prototypes_are_those_of_a_double_loop():
    support, query = random(6, 3), random(4, 3, seed=1)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    found = meta.prototype_logits(support, labels, query)
    for q in range(4):
        for way in range(3):
            centre = (support[way] + support[way + 3]) / 2
            wanted = -((query[q] - centre) ** 2).sum().item()
            assert found[q, way].item() == pytest.approx(wanted, rel=1e-5)


def test_nearest_centroid_is_that_of_scikit_learn(world):
    features, labels = world
    for task in draw(labels, range(20), 20):
        found = meta.nearest_centroid(
            features[task.support], torch.tensor(task.support_labels), features[task.query]
        ).argmax(1)
        oracle = NearestCentroid().fit(features[task.support].numpy(), task.support_labels)
        assert (found.numpy() == oracle.predict(features[task.query].numpy())).all()


def test_an_inner_step_of_the_head_is_the_one_by_hand():
    net = meta.SmallNetwork(3, 2, hidden=4, seed=0)
    support, labels = random(5, 3), torch.tensor([0, 1, 0, 1, 1])
    there = meta.adapted(net, support, labels, steps=1, rate=0.3, head_only=True)
    hidden = net.trunk(support).detach()
    shares = (hidden @ net.head.weight.T + net.head.bias).softmax(1).detach()
    wrong = (shares - nn.functional.one_hot(labels, 2)) / 5
    torch.testing.assert_close(
        there.head.weight.data, net.head.weight.data - 0.3 * wrong.T @ hidden
    )
    torch.testing.assert_close(there.head.bias.data, net.head.bias.data - 0.3 * wrong.sum(0))
    assert torch.equal(there.trunk[0].weight, net.trunk[0].weight)  # the trunk stays, as does net
    whole = meta.adapted(net, support, labels, steps=1, rate=0.3)
    assert not torch.equal(whole.trunk[0].weight, net.trunk[0].weight)


def test_reptile_of_one_step_is_a_step_along_the_gradient():
    net = meta.SmallNetwork(3, 2, hidden=4, seed=0)
    start = copy.deepcopy(net)
    features = random(6, 3)
    loss = nn.functional.cross_entropy(start(features[[0, 1, 2, 3]]), torch.tensor([0, 1, 0, 1]))
    gradients = torch.autograd.grad(loss, list(start.parameters()))
    meta.reptile(net, features, [TINY], steps=1, rate=0.2, outer=0.5)
    for now, then, gradient in zip(net.parameters(), start.parameters(), gradients, strict=True):
        torch.testing.assert_close(now.data, then.data - 0.5 * 0.2 * gradient)


@pytest.mark.parametrize("head_only", [False, True])
def test_maml_takes_the_querys_gradient_at_the_adapted_weights(head_only):
    net = meta.SmallNetwork(3, 2, hidden=4, seed=0)
    start = copy.deepcopy(net)
    features = random(6, 3)
    inner = {"steps": 2, "rate": 0.2, "head_only": head_only}
    meta.first_order_maml(net, features, [TINY], outer=0.01, **inner)
    there = meta.adapted(start, features[[0, 1]], torch.tensor([0, 1]), **inner)
    loss = nn.functional.cross_entropy(there(features[[2, 3]]), torch.tensor([0, 1]))
    gradients = torch.autograd.grad(loss, list(there.parameters()))
    for now, then, gradient in zip(net.parameters(), start.parameters(), gradients, strict=True):
        clear = gradient.abs() > 1e-5  # Adam's first step is its rate times the sign
        moved = (then - now).data[clear]
        torch.testing.assert_close(moved, 0.01 * gradient.sign()[clear], atol=1e-4, rtol=1e-2)


def test_learned_starts_and_prototypes_beat_learning_from_nothing(world):
    features, labels = world
    train, test = list(range(14)), list(range(14, 20))
    tasks, unseen = draw(labels, train, 300), draw(labels, test, 100, seed=1)
    inner = {"steps": 5, "rate": 0.1}

    def new():
        return meta.SmallNetwork(12, 4, hidden=32, seed=0)

    plain = meta.episode_accuracies(meta.fine_tuning(new(), **inner), features, unseen)
    learned = {
        "reptile": meta.fine_tuning(meta.reptile(new(), features, tasks, **inner), **inner),
        "maml": meta.fine_tuning(meta.first_order_maml(new(), features, tasks, **inner), **inner),
        "anil": meta.fine_tuning(
            meta.first_order_maml(new(), features, tasks, head_only=True, **inner),
            head_only=True, **inner,
        ),
    }  # fmt: skip
    for name, answer in learned.items():
        assert meta.episode_accuracies(answer, features, unseen).mean() > plain.mean() + 0.05, name
    centroid = meta.episode_accuracies(meta.nearest_centroid, features, unseen)
    torch.manual_seed(0)
    prototypes = meta.learn_prototypes(nn.Linear(12, 8), features, tasks, rate=1e-2)
    assert meta.episode_accuracies(prototypes, features, unseen).mean() > centroid.mean() + 0.05


def test_reptile_goes_down_to_no_step_task_after_task():
    net = meta.SmallNetwork(3, 2, hidden=4, seed=0)
    features, own = random(6, 3), [p.detach().clone() for p in net.parameters()]
    other = Episode(np.arange(2), np.array([4, 1]), np.arange(2), np.array([0, 5]), np.arange(2))
    twin = copy.deepcopy(net)
    for task, epsilon in ((TINY, 0.5), (other, 0.25)):
        rows = [*task.support, *task.query]
        there = meta.adapted(twin, features[rows], torch.tensor([0, 1, 0, 1]), steps=3, rate=0.2)
        own = [a + epsilon * (b.data - a) for a, b in zip(own, there.parameters(), strict=True)]
        for p, value in zip(twin.parameters(), own, strict=True):
            p.data = value
    meta.reptile(net, features, [TINY, other], steps=3, rate=0.2, outer=0.5)
    for now, wanted in zip(net.parameters(), own, strict=True):
        torch.testing.assert_close(now.data, wanted)


def test_meta_training_reads_no_row_of_a_test_class(world):
    features, labels = world
    tasks, inner = draw(labels, range(14), 30), {"steps": 2, "rate": 0.1}
    poisoned = features.clone()
    poisoned[torch.tensor(labels >= 14)] = float("nan")

    def learned(rows):
        nets = [meta.SmallNetwork(12, 4, hidden=8, seed=i) for i in range(4)]
        meta.reptile(nets[0], rows, tasks, **inner)
        meta.first_order_maml(nets[1], rows, tasks, **inner)
        meta.first_order_maml(nets[2], rows, tasks, head_only=True, **inner)
        meta.learn_prototypes(nets[3], rows, tasks)
        return [p.data.numpy().tobytes() for net in nets for p in net.parameters()]

    assert learned(features) == learned(poisoned)
    unseen = draw(labels, range(14, 20), 3)
    answer = meta.fine_tuning(meta.SmallNetwork(12, 4, seed=0), **inner)
    assert np.isnan(answer(*_support(poisoned, unseen[0])).numpy()).all()  # it would be noticed


def _support(features, task):
    return features[task.support], torch.tensor(task.support_labels), features[task.query]


def test_accuracies_are_shares_by_episode(world):
    features, labels = world
    tasks = draw(labels, range(20), 30)

    def first_way(support, own, query):
        return torch.eye(4)[torch.zeros(len(query), dtype=int)]

    found = meta.episode_accuracies(first_way, features, tasks)
    assert found.tolist() == [0.25] * 30
    centroid = meta.episode_accuracies(meta.nearest_centroid, features, tasks)
    interval = bootstrap_interval(centroid, resamples=200)
    assert interval.n == 30 and interval.low < centroid.mean() < interval.high


def test_nothing_of_a_query_reaches_the_answer(world):
    features, labels = world
    task = draw(labels, range(20), 1)[0]
    answer = meta.fine_tuning(meta.SmallNetwork(12, 4, seed=0), steps=3, rate=0.1)
    support, own = features[task.support], torch.tensor(task.support_labels)
    whole = answer(support, own, features[task.query])
    alone = answer(support, own, features[task.query][:1])
    torch.testing.assert_close(alone, whole[:1])


def test_equal_seeds_give_equal_networks(world):
    features, labels = world
    said = []
    for _ in range(2):
        net = meta.SmallNetwork(12, 4, seed=3)
        meta.reptile(net, features, draw(labels, range(14), 20), steps=2, rate=0.1)
        said.append(net(features))
    assert torch.equal(*said)


def test_mistakes_are_sentences(world):
    features, _ = world
    net = meta.SmallNetwork(12, 4, seed=0)
    for steps, rate in ((0, 0.1), (1, 0.0)):
        with pytest.raises(UserError, match="An inner loop needs a step and a rate above 0, not "):
            meta.adapted(net, features[:4], torch.arange(4), steps=steps, rate=rate)
    with pytest.raises(UserError, match="accuracies needs at least one episode"):
        meta.episode_accuracies(meta.nearest_centroid, features, [])
