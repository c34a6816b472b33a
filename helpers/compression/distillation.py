r"""Distillation: a smaller student learns to answer as its teacher does, not only what is right.

The loss of a batch is the weighted sum of up to four terms, each a mean:

- *hard*: cross-entropy with the labels (label -100: none, as for unlabelled text);
- *soft*: T² KL(teacher ‖ student) of the classes' probabilities at temperature T (Hinton, Vinyals &
  Dean 2015, arXiv 1503.02531);
- *hidden*: squared distance of token vectors, layer by layer (TinyBERT: Jiao et al. 2020, arXiv
  1909.10351), through a learned map where the student is narrower;
- *attention*: KL of the last layer's attention and of its value relation (MiniLM: Wang et al. 2020,
  arXiv 2002.10957).

Shapes: b texts, t tokens, d hidden width, a attention heads, c classes.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import nn
from transformers import AutoModel

from helpers import UserError
from helpers.compression.structured import drop_layers
from helpers.tasks.heads import MeanPooledClassifier, standardized_mean
from helpers.transfer import finetuning
from helpers.transfer.strategies import FULL


@dataclass(frozen=True)
class Distillation:
    """What the student imitates: the weight of each term, in [0, inf), and the temperature.

    Raises:
        UserError: a weight below 0, all of them 0, or a temperature not above 0.
    """

    hard: float = 0.5
    soft: float = 0.5
    hidden: float = 0.0
    attention: float = 0.0
    temperature: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what cannot be a loss."""
        weights = (self.hard, self.soft, self.hidden, self.attention)
        if min(weights) < 0 or not max(weights) > 0:
            raise UserError(f"Distillation's weights must be at least 0, one above, not {weights}.")
        if not self.temperature > 0:
            raise UserError(f"The temperature must be above 0, not {self.temperature}.")


def student_of(
    teacher: MeanPooledClassifier, layers: Sequence[int], *, width: int | None = None, seed: int = 0
) -> MeanPooledClassifier:
    """Return a smaller student.

    Args:
        teacher: stays as it is.
        layers: which of its layers the student takes, in rising order. DistilBERT takes every
            other one (Sanh et al. 2019, arXiv 1910.01108).
        width: a smaller d; then nothing fits, and the student, with as many layers and heads as
            named, has random weights.
        seed: of random weights.

    Raises:
        UserError: layers that the teacher does not have, a student as wide as its teacher or wider,
            or a width that its heads do not divide.
    """
    if width is None:
        return drop_layers(copy.deepcopy(teacher), layers).eval()  # type: ignore[return-value]
    config = copy.deepcopy(teacher.backbone.config)
    heads = config.num_attention_heads
    if width >= config.hidden_size:
        raise UserError(
            f"A student must be narrower than its teacher: width {width} is not below "
            f"{config.hidden_size}; leave width out to keep it."
        )
    if width < heads or width % heads:
        raise UserError(
            f"The width must be a multiple of the {heads} attention heads, not {width}."
        )
    if not layers or len(layers) > config.num_hidden_layers:
        raise UserError(
            f"A student has from 1 to {config.num_hidden_layers} layers, as its teacher; "
            f"{len(layers)} are named."
        )
    config.intermediate_size = config.intermediate_size * width // config.hidden_size
    config.hidden_size, config.num_hidden_layers = width, len(layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MeanPooledClassifier(
            AutoModel.from_config(config), len(teacher.head.bias), teacher.dropout.p
        ).eval()


def soft_loss(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return T² KL(teacher ‖ student) of logits (b, c) at a temperature, mean over texts, in nats.

    T² keeps the gradient's size as T rises.

    >>> round(soft_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 2.0]]), 2.0).item(), 4)
    0.4438
    """
    p, log_q = (teacher / temperature).log_softmax(-1), (student / temperature).log_softmax(-1)
    return temperature**2 * (p.exp() * (p - log_q)).sum(-1).mean()


def hidden_loss(student: torch.Tensor, teacher: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean squared distance of token vectors (b, t, d); padding, mask 0, left out."""
    squares = (student - teacher).pow(2).mean(-1)
    return (squares * mask).sum() / mask.sum()


def relation_loss(student: torch.Tensor, teacher: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return KL(teacher ‖ student) of distributions over tokens (b, a, t, t), the mean of all rows.

    The last dimension sums to 1; rows of padding, mask (b, t) 0, are left out.
    """
    tiny = torch.finfo(student.dtype).tiny
    divergence = (teacher * (teacher.clamp(min=tiny).log() - student.clamp(min=tiny).log())).sum(-1)
    rows = mask[:, None, :].expand_as(divergence)
    return (divergence * rows).sum() / rows.sum()


def attention_relation(
    queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Return what each token attends to, (b, a, t, d/a) twice -> (b, a, t, t).

    softmax(Q Kᵀ / √(d/a)), padding left out, before dropout: the weights that a model returns are
    zero where dropout fell, and the divergence from a zero says nothing about the student.
    """
    scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
    return scores.masked_fill(mask[:, None, None, :] == 0, float("-inf")).softmax(-1)


def value_relation(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return how alike the values of tokens are, as distributions: (b, a, t, d/a) -> (b, a, t, t).

    softmax(V Vᵀ / √(d/a)), padding left out. No width is in it, so students may be narrower.
    """
    return attention_relation(values, values, mask)


class DistillationObjective(nn.Module):
    """A student whose loss is that of imitating a teacher, for the Trainer.

    The teacher is not one of its parts: it neither learns nor is counted or saved.
    """

    def __init__(
        self, student: MeanPooledClassifier, teacher: MeanPooledClassifier, how: Distillation
    ) -> None:
        """Wrap a student; where it is narrower and hidden states are compared, add a map.

        Raises:
            UserError: other classes or another vocabulary than the teacher's, or attention is
                compared and the numbers of heads in the last layers differ.
        """
        super().__init__()
        self.student, self.how = student, how
        self._teacher = (teacher.eval(),)  # in a tuple, torch does not see a submodule
        ours, theirs = student.backbone.config, teacher.backbone.config
        sizes = [
            (len(model.head.bias), model.backbone.config.vocab_size) for model in (student, teacher)
        ]
        if sizes[0] != sizes[1]:
            raise UserError(
                "A student needs its teacher's classes and vocabulary, {} and {}, not {} and "
                "{}.".format(*sizes[1], *sizes[0])
            )
        if how.attention:
            a, b = (_last_attention(model).num_attention_heads for model in (student, teacher))
            if a != b:
                raise UserError(
                    "Attention can be compared only between as many heads: the student has "
                    f"{a}, the teacher {b}."
                )
        self.map: nn.Module = nn.Identity()
        if how.hidden and ours.hidden_size != theirs.hidden_size:
            self.map = nn.Linear(ours.hidden_size, theirs.hidden_size, bias=False)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Return ``loss`` and the student's ``logits`` (b, c) of a batch."""
        how, (teacher,) = self.how, self._teacher
        if self.training and teacher.head.weight.device != input_ids.device:
            teacher.to(input_ids.device)
        with torch.no_grad():
            wanted = self._look(teacher, input_ids, attention_mask)
        found = self._look(self.student, input_ids, attention_mask)
        loss = how.soft * soft_loss(found["logits"], wanted["logits"], how.temperature)
        if how.hard:
            summed = nn.functional.cross_entropy(found["logits"], labels, reduction="sum")
            loss = loss + how.hard * summed / (labels != -100).sum().clamp(min=1)
        if how.hidden:
            pairs = list(self._pairs(found["hidden"], wanted["hidden"]))
            each = [hidden_loss(self.map(a), b, attention_mask) for a, b in pairs]
            loss = loss + how.hidden * torch.stack(each).mean()
        if how.attention:
            for name in ("attention", "values"):
                loss = loss + how.attention * relation_loss(
                    found[name], wanted[name], attention_mask
                )
        return {"loss": loss, "logits": found["logits"]}

    def _look(
        self, model: MeanPooledClassifier, input_ids: torch.Tensor, mask: torch.Tensor
    ) -> dict[str, Any]:
        """Return what of a model is compared."""
        backbone: Any = model.backbone
        kept: list[torch.Tensor] = []
        hooks = []
        if self.how.attention:
            last = _last_attention(model)
            for part in (last.query, last.key, last.value):  # called in this order
                hooks.append(part.register_forward_hook(lambda _m, _x, out: kept.append(out)))
        try:
            out = backbone(
                input_ids=input_ids,
                attention_mask=mask,
                output_hidden_states=bool(self.how.hidden),
            )
        finally:
            for hook in hooks:
                hook.remove()
        found = {
            "logits": model.head(model.dropout(standardized_mean(out.last_hidden_state, mask)))
        }
        if self.how.hidden:
            found["hidden"] = out.hidden_states
        if self.how.attention:
            size = last.attention_head_size
            q, k, v = (part.unflatten(-1, (-1, size)).transpose(1, 2) for part in kept)
            found["attention"] = attention_relation(q, k, mask)
            found["values"] = value_relation(v, mask)
        return found

    @staticmethod
    def _pairs(student: Sequence[torch.Tensor], teacher: Sequence[torch.Tensor]) -> Any:
        """Pair each of the student's layers with one of the teacher's, evenly; embeddings too."""
        n, m = len(student) - 1, len(teacher) - 1
        return ((student[i], teacher[round(i * m / n)]) for i in range(n + 1))


def _last_attention(model: MeanPooledClassifier) -> Any:
    """Return the attention of the last layer, which MiniLM compares."""
    backbone: Any = model.backbone
    return backbone.encoder.layer[-1].attention.self


def distil(
    student: MeanPooledClassifier,
    teacher: MeanPooledClassifier,
    rows: Dataset,
    collator: Any,
    training: finetuning.Training,
    how: Distillation | None = None,
    *,
    seed: int,
    device: str = "auto",
) -> finetuning.Tuned:
    """Train ``student`` in place to answer as ``teacher`` does; leave it in evaluation mode.

    Args:
        student: learns, all of it.
        teacher: stays as it is. Each step passes through it once, forward only.
        rows: encoded; ``labels`` may be -100 where there are none.
        collator: makes a batch of a list of rows.
        training: length, batch and step size.
        how: what is imitated; the default is half labels, half the teacher's classes.
        seed: order of the batches, dropout, and the map of hidden states.
        device: see :func:`helpers.transfer.finetuning.choose_device`.

    Raises:
        UserError: no rows, or only unlabelled ones where nothing but labels is learned; a student
            that does not fit, as :class:`DistillationObjective`.
    """
    how = how or Distillation()
    only_labels = how.hard and not how.soft + how.hidden + how.attention
    if only_labels and len(rows) and max(rows["labels"]) < 0:
        raise UserError("None of the rows has a label, and the student learns from labels alone.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        objective = DistillationObjective(student, teacher, how)
    try:
        return finetuning.fine_tune(
            objective, rows, collator, FULL, training, seed=seed, device=device
        )
    finally:
        student.eval()
