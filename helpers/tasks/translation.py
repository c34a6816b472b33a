r"""Translation as a task: GPT-2 reads a sentence as a prompt and goes on with its translation.

The same five methods as every task: ``items``, ``encode``, ``collator``, ``build_model``,
``score``. A row is

    boundary, source, line break, target, boundary

and only the target and the boundary after it are predicted: the loss is that of
:math:`p(\text{target} \mid \text{source})`. Source of the form: Radford et al. 2019 (GPT-2), §3.7,
who wrote "source = target"; a line break cannot occur in a message here, "=" can. Rows are padded
on the right to learn from and on the left to generate from.

Shapes: b rows in a batch, t tokens, n sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from helpers import UserError
from helpers.sources import weights
from helpers.sources.loading import positions
from helpers.sources.messages import one_line
from helpers.sources.parallel import ParallelCorpus
from helpers.sources.sampling import draw_unlabelled
from helpers.tasks import translation_scores
from helpers.tasks.batches import IGNORED, RightPadding
from helpers.tasks.bytepairs import boundaries, check_fit, token_ids
from helpers.tasks.generation import continue_texts
from helpers.tasks.language_modeling import is_causal

SEPARATOR = "\n"
"""Stands between source and target; a source has none, white space in it is one space."""


@dataclass(frozen=True)
class Translation:
    """A corpus of pairs as a task.

    Attributes:
        corpus: pairs with fixed splits, see :func:`helpers.sources.parallel.load_pairs`.
        max_length: tokens of a row, at most, boundaries included.
    """

    corpus: ParallelCorpus
    max_length: int = 256

    def __post_init__(self) -> None:
        """Check the number before any work."""
        if self.max_length < 5:
            raise UserError(
                "max_length must be at least 5 (two boundaries, the line break and a token of each "
                f"side), not {self.max_length}."
            )

    def items(self, split: str, n: int | None = None, seed: int = 0) -> Dataset:
        """Return ``n`` pairs of a split; None gives them all.

        Smaller draws of a seed are contained in larger.

        Raises:
            UserError: the split has fewer than ``n`` pairs.
        """
        dataset = self.corpus.splits[split]
        if n is None:
            return dataset
        whose = f"The {split} split of {self.corpus.name}"
        return draw_unlabelled(dataset, n, seed, whose=whose, what="pairs")

    def fitting(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return the pairs whose row is at most ``max_length`` long; in their order.

        Raises:
            UserError: as :meth:`encode`, but for a row that is too long.
        """
        return items.select(
            [
                i
                for i, (prompt, target) in enumerate(_token_rows(items, tokenizer))
                if len(prompt) + len(target) <= self.max_length
            ]
        )

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return pairs as rows: ``input_ids``, and ``labels`` that are -100 before the target.

        ``labels`` stand beside the ids that they are: the *model* shifts them.

        Raises:
            UserError: an empty side; a row longer than ``max_length`` (nothing is ever cut: half a
                translation would be taught as a whole one); a tokenizer without boundary token.
        """
        rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
        for i, (prompt, target) in enumerate(_token_rows(items, tokenizer)):
            if len(prompt) + len(target) > self.max_length:
                raise UserError(
                    f"Pair {i} ({shown(items[i]['source'])}) has {len(prompt) + len(target)} "
                    f"tokens, more than max_length {self.max_length}: raise it, or leave such "
                    "pairs out with fitting()."
                )
            rows["input_ids"].append(prompt + target)
            rows["labels"].append([IGNORED] * len(prompt) + target)
        return Dataset.from_dict(rows)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        """Return what pads a list of rows on the right; the padding's labels are -100."""
        return RightPadding(tokenizer)

    def build_model(
        self,
        name: str,
        *,
        pretrained: bool,
        seed: int,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> PreTrainedModel:
        """Return the causal model called ``name``: pretrained, or the same from scratch.

        Raises:
            UserError: as :func:`weights.load_model`; ``max_length`` is more than the model's
                positions; the tokenizer does not fit; the model sees later tokens.
        """
        model = weights.load_model(name, AutoModelForCausalLM, pretrained=pretrained, seed=seed)
        weights.check_positions(model, self.max_length, name)
        if tokenizer is not None:
            check_fit(model, tokenizer)
        if not is_causal(model):
            raise UserError(
                f"{name} sees the tokens after the one it predicts and cannot write text; take a "
                "model like GPT-2."
            )
        if getattr(model, "loss_type", None) is None:
            model.loss_type = "ForCausalLM"  # the library's default, said so that it does not warn
        return model

    def translate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        sources: Sequence[str],
        *,
        max_new_tokens: int = 128,
        batch_size: int = 16,
    ) -> list[str]:
        """Return the model's translation of each source, see :func:`translate`."""
        return translate(
            model, tokenizer, sources, max_new_tokens=max_new_tokens, batch_size=batch_size
        )

    def score(self, translations: Sequence[str], items: Dataset) -> dict[str, float]:
        """Return ``bleu``, ``chrf`` and ``placeholders`` of one translation for each item.

        See :func:`helpers.tasks.translation_scores.scores`.

        Raises:
            UserError: not one translation for each item.
        """
        return translation_scores.scores(translations, items)


def translate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    sources: Sequence[str],
    *,
    max_new_tokens: int = 128,
    batch_size: int = 16,
) -> list[str]:
    """Return the model's translation of each source, the likeliest token each time (greedy).

    The batch size changes nothing but speed: prompts are padded on the left, padding is hidden and
    counts for no position. Prompts of like length share a batch.

    Args:
        model: causal, trained on the rows of :meth:`Translation.encode`; computes where it lies.
        tokenizer: the model's own.
        sources: sentences; white space in them is made one space, as in the pairs.
        max_new_tokens: at most so many; a translation ends earlier where the model ends it.
        batch_size: sentences at a time.

    Raises:
        UserError: an empty source; one that with ``max_new_tokens`` is longer than the model's
            positions; what :func:`continue_texts` refuses.
    """
    if not sources:
        return []
    prompts = []
    for i, source in enumerate(sources):
        if not source.strip():
            raise UserError(f"Sentence {i} is empty; there is nothing to translate.")
        prompts.append(one_line(source) + SEPARATOR)
    lengths = [1 + len(ids) for ids in token_ids(prompts, tokenizer)]
    limit = positions(model)
    longest = int(np.argmax(lengths))
    if limit is not None and lengths[longest] + max_new_tokens > limit:
        raise UserError(
            f"Sentence {longest} ({shown(sources[longest])}) has {lengths[longest]} tokens; with "
            f"{max_new_tokens} new ones it is longer than the {limit} positions of "
            f"{type(model).__name__}: leave it out or lower max_new_tokens."
        )
    order = sorted(range(len(prompts)), key=lambda i: lengths[i])
    written = continue_texts(
        model,
        tokenizer,
        [prompts[i] for i in order],
        new_tokens=max_new_tokens,
        batch_size=batch_size,
    )
    translations = [""] * len(prompts)
    for i, text in zip(order, written, strict=True):
        translations[i] = one_line(text)
    return translations


def check_pairs(items: Dataset) -> None:
    """Raise UserError where a column is missing or a side is empty."""
    missing = {"source", "target"} - set(items.column_names)
    if missing:
        raise UserError(
            f"Pairs need the columns source and target; {' and '.join(sorted(missing))} is missing."
        )
    for side in ("source", "target"):
        for i, text in enumerate(items[side]):
            if not text or not text.strip():
                raise UserError(f"Pair {i} has an empty {side}; leave such pairs out.")


def _token_rows(
    items: Dataset, tokenizer: PreTrainedTokenizerBase
) -> list[tuple[list[int], list[int]]]:
    """Return prompt and target ids of each pair, with the boundaries."""
    check_pairs(items)
    first, last = boundaries(tokenizer)
    prompts = token_ids([one_line(text) + SEPARATOR for text in items["source"][:]], tokenizer)
    targets = token_ids([one_line(text) for text in items["target"][:]], tokenizer)
    return [
        ([first, *prompt], [*target, last]) for prompt, target in zip(prompts, targets, strict=True)
    ]


def shown(text: str) -> str:
    """Return the text for a message, its beginning at least, in quotes."""
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"
