"""One domain of a corpus as the target of a language model, all others as its source.

``corpus:label`` names it: the documents of that label are the target, the others the source. A
document is read up to a number of tokens, as one row, so that every document costs alike.
"""

from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from helpers import UserError
from helpers.sources.corpora import Corpus, load_texts
from helpers.sources.labels import with_label, without_label
from helpers.tasks.language_modeling import LanguageModeling

SOURCE_SCORED = 48
"""So many held-out source documents, at most, are scored beside the target's."""


@dataclass(frozen=True)
class NewDomain:
    """Documents of a target and of its source, in three splits.

    Attributes:
        corpus: documents with labels.
        label: whose documents are the target.
        max_length: tokens of a document that are read, the boundary before it included.
    """

    corpus: Corpus
    label: str
    max_length: int = 256

    @classmethod
    def named(cls, name: str, max_length: int = 256) -> "NewDomain":
        """Return the domain that ``corpus:label`` names.

        Raises:
            UserError: no label is named, the corpus does not have it, or there is no other.

        >>> NewDomain.named("newsarticles")
        Traceback (most recent call last):
        helpers.UserError: 'newsarticles' names no domain: write newsarticles:LABEL, the label whose
        documents are the target.
        """
        corpus, _, label = name.rpartition(":")
        if not corpus:
            raise UserError(
                f"'{name}' names no domain: write {name}:LABEL, the label whose documents are the "
                "target."
            )
        found = cls(load_texts(corpus), label, max_length)
        for split in ("train", "validation", "test"):
            for whose, part in (("of", found.target(split)), ("outside of", found.source(split))):
                if not len(part):
                    raise UserError(f"{corpus} has no {split} document {whose} '{label}'.")
        return found

    def target(self, split: str) -> Dataset:
        """Return the target's documents of a split."""
        return with_label(self.corpus, self.corpus.splits[split], self.label)

    def source(self, split: str) -> Dataset:
        """Return the source's documents of a split."""
        return without_label(self.corpus, self.corpus.splits[split], self.label)

    def items(self, split: str) -> Dataset:
        """Return the documents that a trial draws from, or is scored on, with ``is_target``.

        Of train the target's; of the others the target's, then :data:`SOURCE_SCORED` of the
        source's, always the same ones.
        """
        target = self.target(split)["text"][:]
        source: list[str] = []
        if split != "train":
            every = self.source(split)["text"]
            chosen = np.random.default_rng(0).permutation(len(every))[:SOURCE_SCORED]
            source = [every[int(at)] for at in chosen]
        marks = [1] * len(target) + [0] * len(source)
        return Dataset.from_dict({"text": target + source, "is_target": marks})

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return one row a document: ``input_ids``, ``labels`` and ``bytes``.

        Labels are the ids themselves, but of the boundary before the document; the model shifts.
        ``bytes`` counts the text that the row holds.

        Raises:
            UserError: as :meth:`LanguageModeling.encode`.
        """
        rows = LanguageModeling(self.corpus, self.max_length).encode(items, tokenizer)
        first = np.unique(np.array(rows["document"]), return_index=True)[1]
        kept = rows.select(first)
        texts = tokenizer(
            items["text"][:],
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
            truncation=True,
            max_length=self.max_length - 1,
        )
        sizes = [
            len(text[: max((end for _, end in offsets), default=0)].encode())
            for text, offsets in zip(items["text"], texts["offset_mapping"], strict=True)
        ]
        columns = {name: list(kept[name]) for name in ("input_ids", "labels")}
        return Dataset.from_dict(columns | {"bytes": sizes})
