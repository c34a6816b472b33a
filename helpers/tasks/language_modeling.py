"""Language modeling as a task: documents as rows of tokens, causal or masked, and its scores.

The same five methods as every task: ``items``, ``encode``, ``collator``, ``build_model``,
``score``. Shapes: b rows in a batch, t tokens, n documents.

**No leak across documents**: a row holds tokens of one document only. A document longer than a
block is cut into several rows; shorter rows are padded, and the Trainer puts rows of like length
into a batch, so that little padding is computed. Nothing has to be hidden by a block mask, since a
row has nothing that is not its own.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from helpers import UserError
from helpers.sources import corpora, weights
from helpers.sources.loading import positions
from helpers.sources.sampling import draw_unlabelled
from helpers.tasks.batches import IGNORED, DynamicMasking, RightPadding, batches_by_length
from helpers.tasks.bytepairs import boundaries, check_fit, token_ids
from helpers.tasks.row_losses import row_losses


@dataclass(frozen=True)
class DocumentLosses:
    """What a model said of each document.

    Attributes:
        nats: (n,) negative log-likelihood, summed over the document's predicted tokens.
        tokens: (n,) how many tokens were predicted.
        size: (n,) bytes of the document as UTF-8.
    """

    nats: np.ndarray
    tokens: np.ndarray
    size: np.ndarray

    @property
    def bits_per_byte(self) -> np.ndarray:
        """Bits per byte of each document, (n,)."""
        return self.nats / math.log(2) / self.size

    @property
    def table(self) -> np.ndarray:
        """Bits and bytes of each document, (n, 2), as :mod:`helpers.evaluation.bits` takes it."""
        return np.column_stack([self.nats / math.log(2), self.size])


@dataclass(frozen=True)
class LanguageModeling:
    """One corpus as a task: predict the next token, or the masked ones.

    Attributes:
        corpus: documents with fixed splits; a label, where there is one, is not used.
        block_size: tokens of a row, at most, special tokens included.
        objective: "causal" (GPT-2: the next token) or "masked" (BERT: hidden tokens).
        context: causal only: how many tokens of the row before a row of the same document sees
            again (and is not asked again). 1 is the least; more gives a better estimate and costs
            more.
        mask_share: masked only: the share of tokens that are asked for, in (0, 1).
    """

    corpus: corpora.Corpus
    block_size: int = 256
    objective: Literal["causal", "masked"] = "causal"
    context: int = 1
    mask_share: float = 0.15

    def __post_init__(self) -> None:
        """Check the numbers before any work."""
        if self.objective not in ("causal", "masked"):
            raise UserError(f"objective must be causal or masked, not {self.objective!r}.")
        if self.block_size < 4:
            raise UserError(f"block_size must be at least 4 tokens, not {self.block_size}.")
        if not 1 <= self.context < self.block_size:
            raise UserError(
                f"context must be at least 1 and below the block_size {self.block_size}, "
                f"not {self.context}."
            )
        if not 0 < self.mask_share < 1:
            raise UserError(f"mask_share must lie between 0 and 1, not {self.mask_share:g}.")

    def items(self, split: str, n: int | None = None, seed: int = 0) -> Dataset:
        """Return ``n`` documents of a split; None gives them all.

        A document belongs to one split, whole. Smaller draws of a seed are contained in larger.

        Raises:
            UserError: the split has fewer than ``n`` documents.
        """
        dataset = self.corpus.splits[split]
        if n is None:
            return dataset
        whose = f"The {split} split of {self.corpus.name}"
        return draw_unlabelled(dataset, n, seed, whose=whose, what="documents")

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return documents as rows: ``input_ids``, ``labels``, ``document`` (its place in items).

        Causal: the document's tokens between two boundary tokens, cut so that every token but the
        first is predicted exactly once, from what stands before it in its row. ``labels`` are the
        ids themselves: the *model* shifts them. Masked: pieces of the document, each between two
        boundary tokens; ``labels`` come with the masks, from the collator.

        Raises:
            UserError: an empty document; the tokenizer has no boundary token.
        """
        first, last = boundaries(tokenizer)
        rows: dict[str, list[Any]] = {"input_ids": [], "document": []}
        if self.objective == "causal":
            rows["labels"] = []
        for document, ids in enumerate(token_ids(items["text"][:], tokenizer)):
            if self.objective == "masked":
                room = self.block_size - 2
                pieces = [ids[i : i + room] for i in range(0, len(ids), room)]
                rows["input_ids"] += [[first, *piece, last] for piece in pieces]
                rows["document"] += [document] * len(pieces)
                continue
            whole = [first, *ids, last]
            step = self.block_size - self.context
            for start in range(0, max(1, len(whole) - self.context), step):
                row = whole[start : start + self.block_size]
                seen = self.context if start else 1
                rows["input_ids"].append(row)
                rows["labels"].append([IGNORED] * seen + row[seen:])
                rows["document"].append(document)
        return Dataset.from_dict(rows)

    def collator(self, tokenizer: PreTrainedTokenizerBase, *, seed: int | None = None) -> Any:
        """Return what makes a padded batch of a list of rows.

        Causal: padding is on the right, its labels are -100, and nothing is shifted. Masked:
        RoBERTa's dynamic masking by the library's own collator: each time a row is used,
        ``mask_share`` of its tokens are drawn anew; of those 80 % become the mask token, 10 % a
        random token and 10 % stay. ``seed`` makes the masks repeatable (None: torch's seed).

        Raises:
            UserError: masked, and the tokenizer has no mask token.
        """
        if self.objective == "causal":
            return RightPadding(tokenizer)
        if tokenizer.mask_token_id is None:
            raise UserError("The tokenizer has no mask token; masked words need one.")
        return DynamicMasking(tokenizer, self.mask_share, seed)

    def build_model(
        self,
        name: str,
        *,
        pretrained: bool,
        seed: int,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> PreTrainedModel:
        """Return the model called ``name`` with the head that the objective needs.

        Raises:
            UserError: as :func:`weights.load_model` and :meth:`check`.
        """
        head = AutoModelForCausalLM if self.objective == "causal" else AutoModelForMaskedLM
        model = weights.load_model(name, head, pretrained=pretrained, seed=seed)
        self.check(model, tokenizer)
        if self.objective == "causal" and getattr(model, "loss_type", None) is None:
            model.loss_type = "ForCausalLM"  # the library's default, said so that it does not warn
        return model

    def check(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None = None
    ) -> None:
        """Refuse a model that cannot do this task.

        Raises:
            UserError: the block is longer than the model's positions; the tokenizer has ids that
                the model does not know; causal, and the model sees what comes after a token.
        """
        name = type(model).__name__
        limit = positions(model)
        if limit is not None and self.block_size > limit:
            raise UserError(
                f"block_size {self.block_size} is more than the {limit} positions of {name}."
            )
        if tokenizer is not None:
            check_fit(model, tokenizer)
        if self.objective == "causal" and not is_causal(model):
            raise UserError(
                f"{name} has no causal head: what it says of a token depends on the tokens after "
                "it; language modeling needs one like GPT-2."
            )

    def score(self, losses: DocumentLosses) -> dict[str, float]:
        """Return nats per token and perplexity of all documents and, causal, bits per byte.

        Bits per byte do not exist for masked words: their probabilities, each given most of the
        others, do not multiply to the probability of the text.
        """
        nats, tokens = float(losses.nats.sum()), int(losses.tokens.sum())
        scores = {"nats_per_token": nats / tokens, "perplexity": perplexity(nats, tokens)}
        if self.objective == "causal":
            scores["bits_per_byte"] = bits_per_byte(nats, int(losses.size.sum()))
        return scores


def perplexity(nats: float, tokens: int) -> float:
    r"""Return $e^{\mathrm{nats}/\mathrm{tokens}}$, in [1, inf): as hard as a die of so many sides.

    Compares models only where the tokenizer is the same.

    >>> round(perplexity(10 * math.log(6), 10), 6)
    6.0
    """
    return math.exp(nats / tokens)


def bits_per_byte(nats: float, size: int) -> float:
    r"""Return $\mathrm{nats} / (\ln 2 \cdot \mathrm{bytes})$, in [0, inf), of UTF-8 text.

    What an ideal coder that uses the model's probabilities would need; comparable across
    tokenizers, and with file compressors. 8 is no compression.

    >>> bits_per_byte(nats=16 * math.log(256), size=16)
    8.0
    """
    return nats / math.log(2) / size


@torch.inference_mode()
def document_losses(
    model: PreTrainedModel,
    items: Dataset,
    rows: Dataset,
    collator: Any,
    *,
    batch_size: int = 16,
) -> DocumentLosses:
    """Return the negative log-likelihood of every document in ``items``.

    Args:
        model: causal or masked; computes where it lies, in evaluation mode.
        items: documents with ``text``.
        rows: what ``encode`` made of them.
        collator: of the task; for masked words with a seed, or the masks change every time.
        batch_size: rows at a time; changes nothing but speed.
    """
    was_training = model.training
    model.eval()
    data = rows.to_list()
    documents = rows["document"][:]
    nats, tokens = np.zeros(len(items)), np.zeros(len(items), dtype=int)
    batches = None
    if isinstance(collator, DynamicMasking):
        # The masks are drawn row by row, in the rows' order: the batch size must not change them.
        collator.restart()
        batches = [collator([row]) for row in data]
    for chosen in batches_by_length([len(row["input_ids"]) for row in data], batch_size):
        if batches is None:
            batch = collator([data[i] for i in chosen])
        else:
            batch = collator.stack([batches[i] for i in chosen])
        batch = batch.to(model.device)
        labels = batch.pop("labels")
        losses, counted = row_losses(model(**batch).logits, labels, not batches)
        for i, loss, count in zip(chosen, losses.tolist(), counted.tolist(), strict=True):
            nats[documents[i]] += loss
            tokens[documents[i]] += count
    model.train(was_training)
    return DocumentLosses(nats, tokens, np.array([len(text.encode()) for text in items["text"][:]]))


@torch.inference_mode()
def is_causal(model: PreTrainedModel) -> bool:
    """Tell whether a model's words on a token stay the same when a later token changes.

    >>> from transformers import GPT2Config, GPT2LMHeadModel
    >>> is_causal(GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=9)))
    True
    """
    was_training = model.training
    ids = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 5]], device=model.device)
    logits = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    model.train(was_training)
    return torch.allclose(logits[0, :3], logits[1, :3], atol=1e-4)
