"""Distillation: losses by hand and by double loops, nothing to learn from itself, errors."""

import copy

import numpy as np
import pytest
import torch
from datasets import Dataset

from helpers import UserError
from helpers.compression.distillation import (
    Distillation,
    DistillationObjective,
    attention_relation,
    distil,
    hidden_loss,
    relation_loss,
    soft_loss,
    student_of,
    value_relation,
)
from helpers.compression.structured import prune_heads
from helpers.transfer import finetuning
from helpers.transfer.finetuning import Training

ALL = Distillation(hard=0.0, soft=1.0, hidden=1.0, attention=1.0)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def predictions(model, tiny):
    return finetuning.predict(model, tiny.rows, tiny.collator, device="cpu")


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


def test_hidden_loss_leaves_padding_out():
    a, b = random(2, 3, 4), random(2, 3, 4, seed=1)
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    each = ((a - b) ** 2).mean(-1)
    wanted = (each[0, :2].sum() + each[1].sum()) / 5
    torch.testing.assert_close(hidden_loss(a, b, mask), wanted)


def test_relations_are_those_of_a_double_loop():
    student, teacher = random(2, 3, 4, 5), random(2, 3, 4, 6, seed=1)  # widths may differ
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    found = relation_loss(value_relation(student, mask), value_relation(teacher, mask), mask)
    total, rows = 0.0, 0
    for b in range(2):
        n = int(mask[b].sum())
        for h in range(3):
            for i in range(n):
                logs = []
                for values in (student, teacher):
                    v = values[b, h].numpy()
                    scores = np.array([v[i] @ v[j] / np.sqrt(v.shape[1]) for j in range(n)])
                    logs.append(scores - np.log(np.exp(scores).sum()))
                total += (np.exp(logs[1]) * (logs[1] - logs[0])).sum()
                rows += 1
    assert found.item() == pytest.approx(total / rows, rel=1e-6)


def test_of_itself_there_is_nothing_to_learn(tiny):
    model = tiny.model()
    twin = copy.deepcopy(model)
    objective = DistillationObjective(twin, model, ALL).eval()
    loss = objective(**tiny.collator(tiny.rows.select(range(9)).to_list()))["loss"]
    loss.backward()
    assert abs(loss.item()) < 1e-6
    assert max(p.grad.abs().max() for p in twin.parameters() if p.grad is not None) < 1e-5


def test_dropout_of_attention_is_no_fault_of_the_student(tiny):
    model = tiny.model()
    twin = copy.deepcopy(model)
    for part in twin.modules():  # only the last layer's attention drops: its inputs are the same
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    twin.backbone.encoder.layer[-1].attention.self.dropout.p = 0.5
    how = Distillation(hard=0.0, soft=0.0, attention=1.0)
    objective = DistillationObjective(twin, model, how).train()
    loss = objective(**tiny.collator(tiny.rows.select(range(9)).to_list()))["loss"]
    assert abs(loss.item()) < 1e-6


def test_attention_is_that_of_the_model(tiny, batch):
    model = tiny.model()
    last = model.backbone.encoder.layer[-1].attention.self
    kept = []
    hooks = [
        part.register_forward_hook(lambda _m, _x, out: kept.append(out))
        for part in (last.query, last.key)
    ]
    model.backbone.set_attn_implementation("eager")
    with torch.no_grad():
        wanted = model.backbone(**batch, output_attentions=True).attentions[-1]
    for hook in hooks:
        hook.remove()
    parts = [one.unflatten(-1, (4, 8)).transpose(1, 2) for one in kept]
    found = attention_relation(*parts, batch["attention_mask"])
    torch.testing.assert_close(found, wanted)
    compared = DistillationObjective(copy.deepcopy(model), model, ALL)._look(model, **{
        "input_ids": batch["input_ids"], "mask": batch["attention_mask"],
    })  # fmt: skip
    torch.testing.assert_close(compared["attention"], wanted)


def test_the_teacher_is_no_part_of_the_objective_and_does_not_change(tiny):
    teacher = tiny.model()
    before = copy.deepcopy(teacher.state_dict())
    student = student_of(teacher, [1])
    start = copy.deepcopy(student.state_dict())
    objective = DistillationObjective(student, teacher, ALL)
    assert sum(p.numel() for p in objective.parameters()) == sum(
        p.numel() for p in student.parameters()
    )
    distil(student, teacher, tiny.rows, tiny.collator, Training(1e-3, epochs=1), ALL, seed=0,
           device="cpu")  # fmt: skip
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert not torch.equal(student.state_dict()["head.weight"], start["head.weight"])
    assert not student.training


@pytest.mark.parametrize("how", [Distillation(0.0, 1.0), ALL], ids=["soft", "everything"])
def test_a_student_comes_to_answer_as_its_teacher(tiny, how):
    teacher = tiny.model()
    student = student_of(teacher, [0], width=16, seed=1)
    wanted = predictions(teacher, tiny)
    far = np.abs(predictions(student, tiny) - wanted).mean()
    done = distil(
        student, teacher, tiny.rows, tiny.collator, Training(1e-2, epochs=12), how, seed=0,
        device="cpu",
    )  # fmt: skip
    assert np.abs(predictions(student, tiny) - wanted).mean() < 0.5 * far
    assert done.losses[-6:].mean() < done.losses[:6].mean()
    assert not [name for name, _ in student.named_parameters() if "map" in name]


def test_it_learns_from_texts_without_labels(tiny):
    teacher = tiny.model()
    unlabelled = Dataset.from_list([{**row, "labels": -100} for row in tiny.rows.to_list()])
    student = student_of(teacher, [0], width=16, seed=1)
    training = Training(1e-2, epochs=12)
    distil(student, teacher, unlabelled, tiny.collator, training, seed=0, device="cpu")
    same = predictions(student, tiny).argmax(1) == predictions(teacher, tiny).argmax(1)
    assert same.mean() > 0.9


def test_equal_seeds_give_equal_students(tiny):
    teacher = tiny.model()
    twins = [student_of(teacher, [0], width=16, seed=1) for _ in range(2)]
    how = Distillation(0.5, 0.5, hidden=1.0)
    for one in twins:
        distil(one, teacher, tiny.rows, tiny.collator, Training(1e-2, epochs=1), how, seed=3,
               device="cpu")  # fmt: skip
    assert np.array_equal(*[predictions(one, tiny) for one in twins])


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
    with pytest.raises(UserError, match=r"weights must be at least 0, one above, not \(-1, 0\.5,"):
        Distillation(hard=-1)
    with pytest.raises(UserError, match=r"weights must be at least 0, one above, not \(0, 0, 0\.0"):
        Distillation(hard=0, soft=0)
    with pytest.raises(UserError, match=r"The temperature must be above 0, not 0\."):
        Distillation(temperature=0)
    other = student_of(teacher, [0], width=16)
    with pytest.raises(UserError, match=r"the student has 2, the teacher 4\."):
        DistillationObjective(prune_heads(tiny.model(), {1: [0, 3]}), teacher, ALL)
    stranger = student_of(teacher, [0])
    stranger.head = torch.nn.Linear(32, 5)
    with pytest.raises(UserError, match=r"classes and vocabulary, 3 and 400, not 5 and 400\."):
        DistillationObjective(stranger, teacher, Distillation())
    with pytest.raises(UserError, match=r"There are no training items; fine-tuning needs at least"):
        distil(
            other, teacher, tiny.rows.select([]), tiny.collator, Training(),
            Distillation(1.0, 0.0), seed=0,
        )  # fmt: skip
    unlabelled = Dataset.from_list([{**row, "labels": -100} for row in tiny.rows.to_list()])
    with pytest.raises(UserError, match="None of the rows has a label, and the student learns fr"):
        distil(
            other, teacher, unlabelled, tiny.collator, Training(), Distillation(1.0, 0.0), seed=0
        )
