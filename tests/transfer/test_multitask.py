"""Several tasks on one encoder: sampling, weighting, conflicts, what is shared; errors."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, Trainer

from helpers import UserError
from helpers.sources.weights import load_model
from helpers.training.optimizers import MuonAdamW
from helpers.training.step_costs import step_cost
from helpers.transfer import finetuning
from helpers.transfer.finetuning import Training
from helpers.transfer.gradients import project_conflicting
from helpers.transfer.multitask import (
    MixedCollator,
    MultiTaskClassifier,
    MultiTaskObjective,
    mix,
    sampling_probabilities,
    train_together,
)
from helpers.transfer.strategies import FULL

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
    pointers = [[p.data_ptr() for p in one.backbone.parameters()] for one in (three, two)]
    assert pointers[0] == pointers[1] == [p.data_ptr() for p in model.trunk.parameters()]
    assert (three.head.out_features, two.head.out_features) == (3, 2)
    encoder = sum(p.numel() for p in model.trunk.parameters())
    assert sum(p.numel() for p in model.parameters()) == encoder + 3 * 33 + 2 * 33


def test_probabilities_go_from_sizes_to_equal(target):
    sizes = [900, 90, 10]
    np.testing.assert_allclose(sampling_probabilities(sizes, 1.0), [0.9, 0.09, 0.01])
    np.testing.assert_allclose(sampling_probabilities(sizes, 1e9), 1 / 3, atol=1e-6)
    np.testing.assert_allclose(sampling_probabilities(sizes, 1e-3), [1, 0, 0], atol=1e-12)
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


def test_log_variances_are_learned_and_not_decayed(model, rows, collator):
    objective = MultiTaskObjective(model, "uncertainty", seed=0)
    decayed = Trainer.get_decay_parameter_names(None, objective)
    assert "model.trunk.encoder.layer.0.output.dense.weight" in decayed
    names = [name for name, p in objective.named_parameters() if p is objective.log_variances]
    assert len(names) == 1 and names[0] not in decayed
    made = batch(rows, collator)
    optimizer = torch.optim.SGD([objective.log_variances], 0.3)
    objective.eval()
    for _ in range(60):
        optimizer.zero_grad()
        objective(**made)["loss"].backward()
        optimizer.step()
    losses = torch.stack([one.detach() for one in plain_losses(model, made)])
    torch.testing.assert_close(objective.log_variances.data, (2 * losses).log(), atol=1e-3, rtol=0)


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
    own = sum(p.numel() for p in model.parameters())
    assert done.trained_parameters == own + (2 if weighting == "uncertainty" else 0)
    assert not model.training


def test_all_weightings_cost_the_same_step(model, rows, collator):
    made = batch(rows, collator)
    costs = [
        step_cost(MultiTaskObjective(model, one, seed=0), made).flops
        for one in ("equal", "uncertainty", "pcgrad")
    ]
    assert costs[0] == costs[1] == pytest.approx(costs[2], rel=0.01)


def test_one_task_together_is_plain_fine_tuning(target, rows, collator):
    only, training = {"three": rows["three"]}, Training(3e-3, 8, 2)
    said = []
    for together in (True, False):
        net = MultiTaskClassifier(load_model(target.model, AutoModel), {"three": 3}, 0)
        if together:
            done = train_together(net, only, collator, training, seed=1, device="cpu")
        else:
            steps = training.steps(len(only["three"]))
            same = mix(only, steps * 8, 1.0, seed=1).remove_columns("task")
            once = Training(3e-3, 8, 1, steps)
            done = finetuning.fine_tune(
                net.task("three"), same, collator, FULL, once, seed=1, device="cpu",
                by_length=False,
            )  # fmt: skip
        said.append(finetuning.predict(net.task("three"), only["three"], collator, device="cpu"))
        said.append(done.losses)
    np.testing.assert_allclose(said[0], said[2], atol=1e-5)
    np.testing.assert_allclose(said[1], said[3], atol=1e-5)


@pytest.mark.parametrize("weighting", ["equal", "uncertainty", "pcgrad"])
def test_a_head_without_rows_does_not_change(model, rows, collator, weighting):
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    made = batch({"three": rows["three"]}, collator)
    objective = MultiTaskObjective(model.train(), weighting, seed=0)
    optimizer = torch.optim.AdamW(objective.parameters(), 0.01, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        objective(**made)["loss"].backward()
        optimizer.step()
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    other = {name for name, p in model.named_parameters() if name.startswith("views.task1.")}
    assert len(other) == 2 and not other & changed
    assert {"views.task0.head.weight", "trunk.encoder.layer.0.output.dense.weight"} <= changed


def test_muon_takes_the_matrices_of_the_layers_alone(model):
    objective = MultiTaskObjective(model, "equal", seed=0)
    matrices = {id(p) for p in MuonAdamW(objective, 0.01).param_groups[0]["params"]}
    names = [name for name, p in objective.named_parameters() if id(p) in matrices]
    assert len(names) == 12  # six a layer
    assert all(name.startswith("model.trunk.encoder.layer.") for name in names)


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
    for sizes in ([1, 0], []):
        with pytest.raises(UserError, match=r"Every task needs at least one row\."):
            sampling_probabilities(sizes, 1.0)
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
