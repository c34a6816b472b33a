"""Few labels: an encoder that learns to put texts of one class near each other, then a linear head.

A handful of labels has many pairs. The encoder is trained until the cosine of two texts' mean
vectors is 1 within a class and 0 between classes; a logistic regression on the vectors then tells
the classes apart. Source: Tunstall et al. 2022, *Efficient few-shot learning without prompts*
(SetFit, arXiv 2209.11055), with one difference: the pairs of a step are all those of its batch,
where SetFit draws pairs one by one. Shapes: b texts of a batch, d numbers a text, c classes.
"""

import copy
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import torch

from helpers.delivery import models, networks
from helpers.delivery.candidates import Labels, Setting, load_body_of, regressions
from helpers.delivery.clock import second_time
from helpers.delivery.tuning import Tuning
from helpers.sources.weights import check_positions

TEXTS = 16
"""Texts of a batch: 120 pairs."""

PLANS = (((1e-4, 3e-4), 60), ((2e-4,), 60), ((2e-4,), 30), ((2e-4,), 15))
"""Peak step sizes to try, and steps, from dear to cheap; the first that there is time for.

On 400 validation texts of R8, three draws of 64 labels, minilm: the frozen vectors have 0.836
accuracy; with 15, 30 and 60 steps at 2e-4 it is 0.859, 0.870 and 0.871, and with 60 at 2e-5 0.857.
"""

STRENGTH = 10.0
"""Inverse L2 penalty C of the regression: the vectors have length 1 and lie apart already."""


def pair_loss(vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return how far the cosines of all pairs are from 1 within a class and 0 between classes.

    The squared distance, on the mean over pairs of each kind, then over the kinds that there are:
    so the many pairs of unlike texts do not drown the few of like ones.

    Args:
        vectors: (b, d), of length 1.
        labels: (b,) classes.

    Returns:
        A number in [0, 4]; 0 for a single text.

    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> float(pair_loss(vectors, torch.tensor([0, 0, 1])))
    0.0
    >>> float(pair_loss(vectors, torch.tensor([0, 1, 1])))
    0.75
    """
    cosines = vectors @ vectors.T
    same = labels[:, None] == labels[None, :]
    above = torch.ones_like(same).triu(1)
    kinds = [(same & above, 1.0), (~same & above, 0.0)]
    means = [((cosines[pairs] - goal) ** 2).mean() for pairs, goal in kinds if pairs.any()]
    return torch.stack(means).mean() if means else 0 * cosines.sum()


class PairedTexts(networks.MeanVectors):
    """An encoder whose loss is :func:`pair_loss` of its mean vectors."""

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> SimpleNamespace:
        """Return ``loss`` of a batch: token ids and mask (b, t), classes (b,)."""
        return SimpleNamespace(loss=pair_loss(self.features(input_ids, attention_mask), labels))


class Contrastive(Tuning):
    """An encoder tuned on pairs, and logistic regression on its vectors."""

    def __init__(self, encoder: str, max_length: int, precision: str, device: torch.device) -> None:
        """Load the encoder of that name.

        Raises:
            UserError: no such model, or fewer positions than ``max_length``.
        """
        super().__init__(encoder, max_length, precision, device)
        self.name = f"contrastively tuned {encoder}"
        self.network = load_body_of(encoder)
        check_positions(self.network, max_length, encoder)

    def fit(
        self, texts: Sequence[str], labels: Labels, n_classes: int, settings: Sequence[Setting]
    ) -> Sequence[models.Model]:
        """Tune an encoder for each setting: "rate" (peak step size), "steps", "temperature"."""
        return [self._tuned(texts, labels, n_classes, setting) for setting in settings]

    def plan(
        self, texts: Sequence[str], labels: Labels, n_classes: int, seconds: float, passes: float
    ) -> tuple[Sequence[Setting], int]:
        """Time a few steps; return the dearest of :data:`PLANS` that fits, or no text at all.

        A training has as many steps with few texts as with many: there is one a fold, and one more
        for what is delivered.
        """
        few = np.random.default_rng(0).permutation(len(texts))[: 4 * TEXTS]
        some = [texts[i] for i in few]
        trial = {"rate": 1e-5, "steps": 4}
        taken = second_time(lambda: self._tuned(some, labels[few], n_classes, trial))
        for rates, steps in PLANS:  # k folds are k - 1 passes over all texts; the last one is more
            if taken / 4 * steps * (passes * len(rates) + 1) <= seconds:
                return [{"rate": rate, "steps": steps} for rate in rates], len(texts)
        return [{"rate": rates[0], "steps": steps}], 0

    def _tuned(
        self, texts: Sequence[str], labels: Labels, n_classes: int, setting: Setting
    ) -> networks.FrozenVectors:
        encoder = copy.deepcopy(self.network)
        rows = networks.training_rows(texts, self.tokenizer, self.max_length, labels.tolist())
        self.train(
            PairedTexts(encoder), rows, int(setting["steps"]), learning_rate=setting["rate"],
            batch_rows=min(TEXTS, len(rows)),
        )  # fmt: skip
        vectors = networks.mean_vectors(encoder, self.tokenizer, self.max_length, self.precision)
        (linear,) = regressions(vectors(texts), labels, n_classes, [{"C": STRENGTH}])
        linear = linear.softened(setting.get("temperature", 1.0))
        return networks.FrozenVectors(vectors, linear, encoder, self.tokenizer, self.max_length)
