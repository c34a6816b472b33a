"""Text classification as a task: which texts, how they are encoded, which head, how to score.

A task has five methods, and every other task module has the same five: ``items``, ``encode``,
``collator``, ``build_model``, ``score``. Shapes: b texts in a batch, t tokens, d hidden width,
c classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    AutoModel,
    BatchEncoding,
    PreTrainedTokenizerBase,
)

from helpers import UserError
from helpers.evaluation import metrics
from helpers.sources import corpora, weights
from helpers.tasks.heads import MeanPooledClassifier


@dataclass(frozen=True)
class TextClassification:
    """One labelled corpus as a task.

    Attributes:
        corpus: texts with labels and fixed splits.
        max_length: tokens kept of each text, special tokens included.
    """

    corpus: corpora.Corpus
    max_length: int = 128

    def __post_init__(self) -> None:
        """Check that there is something to learn, before any work."""
        if "label" not in self.corpus.splits["train"].column_names:
            raise UserError(
                f"{self.corpus.name} has no labels; text classification needs a label column."
            )
        if self.max_length < 3:
            raise UserError(
                f"max_length must be at least 3 (two special tokens and one of text), "
                f"not {self.max_length}."
            )

    @property
    def n_classes(self) -> int:
        """Number of classes c."""
        return len(self.corpus.label_names)

    def items(self, split: str, n: int | None = None, seed: int = 0) -> Dataset:
        """Return ``n`` items of a split, drawn as :func:`corpora.draw` does; None gives them all.

        Raises:
            UserError: the split has fewer than ``n`` items.
        """
        dataset = self.corpus.splits[split]
        return dataset if n is None else corpora.draw(dataset, n, seed)

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return ``items`` as token ids, cut at ``max_length``, unpadded, with ``labels``."""
        encoded = tokenizer(
            items["text"][:],
            truncation=True,
            max_length=self.max_length,
            return_token_type_ids=False,
        )
        return Dataset.from_dict({**encoded, "labels": items["label"][:]})

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        """Return what pads a list of encoded items to the longest of them.

        A tokenizer without a padding token (GPT-2's) pads with its end-of-text token, or whatever
        token it has; padded positions are masked, so the token itself does not matter.
        """
        if tokenizer.pad_token is None:
            ends = (tokenizer.eos_token, tokenizer.sep_token, tokenizer.unk_token)
            first: Any = tokenizer.convert_ids_to_tokens(0)
            tokenizer.pad_token = next((token for token in ends if token is not None), first)
        return _DynamicPadding(tokenizer)

    def build_model(
        self, name: str, *, pretrained: bool, seed: int, **config: Any
    ) -> MeanPooledClassifier:
        """Return a classifier on the model called ``name``: pretrained, or the same from scratch.

        Args:
            name: catalogue name, hub id or folder.
            pretrained: load the weights; otherwise draw them at random, same architecture.
            seed: decides every random weight, the head's among them.
            config: changes of the model's configuration, ``num_hidden_layers=2``, say.
        """
        backbone = weights.load_model(name, AutoModel, pretrained=pretrained, seed=seed, **config)
        weights.check_inputs(backbone, self.max_length, name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return MeanPooledClassifier(backbone, self.n_classes)

    def score(self, predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Return the document's four metrics (§2.4) of predicted classes (n,) on labels (n,).

        Each in [0, 1]; precision, recall and F1 are macro averages, in which a class that was never
        predicted counts 0.
        """
        scores = {"accuracy": metrics.accuracy(labels, predicted, self.n_classes)}
        for measure in (metrics.precision, metrics.recall, metrics.f1):
            value = measure(labels, predicted, self.n_classes, average="macro", undefined=0.0)
            scores[measure.__name__] = float(value)
        return scores


@dataclass(frozen=True)
class _DynamicPadding:
    """Pads to the longest text of the batch, not of the corpus: short batches cost little."""

    tokenizer: PreTrainedTokenizerBase

    def __call__(self, features: list[dict[str, Any]]) -> BatchEncoding:
        labels = torch.tensor([row["labels"] for row in features])
        inputs = [{k: v for k, v in row.items() if k != "labels"} for row in features]
        batch = self.tokenizer.pad(inputs, return_tensors="pt")
        batch["labels"] = labels
        return batch
