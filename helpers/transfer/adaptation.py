r"""Unsupervised domain adaptation of a classifier: labels of the source, only texts of the target.

The joint methods minimize L_s + λ L_t (:func:`helpers.transfer.objective.joint_loss`): L_s is the
source's classification loss; L_t needs no labels and differs from method to method. The labels of
target rows are never read. Methods are carried out at equal cost, counted in operations.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset, concatenate_datasets
from torch import nn
from transformers import BatchEncoding, PreTrainedTokenizerBase, TrainerCallback

from helpers import UserError, nearest
from helpers.evaluation.calibration import probabilities
from helpers.sources.labels import with_column
from helpers.tasks.batches import DynamicMasking
from helpers.tasks.classification import TextClassification
from helpers.tasks.heads import MeanPooledClassifier
from helpers.training import pretraining
from helpers.training.step_costs import average_cost
from helpers.transfer import finetuning
from helpers.transfer.divergences import coral, mmd, reverse_gradient
from helpers.transfer.joint import pair_rows
from helpers.transfer.objective import joint_loss
from helpers.transfer.strategies import FULL
from helpers.transfer.tuning import Effort

METHODS = {
    "none": "the source's labels alone",
    "coral": "L_t: covariances of the features apart (Sun & Saenko 2016)",
    "mmd": "L_t: distributions of the features apart (Long et al. 2015)",
    "dann": "L_t: a discriminator tells the domains apart (Ganin et al. 2016)",
    "masked_words": "L_t: masked words of the target, UDALM (Karouzos et al. 2021, 2104.07078)",
    "adaptive_pretraining": "masked words of the target first (Gururangan et al. 2020, 2004.10964)",
    "self_training": "its own sure answers on the target as labels (Lee 2013, ICML workshop)",
}


def check_method(method: str) -> None:
    """Refuse a method that there is not.

    Raises:
        UserError: with the one that may be meant.

    >>> check_method("corral")
    Traceback (most recent call last):
    helpers.UserError: There is no adaptation 'corral'. Did you mean 'coral'?
    """
    if method not in METHODS:
        raise UserError(f"There is no adaptation '{method}'.{nearest(method, METHODS)}")


def same_classes(source: TextClassification, target: TextClassification) -> None:
    """Refuse domains with other classes.

    Raises:
        UserError: the class names differ, or their order.
    """
    ours, theirs = source.corpus.label_names, target.corpus.label_names
    if ours != theirs:
        raise UserError(
            f"Both domains must have the same classes in one order; {source.corpus.name} has "
            f"{', '.join(ours)} and {target.corpus.name} has {', '.join(theirs)}."
        )


def without_labels(
    task: TextClassification, items: Dataset, tokenizer: PreTrainedTokenizerBase
) -> Dataset:
    """Return items as encoded rows whose ``labels`` are all -100: there are none."""
    blank = Dataset.from_dict({"text": items["text"], "label": [-100] * len(items)})
    return task.encode(blank, tokenizer)


class Discriminator(nn.Module):
    """Tells from features (n, d) whether an item is of the target: one logit each, (n,)."""

    def __init__(self, width: int, hidden: int = 100) -> None:
        """Make a network of two layers; seed torch first if it must be repeatable."""
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits; above 0: of the target."""
        return self.layers(features).squeeze(-1)


class AdaptationObjective(nn.Module):
    """A classifier whose loss is L_s + λ L_t on a batch of each domain.

    Attributes:
        seen: how many items of (source, target) L_t has looked at.
        told_apart: DANN's share of items whose domain was told right, one number a step.
    """

    def __init__(
        self, model: MeanPooledClassifier, method: str, weight: float, *, seed: int
    ) -> None:
        """Wrap ``model`` with λ = ``weight``, in [0, inf); ``seed`` is of what is added to it.

        Raises:
            UserError: not a joint method, a weight below 0, or a model that has no masked words.
        """
        super().__init__()
        if method not in ("coral", "mmd", "dann", "masked_words"):
            raise UserError(f"'{method}' is not a joint objective of two domains.")
        joint_loss(0.0, 0.0, weight)  # refuses a bad weight now, not at the first step
        self.model, self.method, self.weight = model, method, weight
        self.reversal = 1.0
        self.seen = np.zeros(2, dtype=int)
        self.told_apart: list[float] = []
        self.added: nn.Module | None = None
        with torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed)
            if method == "dann":
                self.added = Discriminator(model.head.in_features)
            elif method == "masked_words":
                self.added = pretraining.with_language_head(model.backbone, seed)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        source_input_ids: torch.Tensor,
        source_attention_mask: torch.Tensor,
        source_labels: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Return the ``loss`` and the source's ``logits`` (b, c).

        ``labels`` are the masked words of the target for ``masked_words``, and else not looked at.
        """
        model = self.model
        ours = model.features(source_input_ids, source_attention_mask)
        logits = model.head(model.dropout(ours))
        source_loss = nn.functional.cross_entropy(logits, source_labels)
        self.seen += [len(source_input_ids), len(input_ids)]
        if self.method == "masked_words":
            assert self.added is not None
            words = self.added(input_ids=input_ids, attention_mask=attention_mask, labels=labels)
            target_loss = words.loss
        else:
            target_loss = self._apart(ours, model.features(input_ids, attention_mask))
        return {"loss": joint_loss(source_loss, target_loss, self.weight), "logits": logits}

    def _apart(self, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        if self.method == "coral":
            return coral(ours, theirs)
        if self.method == "mmd":
            return mmd(ours, theirs)
        assert self.added is not None
        domain = torch.cat([torch.zeros(len(ours)), torch.ones(len(theirs))]).to(ours.device)
        found = self.added(reverse_gradient(torch.cat([ours, theirs]), self.reversal))
        self.told_apart.append(float(((found > 0) == (domain > 0)).float().mean()))
        return nn.functional.binary_cross_entropy_with_logits(found, domain)


class RisingReversal(TrainerCallback):
    """Lets DANN's reversal rise from 0 to 1: 2 / (1 + exp(-10 t)) - 1 at share t of the steps.

    A discriminator that knows nothing yet would only disturb. Source: Ganin et al. 2016, eq. 14.
    """

    def __init__(self, objective: AdaptationObjective) -> None:
        """Take the objective whose reversal rises."""
        self.objective = objective

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Set the reversal for this step."""
        self.objective.reversal = 2 / (1 + math.exp(-10 * state.global_step / state.max_steps)) - 1


@dataclass(frozen=True)
class DomainCollator:
    """Makes a batch of target rows, words masked where ``masks`` are given, and a source batch."""

    collator: Any
    masks: DynamicMasking | None = None

    def __call__(self, pairs: list[dict[str, Any]]) -> BatchEncoding:
        """Return the target's batch and, with ``source_`` before each name, the source's."""
        keys = ("input_ids", "labels")
        target, source = (
            [{key: pair[before + key] for key in keys} for pair in pairs]
            for before in ("", "source_")
        )
        batch = (self.masks or self.collator)(target)
        return BatchEncoding(
            {**batch, **{f"source_{key}": one for key, one in self.collator(source).items()}}
        )


@dataclass(frozen=True)
class Adapted:
    """What an adaptation gave.

    Attributes:
        model: in evaluation mode.
        losses: of every step.
        steps: of each stage.
        flops: spent, about.
        told_apart: DANN's share of items whose domain was told right, one a step; else empty.
        pseudo_labelled: how many target texts self-training gave a label.
    """

    model: MeanPooledClassifier
    losses: np.ndarray
    steps: tuple[int, ...]
    flops: float
    told_apart: list[float] = field(default_factory=list)
    pseudo_labelled: int = 0


def adapt(
    method: str,
    model: MeanPooledClassifier,
    source: Dataset,
    target: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    collator: Any,
    effort: Effort,
    *,
    weight: float = 1.0,
    threshold: float = 0.9,
    seed: int,
    device: str = "auto",
) -> Adapted:
    """Train ``model`` in place by an adaptation method, at the cost of ``effort.flops``.

    Methods of two stages get half of the cost for each. What to choose a weight or threshold by is
    not here: labels of the target would be peeking (many published gains come from it: Musgrave,
    Belongie & Lim 2021, *A reality check*, arXiv 2111.15672); see
    :func:`helpers.evaluation.divergence.information_maximization`.

    Args:
        method: a key of :data:`METHODS`.
        model: a classifier with a fresh head.
        source: encoded rows with labels.
        target: encoded rows, see :func:`without_labels`.
        tokenizer: masks words.
        collator: makes a batch of a list of rows.
        effort: cost, step size and batch size.
        weight: λ of the joint methods, in [0, inf).
        threshold: least probability of an answer that self-training takes for a label, in (0, 1].
        seed: of batches, dropout, masks and what is added.
        device: see :func:`finetuning.choose_device`.

    Raises:
        UserError: an unknown method, no rows of a domain, or a bad weight or threshold.
    """
    check_method(method)
    joint_loss(0.0, 0.0, weight)
    if not 0 < threshold <= 1:
        raise UserError(f"threshold must be a probability above 0 and at most 1, not {threshold}.")
    if not len(source) or (method != "none" and not len(target)):
        raise UserError(
            f"Adaptation needs rows of both domains: there are {len(source)} source rows and "
            f"{len(target)} target rows."
        )
    work = _Work(effort, seed, device)
    masks = DynamicMasking(tokenizer, seed=seed, tries=100)
    told, labelled = [], 0
    if method in ("none", "adaptive_pretraining", "self_training"):
        share = 1.0 if method == "none" else 0.5
        if method == "adaptive_pretraining":
            reader = pretraining.with_language_head(model.backbone, seed)
            work.train(reader, target.remove_columns("labels"), masks, share)
        work.train(model, source, collator, share)
        if method == "self_training":
            sure = _sure(model, target, collator, threshold, device)
            labelled = len(sure)
            rows = concatenate_datasets([source, sure]) if labelled else source
            work.train(model, rows, collator, share)
    else:
        objective = AdaptationObjective(model, method, weight, seed=seed)
        # Few target rows come round again until each source row was used, and the other way round.
        again = target.select(np.resize(np.arange(len(target)), max(len(target), len(source))))
        pairs = pair_rows(source, again, seed=seed)
        collate = DomainCollator(collator, masks if method == "masked_words" else None)
        rising = [RisingReversal(objective)] if method == "dann" else []
        work.train(objective, pairs, collate, 1.0, rising)
        told = objective.told_apart
    model.eval()
    return Adapted(
        model, np.concatenate(work.losses), tuple(work.steps), work.flops, told, labelled
    )


@dataclass
class _Work:
    """Trains stage after stage and keeps account of steps, losses and operations."""

    effort: Effort
    seed: int
    device: str
    losses: list[np.ndarray] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    flops: float = 0.0

    def train(
        self, net: nn.Module, rows: Dataset, collate: Any, share: float, callbacks: Any = ()
    ) -> None:
        size = self.effort.batch_size
        each = average_cost(net, rows, collate, size).flops
        steps = max(1, round(share * self.effort.flops / each))
        training = finetuning.Training(self.effort.learning_rate, size, steps, max_steps=steps)
        done = finetuning.fine_tune(
            net, rows, collate, FULL, training, seed=self.seed + 1000 * len(self.steps),
            device=self.device, callbacks=callbacks, by_length=False,
        )  # fmt: skip
        self.losses.append(done.losses)
        self.steps.append(steps)
        self.flops += steps * each


def _sure(
    model: MeanPooledClassifier, target: Dataset, collator: Any, threshold: float, device: str
) -> Dataset:
    """Return the target rows that the model is sure of, with its answers as labels."""
    shares = probabilities(finetuning.predict(model, target, collator, device=device))
    rows = np.flatnonzero(shares.max(1) >= threshold)
    return with_column(target.select(rows), "labels", shares.argmax(1)[rows].tolist())
