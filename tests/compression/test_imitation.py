"""Learning from answers read before is learning from a teacher that is asked each time."""

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.compression.distillation import student_of
from helpers.compression.imitation import Imitation


@pytest.mark.parametrize(("hard", "temperature"), [(0.5, 2.0), (0.0, 4.0), (0.2, 1.0)])
def test_the_loss_is_that_of_the_formula_with_the_teacher_in_it(tiny, batch, hard, temperature):
    teacher = tiny.model().eval()
    student = student_of(teacher, [0])
    classes = torch.tensor([0, 1, -100, 2, -100, -100, 1, 0])
    with torch.no_grad():
        said = teacher(**batch).logits
    logits = student(**batch).logits
    softened = [(x / temperature).log_softmax(-1) for x in (logits, said)]
    off = torch.nn.functional.kl_div(*softened, reduction="batchmean", log_target=True)
    of_labels = torch.nn.functional.cross_entropy(logits, classes)
    wanted = hard * of_labels + (1 - hard) * temperature**2 * off
    order = torch.tensor([3, 0, 7, 1, 2, 6, 5, 4])  # rows may come in any order
    mixed = {name: value[order] for name, value in batch.items()}
    found = Imitation(student, said, classes, hard=hard, temperature=temperature)(
        **mixed, labels=order
    )
    torch.testing.assert_close(found.loss, wanted)
    torch.testing.assert_close(found.logits, logits[order])


def test_only_the_student_learns_and_nothing_is_learned_from_its_own_answers(tiny, batch):
    student = tiny.model().eval()
    with torch.no_grad():
        said = student(**batch).logits
    objective = Imitation(student, said, torch.full((8,), -100), hard=0.0)
    assert {name for name, _ in objective.named_parameters()} == {
        f"student.{name}" for name, _ in student.named_parameters()
    }
    loss = objective(**batch, labels=torch.arange(8)).loss
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert max(p.grad.abs().max().item() for p in student.parameters() if p.grad is not None) < 1e-5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hard": 1.5}, "hard must be in [0, 1] and the temperature above 0, not 1.5 and 2.0."),
        ({"temperature": 0.0}, "and the temperature above 0, not 0.5 and 0.0."),
        ({"classes": torch.zeros(3)}, "There are 8 answers and 3 classes."),
    ],
)
def test_wrong_input_is_a_sentence(tiny, changed, message):
    given = {"answers": torch.zeros(8, 3), "classes": torch.zeros(8)} | changed
    with pytest.raises(UserError) as caught:
        Imitation(tiny.model(), given.pop("answers"), given.pop("classes"), **given)
    assert str(caught.value).endswith(message)


def test_a_network_that_reads_many_batches_needs_no_teacher(tiny):
    """The answers are looked up by place: each row keeps its own, whatever the batch."""
    said = torch.tensor(np.random.default_rng(0).normal(size=(48, 3)), dtype=torch.float32)
    objective = Imitation(tiny.model().eval(), said, torch.full((48,), -100), hard=0.0)
    row = {"input_ids": torch.tensor([[2, 3]]), "attention_mask": torch.ones(1, 2, dtype=int)}
    losses = [objective(**row, labels=torch.tensor([at])).loss.item() for at in range(48)]
    both = {name: value.repeat(48, 1) for name, value in row.items()}
    together = objective(**both, labels=torch.arange(48)).loss.item()
    assert together == pytest.approx(np.mean(losses), rel=1e-5) and np.std(losses) > 0
