r"""Translation with an encoder-decoder: the source is read whole, the target written beside it.

The same pairs, items and scores as :mod:`helpers.tasks.translation`, for models like T5, mT5 and
ByT5: the encoder sees every source token from both sides, the decoder predicts the target alone,
so a row needs no mark between the two. Source: Raffel et al. 2020 (T5), §2 and §3.2.

Shapes: b rows in a batch, s source tokens, t target tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    AutoModelForSeq2SeqLM,
    DataCollatorForSeq2Seq,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from helpers import UserError
from helpers.sources import weights
from helpers.sources.messages import one_line
from helpers.tasks.batches import batches_by_length
from helpers.tasks.bytepairs import check_fit, token_ids
from helpers.tasks.translation import Translation, check_pairs, shown

UNKNOWN = 0.1
"""Share of target tokens that may be unknown; with more the model cannot write the language."""


@dataclass(frozen=True)
class EncoderDecoderTranslation(Translation):
    """A corpus of pairs as a task for an encoder-decoder.

    Attributes:
        corpus: pairs with fixed splits, see :func:`helpers.sources.parallel.load_pairs`.
        max_length: tokens of a source, and of a target, at most, the end's mark included.
    """

    def fitting(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return the pairs with both sides at most ``max_length`` long; in their order.

        Raises:
            UserError: as :meth:`encode`, but for a side that is too long.
        """
        sides = _sides(items, tokenizer)
        fits = [max(map(len, pair)) <= self.max_length for pair in zip(*sides, strict=True)]
        return items.select([i for i, fit in enumerate(fits) if fit])

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return pairs as rows: ``input_ids`` of the source, ``labels`` of the target.

        Raises:
            UserError: an empty side; one longer than ``max_length`` (nothing is ever cut); a
                tokenizer that has no token for much of the targets, or none for the end.
        """
        sides = _sides(items, tokenizer)
        for name, rows in zip(("source", "target"), sides, strict=True):
            for i, row in enumerate(rows):
                if len(row) > self.max_length:
                    raise UserError(
                        f"The {name} of pair {i} ({shown(items[i][name])}) has {len(row)} tokens, "
                        f"more than max_length {self.max_length}: raise it, or leave such pairs "
                        "out with fitting()."
                    )
        return Dataset.from_dict({"input_ids": sides[0], "labels": sides[1]})

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        """Return the library's: sources padded and masked, labels padded with -100."""
        return DataCollatorForSeq2Seq(tokenizer)

    def build_model(
        self,
        name: str,
        *,
        pretrained: bool,
        seed: int,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> PreTrainedModel:
        """Return the encoder-decoder called ``name``: pretrained, or the same from scratch.

        Raises:
            UserError: as :func:`weights.load_model`; it is no encoder-decoder; ``max_length`` is
                more than its positions; the tokenizer does not fit.
        """
        model = weights.load_model(name, AutoModelForSeq2SeqLM, pretrained=pretrained, seed=seed)
        weights.check_positions(model, self.max_length, name)
        if tokenizer is not None:
            check_fit(model, tokenizer)
        return model

    @torch.inference_mode()
    def translate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        sources: Sequence[str],
        *,
        max_new_tokens: int = 128,
        batch_size: int = 16,
    ) -> list[str]:
        """Return the model's translation of each source, the likeliest token each time (greedy).

        Args:
            model: an encoder-decoder; computes where it lies.
            tokenizer: the model's own.
            sources: sentences; white space in them is made one space, as in the pairs.
            max_new_tokens: at most so many; a translation ends earlier where the model ends it.
            batch_size: sentences at a time; changes nothing but speed.

        Raises:
            UserError: an empty source.
        """
        for i, source in enumerate(sources):
            if not source.strip():
                raise UserError(f"Sentence {i} is empty; there is nothing to translate.")
        end = _end(tokenizer)
        rows = [[*ids, end] for ids in token_ids([one_line(text) for text in sources], tokenizer)]
        settings = GenerationConfig(
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=end,
            pad_token_id=tokenizer.pad_token_id,
            decoder_start_token_id=model.config.decoder_start_token_id,
        )
        model.eval()
        translations = [""] * len(rows)
        for chosen in batches_by_length([len(row) for row in rows], batch_size):
            batch = tokenizer.pad({"input_ids": [rows[i] for i in chosen]}, return_tensors="pt")
            written = model.generate(  # type: ignore[operator]
                input_ids=batch["input_ids"].to(model.device),
                attention_mask=batch["attention_mask"].to(model.device),
                generation_config=settings,
            )
            for i, row in zip(chosen, written, strict=True):
                translations[i] = one_line(str(tokenizer.decode(row, skip_special_tokens=True)))
        return translations


def _end(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the id that ends a row."""
    if tokenizer.eos_token_id is None or tokenizer.pad_token_id is None:
        raise UserError(
            f"{type(tokenizer).__name__} has no token for the end of a text or for padding; take "
            "the tokenizer of an encoder-decoder like T5."
        )
    return int(tokenizer.eos_token_id)


def _sides(
    items: Dataset, tokenizer: PreTrainedTokenizerBase
) -> tuple[list[list[int]], list[list[int]]]:
    """Return the ids of sources and of targets, each with the end's mark."""
    check_pairs(items)
    end = _end(tokenizer)
    sources, targets = (
        token_ids([one_line(text) for text in items[side]], tokenizer)
        for side in ("source", "target")
    )
    spelled = sum(map(len, targets))
    unknown = sum(row.count(tokenizer.unk_token_id) for row in targets)
    if unknown > UNKNOWN * spelled:
        raise UserError(
            f"{unknown / spelled:.0%} of the target tokens are unknown to the model's tokenizer: "
            "it cannot write this language. Take one that can, like google/mt5-small or "
            "google/byt5-small."
        )
    return [[*row, end] for row in sources], [[*row, end] for row in targets]
