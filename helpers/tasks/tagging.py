"""Named entities as a task: a BIO tag for every character, whatever the tokens of the model are.

The five methods of every task (``items``, ``encode``, ``collator``, ``build_model``, ``score``)
and ``predict``, for a sentence may be longer than the model: :mod:`helpers.tasks.alignment` cuts
it and joins what was predicted. Shapes: b rows in a batch, t tokens, d hidden width, c classes (BIO
tags), n sentences.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from torch import nn
from transformers import AutoModel, PreTrainedTokenizerBase

from helpers import UserError
from helpers.sources import corpora, weights
from helpers.sources.duplicates import LeakReport, remove_leaks
from helpers.tasks import alignment
from helpers.tasks.batches import RightPadding, batches_by_length
from helpers.tasks.heads import TokenClassifier
from helpers.tasks.tagged_text import Sentence, parse_article
from helpers.tasks.tagging_scores import Tags, entity_scores
from helpers.tasks.tags import DEFAULT, check_types, label_names, to_bio


@dataclass(frozen=True)
class TokenTagging:
    """A tagged corpus as a task.

    Articles come in the corpus's splits and are cut into sentences after that, so no article lies
    in two splits; sentences that are (nearly) the same in two splits are removed as in every
    corpus, see :func:`helpers.sources.duplicates.remove_leaks`.

    Attributes:
        corpus: tagged articles, ``load_texts("peoples-daily", text_column="tagged",
            label_column=None)`` or a file of your own in that format.
        types: which entities, of :data:`helpers.tasks.tags.TYPES`.
        max_length: tokens of a window, special tokens included; longer sentences become several.
        splits: the sentences: ``text``, ``tags`` (BIO, one a character), ``article``, ``line``.
        leaks: which sentences were removed.
    """

    corpus: corpora.Corpus
    types: tuple[str, ...] = DEFAULT
    max_length: int = 128
    splits: DatasetDict = field(init=False, repr=False, compare=False)
    leaks: LeakReport = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read all tags, so that what is wrong with one is said before any work."""
        object.__setattr__(self, "types", tuple(self.types))
        check_types(self.types)
        if self.max_length < 3:
            raise UserError(
                f"max_length must be at least 3 (two special tokens and one of text), "
                f"not {self.max_length}."
            )
        sentences: dict[str, list[Sentence]] = {split: [] for split in corpora.SPLITS}
        for split, found in sentences.items():
            for number, tagged in enumerate(self.corpus.splits[split]["text"][:], start=1):
                where = f"{self.corpus.name}, {split}, article {number}"
                found += parse_article(tagged, self.types, where)
        there = {span.type for sentence in sentences["train"] for span in sentence.spans}
        for name in self.types:
            if name not in there:
                raise UserError(
                    f"The training articles of {self.corpus.name} have no entity of type "
                    f"'{name}'; leave it out of types."
                )
        kept, leaks = _without_leaks(
            tuple(tuple(sentence.text for sentence in found) for found in sentences.values())
        )
        splits = DatasetDict()
        for (split, found), rows in zip(sentences.items(), kept, strict=True):
            splits[split] = _dataset([found[row] for row in rows])
        object.__setattr__(self, "splits", splits)
        object.__setattr__(self, "leaks", leaks)

    @property
    def label_names(self) -> list[str]:
        """The BIO tags, in the order of their numbers."""
        return label_names(self.types)

    @property
    def n_classes(self) -> int:
        """Number of classes c: two for each type, and O."""
        return len(self.label_names)

    def items(self, split: str, n: int | None = None, seed: int = 0) -> Dataset:
        """Return ``n`` sentences of a split at random, or all in their order.

        Draws of one seed are the beginnings of one order: the draw of 100 is in the draw of 500.

        Raises:
            UserError: the split has fewer than ``n`` sentences.
        """
        dataset = self.splits[split]
        if n is None:
            return dataset
        if not 1 <= n <= len(dataset):
            raise UserError(
                f"{n} labelled sentences were asked for, but the split has {len(dataset)}: ask "
                f"for 1 to {len(dataset)}."
            )
        order = np.random.default_rng(seed).permutation(len(dataset))
        return dataset.select(order[:n].tolist())

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return ``items`` as windows of tokens with labels, see :func:`alignment.windows`.

        A long sentence has several rows. Items without ``tags`` are taken to have no entities.

        Raises:
            UserError: a tokenizer that does not tell offsets, or a tag of another type.
        """
        texts = items["text"][:]
        tagged = "tags" in items.column_names
        tags = items["tags"][:] if tagged else [["O"] * len(text) for text in texts]
        return alignment.windows(texts, tags, self.label_names, tokenizer, self.max_length)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> RightPadding:
        """Return what pads a list of windows to the longest of them, labels with -100."""
        return RightPadding(tokenizer)

    def build_model(
        self, name: str, *, pretrained: bool, seed: int, **config: Any
    ) -> TokenClassifier:
        """Return a tagger on the model called ``name``: pretrained, or the same from scratch.

        Args:
            name: catalogue name, hub id or folder.
            pretrained: load the weights; otherwise draw them at random, same architecture.
            seed: decides every random weight, the head's among them.
            config: changes of the model's configuration, ``num_hidden_layers=2``, say.

        Raises:
            UserError: the model has fewer positions than ``max_length``.
        """
        backbone = weights.load_model(name, AutoModel, pretrained=pretrained, seed=seed, **config)
        weights.check_inputs(backbone, self.max_length, name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return TokenClassifier(backbone, self.n_classes)

    @torch.inference_mode()
    def predict(
        self,
        model: nn.Module,
        items: Dataset,
        tokenizer: PreTrainedTokenizerBase,
        batch_size: int = 32,
    ) -> list[list[str]]:
        """Return the BIO tags of every character of ``items`` (only ``text`` is looked at).

        They are the most probable valid ones, see :func:`alignment.join`. Runs where the model is.
        """
        rows = self.encode(items.select_columns("text"), tokenizer)
        model.eval()
        device = next(model.parameters()).device
        collate, inputs = self.collator(tokenizer), rows.to_list()
        scores: list[np.ndarray] = [np.empty(0)] * len(inputs)
        for chosen in batches_by_length([len(row["input_ids"]) for row in inputs], batch_size):
            batch = collate([inputs[i] for i in chosen]).to(device)
            batch.pop("labels")
            for i, row in zip(chosen, model(**batch).logits.float().cpu().numpy(), strict=True):
                scores[i] = row[: len(inputs[i]["input_ids"])]
        lengths = [len(text) for text in items["text"][:]]
        return alignment.join(rows, scores, self.label_names, lengths)

    def score(self, predicted: Tags, labels: Tags) -> dict[str, float]:
        """Return :func:`helpers.tasks.tagging_scores.entity_scores`: F1 overall and of each type.

        Args:
            predicted: BIO tags of n sentences, as :meth:`predict` gives them.
            labels: those that are right, ``items["tags"]``.
        """
        return entity_scores(labels, predicted, self.types)


@functools.lru_cache(maxsize=2)  # another task on the same corpus, with other types, has the same
def _without_leaks(texts: tuple[tuple[str, ...], ...]) -> tuple[list[np.ndarray], LeakReport]:
    """Return the rows of each split that stay, and what was removed."""
    ends = np.cumsum([0, *map(len, texts)])
    everything = [text for split in texts for text in split]
    rows = {split: np.arange(ends[i], ends[i + 1]) for i, split in enumerate(corpora.SPLITS)}
    kept, leaks = remove_leaks(everything, [""] * len(everything), rows)
    return [kept[split] - ends[i] for i, split in enumerate(corpora.SPLITS)], leaks


def _dataset(sentences: Sequence[Sentence]) -> Dataset:
    return Dataset.from_dict(
        {
            "text": [sentence.text for sentence in sentences],
            "tags": [to_bio(len(sentence.text), sentence.spans) for sentence in sentences],
            "article": [sentence.article for sentence in sentences],
            "line": [sentence.line for sentence in sentences],
        }
    )
