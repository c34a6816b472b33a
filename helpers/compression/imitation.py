"""A student that learns from a teacher's answers which were read once, before the training.

The teacher does not change while the student learns, and without dropout it says the same of a text
each time: reading it once saves a pass through the teacher in every step.

Shapes: n texts that there are answers of, b texts in a batch, t tokens, c classes.
"""

from dataclasses import dataclass

import torch
from torch import nn

from helpers import UserError

IGNORED = -100
"""The class of a text without a label."""


@dataclass
class LossAndLogits:
    """What a training step reads: ``loss`` in nats, and ``logits`` (b, c)."""

    loss: torch.Tensor
    logits: torch.Tensor


class Imitation(nn.Module):
    """A student under the loss of its labels and of its teacher's answers.

    loss = hard · cross-entropy(labels) + (1 - hard) · T² KL(teacher ‖ student at temperature T)

    Source: Hinton, Vinyals & Dean 2015, arXiv 1503.02531.
    """

    answers: torch.Tensor
    classes: torch.Tensor

    def __init__(
        self,
        student: nn.Module,
        answers: torch.Tensor,
        classes: torch.Tensor,
        *,
        hard: float = 0.5,
        temperature: float = 2.0,
    ) -> None:
        """Take the student and what is known of every text.

        Args:
            student: gives ``logits`` for ``input_ids`` and ``attention_mask``; it learns.
            answers: (n, c) logits of the teacher.
            classes: (n,) true classes, -100 where there is no label.
            hard: weight of the labels, in [0, 1].
            temperature: above 0; softens both distributions.

        Raises:
            UserError: a weight or a temperature out of range, or tables of different lengths.
        """
        super().__init__()
        if not 0 <= hard <= 1 or not temperature > 0:
            raise UserError(
                f"hard must be in [0, 1] and the temperature above 0, not {hard} and {temperature}."
            )
        if len(answers) != len(classes):
            raise UserError(f"There are {len(answers)} answers and {len(classes)} classes.")
        self.student, self.hard, self.temperature = student, hard, temperature
        self.register_buffer("answers", answers, persistent=False)
        self.register_buffer("classes", classes, persistent=False)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> LossAndLogits:
        """Return loss and logits of a batch; ``labels`` (b,) are the places in the tables."""
        from helpers.compression.distillation import soft_loss

        logits = self.student(input_ids=input_ids, attention_mask=attention_mask).logits.float()
        loss = (1 - self.hard) * soft_loss(logits, self.answers[labels], self.temperature)
        known = self.classes[labels]
        summed = nn.functional.cross_entropy(logits, known, ignore_index=IGNORED, reduction="sum")
        loss = loss + self.hard * summed / (known != IGNORED).sum().clamp(min=1)
        return LossAndLogits(loss, logits)
