"""Classification by a model's last token, the library's way with GPT-2, and with weighted classes.

A causal model has seen the whole text only at its last token, so that token's vector is the one
that a head may read. Which token is the last one is told by the padding token: a padded batch needs
one. Shapes: b texts, t tokens, c classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from helpers import UserError
from helpers.sources import weights
from helpers.tasks.classification import TextClassification


class WeightedClassifier(nn.Module):
    """A library's classifier, with a loss in which each class has its weight.

    ``backbone`` is the whole model of the library, its own linear head (``score``) included.
    """

    def __init__(self, backbone: PreTrainedModel, class_weights: Sequence[float]) -> None:
        """Take the model and one weight a class, each at least 0; a mean of 1 keeps the scale."""
        super().__init__()
        self.backbone = backbone
        self.register_buffer("class_weights", torch.tensor(class_weights, dtype=torch.float32))

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Return logits (b, c) and, where ``labels`` are given, the weighted mean loss in nats."""
        logits = self.backbone(input_ids=input_ids, attention_mask=attention_mask).logits
        chosen: Any = self.class_weights
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels, chosen)
        return SequenceClassifierOutput(loss=loss, logits=logits)


@dataclass(frozen=True)
class SequenceClassification(TextClassification):
    """Text classification by the library's own classifier, with the same five methods.

    Attributes:
        weights: of each class in the loss, see :func:`class_weights`; None: all alike.
    """

    weights: tuple[float, ...] | None = None

    def build_model(  # type: ignore[override]
        self, name: str, *, pretrained: bool, seed: int, **config: Any
    ) -> WeightedClassifier:
        """Return ``AutoModelForSequenceClassification`` on the model called ``name``.

        The padding token of the model's tokenizer, or where it has none its end token, is written
        into the configuration: without it a causal model cannot tell which token is the last.

        Raises:
            UserError: as :meth:`TextClassification.build_model`; a tokenizer without either token;
                not one weight a class.
        """
        chosen = self.weights or (1.0,) * self.n_classes
        if len(chosen) != self.n_classes:
            raise UserError(
                f"{self.corpus.name} has {self.n_classes} classes, not the {len(chosen)} of the "
                "weights."
            )
        tokenizer = weights.load_tokenizer(name)
        padding = tokenizer.pad_token_id
        padding = tokenizer.eos_token_id if padding is None else padding
        if padding is None:
            raise UserError(f"The tokenizer of {name} has neither a padding nor an end token.")
        backbone = weights.load_model(
            name, AutoModelForSequenceClassification, pretrained=pretrained, seed=seed,
            num_labels=self.n_classes, pad_token_id=padding, **config,
        )  # fmt: skip
        weights.check_inputs(backbone, self.max_length, name)
        return WeightedClassifier(backbone, chosen)


def class_weights(labels: npt.ArrayLike, n_classes: int) -> npt.NDArray[np.float64]:
    r"""Return a weight for each class, $\propto 1/\sqrt{n_c}$, mean 1 over the items, (c,).

    The full inverse $1/n_c$ lets the rarest of very unequal classes rule every batch that holds
    one. A class without an item gets the weight of one with a single item.

    Raises:
        UserError: no labels, or a label that is no class.

    >>> class_weights([0, 0, 0, 0, 1], 2).round(3)
    array([0.833, 1.667])
    """
    counts = np.bincount(np.asarray(labels, dtype=int), minlength=n_classes)
    if not counts.sum() or len(counts) > n_classes:
        raise UserError(f"class_weights needs labels from 0 to {n_classes - 1}, at least one.")
    raw = 1 / np.sqrt(np.maximum(counts, 1))
    scaled: npt.NDArray[np.float64] = raw * counts.sum() / (raw * counts).sum()
    return scaled
