"""Several tasks on one encoder: sampling, weighting, conflicts, what is shared; errors."""

import numpy as np
import pytest
import torch
from transformers import AutoModel

from helpers import UserError
from helpers.sources.weights import load_model
from helpers.transfer import finetuning
from helpers.transfer.finetuning import Training
from helpers.transfer.multitask import (
    MixedCollator,
    MultiTaskClassifier,
    MultiTaskObjective,
    mix,
    project_conflicting,
    sampling_probabilities,
    train_together,
)

pytestmark = pytest.mark.parametrize("target", ["bert"], indirect=True)


@pytest.fixture
def rows(target):
    """Two tasks: three classes of 24 rows, two classes of 24 rows."""
    return {
        "three": target.task.encode(target.task.items("train"), target.tokenizer),
        "two": target.source.encode(target.source.items("train"), target.tokenizer),
    }


@pytest.fixture
def model(target):
    return MultiTaskClassifier(load_model(target.model, AutoModel), {"three": 3, "two": 2}, seed=0)


@pytest.fixture
def collator(target):
    return target.task.collator(target.tokenizer)


def batch(rows, collator, n=12):
    return MixedCollator(collator)(mix(rows, n, 1.0, seed=0).to_list())


def plain_losses(model, made):
    """Each task's mean loss by its own classifier alone."""
    losses = []
    for i, name in enumerate(model.names):
        of = made["task"] == i
        inputs = [made[key][of] for key in ("input_ids", "attention_mask", "labels")]
        losses.append(model.task(name)(*inputs).loss)
    return losses


def test_the_encoder_is_shared_and_the_heads_are_not(model):
    three, two = model.task("three"), model.task("two")
    assert three.backbone is two.backbone is model.trunk
    assert (three.head.out_features, two.head.out_features) == (3, 2)
    encoder = sum(p.numel() for p in model.trunk.parameters())
    assert sum(p.numel() for p in model.parameters()) == encoder + 3 * 33 + 2 * 33


def test_probabilities_go_from_sizes_to_equal(target):
    sizes = [900, 90, 10]
    np.testing.assert_allclose(sampling_probabilities(sizes, 1.0), [0.9, 0.09, 0.01])
    np.testing.assert_allclose(sampling_probabilities(sizes, 1e9), 1 / 3, atol=1e-6)
    assert sampling_probabilities(sizes, 3.0) == pytest.approx(
        np.cbrt(sizes) / np.cbrt(sizes).sum()
    )


def test_a_mix_has_the_shares_and_uses_every_row_before_one_again(rows):
    few = {"three": rows["three"], "two": rows["two"].select(range(6))}
    mixed = mix(few, 4000, 1.0, seed=0)
    assert np.mean(mixed["task"]) == pytest.approx(6 / 30, abs=0.03)
    ids = [tuple(row["input_ids"]) for row in mix(few, 30, 1e9, seed=1).to_list() if row["task"]]
    counts = np.unique([str(one) for one in ids], return_counts=True)[1]
    assert counts.max() - counts.min() <= 1


def test_equal_weights_sum_the_tasks_losses(model, rows, collator):
    made = batch(rows, collator)
    objective = MultiTaskObjective(model.eval(), "equal", seed=0)
    torch.testing.assert_close(objective(**made)["loss"], sum(plain_losses(model, made)))


def test_uncertainty_is_its_formula_and_best_at_log_two_losses(model, rows, collator):
    made = batch(rows, collator)
    objective = MultiTaskObjective(model.eval(), "uncertainty", seed=0)
    losses = [one.detach() for one in plain_losses(model, made)]
    torch.testing.assert_close(objective(**made)["loss"], sum(losses))  # at s = 0
    objective.log_variances.data = torch.stack(losses).mul(2).log()
    objective(**made)["loss"].backward()
    torch.testing.assert_close(objective.log_variances.grad, torch.zeros(2), atol=1e-6, rtol=0)


def test_conflicting_gradients_lose_what_points_against_the_other(target):
    a, b, c = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0]), torch.tensor([1.0, 1.0])
    rng = np.random.default_rng(0)
    first, second = project_conflicting([a, b], rng)
    assert first.tolist() == [1.0, 1.0] and second.tolist() == [0.0, 1.0]
    assert first @ b == 0 and second @ a == 0
    untouched = project_conflicting([a, c], rng)
    assert torch.equal(untouched[0], a) and torch.equal(untouched[1], c)


def flat(gradients, parameters):
    pairs = zip(gradients, parameters, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])


def test_gradients_of_the_encoder_are_the_projected_ones(model, rows, collator):
    made = batch(rows, collator)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.no_grad():  # the same texts, and what one task wants the other does not
        model.task("two").head.weight.copy_(-model.task("three").head.weight[:2])
    shared = list(model.trunk.parameters())
    plain = [
        flat(torch.autograd.grad(loss, shared, allow_unused=True), shared)
        for loss in plain_losses(model, made)
    ]
    assert plain[0] @ plain[1] < 0
    wanted = torch.stack(project_conflicting(plain, np.random.default_rng(0))).sum(0)
    loss = MultiTaskObjective(model.train(), "pcgrad", seed=0)(**made)["loss"]
    loss.backward()
    found = flat([p.grad for p in shared], shared)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)
    assert not torch.allclose(found, torch.stack(plain).sum(0), atol=1e-4)
    torch.testing.assert_close(loss, sum(plain_losses(model, made)))


@pytest.mark.parametrize("weighting", ["equal", "uncertainty", "pcgrad"])
def test_both_tasks_are_learned(model, rows, collator, weighting):
    how = {"weighting": weighting, "seed": 0, "device": "cpu"}
    done = train_together(model, rows, collator, Training(3e-3, 8, 6), **how)
    for name, table in rows.items():
        said = finetuning.predict(model.task(name), table, collator, device="cpu").argmax(1)
        assert (said == np.array(table["labels"])).mean() > 0.9, name
    assert len(done.losses) == 36
    assert not model.training


def test_a_head_without_rows_does_not_change(model, rows, collator):
    head = model.task("two").head.weight.clone()
    made = batch({"three": rows["three"]}, collator)
    MultiTaskObjective(model, "equal", seed=0)(**made)["loss"].backward()
    assert model.task("two").head.weight.grad is None
    assert torch.equal(model.task("two").head.weight, head)


def test_equal_seeds_give_equal_models(target, rows, collator):
    said = []
    for _ in range(2):
        net = MultiTaskClassifier(load_model(target.model, AutoModel), {"three": 3, "two": 2}, 0)
        how = {"weighting": "pcgrad", "seed": 1, "device": "cpu"}
        train_together(net, rows, collator, Training(3e-3, 8, 1), **how)
        said.append(finetuning.predict(net.task("three"), rows["three"], collator, device="cpu"))
    assert np.array_equal(*said)


def test_mistakes_are_sentences(model, rows, collator):
    with pytest.raises(UserError, match=r"Multi-task learning needs at least one task\."):
        MultiTaskClassifier(model.trunk, {}, 0)
    with pytest.raises(UserError, match=r"There is no task 'tow'\. Did you mean 'two'\?"):
        model.task("tow")
    with pytest.raises(UserError, match=r"The temperature must be above 0, not 0\."):
        sampling_probabilities([1, 2], 0)
    with pytest.raises(UserError, match=r"Every task needs at least one row\."):
        sampling_probabilities([1, 0], 1.0)
    with pytest.raises(
        UserError, match=r"There is no weighting 'pcgard'\. Did you mean 'pcgrad'\?"
    ):
        MultiTaskObjective(model, "pcgard", seed=0)
    alone = MultiTaskClassifier(model.trunk, {"three": 3}, 0)
    with pytest.raises(UserError, match="PCGrad needs at least two tasks; one has nothing to conf"):
        MultiTaskObjective(alone, "pcgrad", seed=0)
    with pytest.raises(
        UserError, match=r"rows must be of the model's tasks, three, two, not of tw"
    ):
        train_together(model, {"two": rows["two"]}, collator, Training(), seed=0)
