"""Rows of tokens put into batches for language models: padded, and masked where words are asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import BatchEncoding, DataCollatorForLanguageModeling, PreTrainedTokenizerBase

from helpers.tasks.heads import IGNORED


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield the places of each batch, the short rows first: like lengths need little padding.

    >>> list(batches_by_length([5, 1, 9, 2], batch_size=2))
    [[1, 3], [0, 2]]
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for first in range(0, len(order), batch_size):
        yield order[first : first + batch_size]


@dataclass(frozen=True)
class RightPadding:
    """Pads rows on the right; the labels of padding are ignored."""

    tokenizer: PreTrainedTokenizerBase

    def __call__(self, rows: list[dict[str, Any]]) -> BatchEncoding:
        """Return ``input_ids``, ``attention_mask`` and ``labels``, each (b, t); nothing shifted."""
        longest = max(len(row["input_ids"]) for row in rows)
        filler = self.tokenizer.pad_token_id or 0  # behind the attention mask any id will do
        batch: dict[str, list[list[int]]] = {"input_ids": [], "attention_mask": [], "labels": []}
        for row in rows:
            room = longest - len(row["input_ids"])
            batch["input_ids"].append([*row["input_ids"], *[filler] * room])
            batch["attention_mask"].append([1] * len(row["input_ids"]) + [0] * room)
            batch["labels"].append([*row["labels"], *[IGNORED] * room])
        return BatchEncoding({key: torch.tensor(value) for key, value in batch.items()})


class DynamicMasking:
    """RoBERTa's dynamic masking, by the library's collator: new masks each time a row is used.

    Of the tokens drawn 80 % become the mask token, 10 % a random token, 10 % stay as they are.
    Special tokens and padding are never asked for. Sources: Devlin et al. 2019 (80/10/10);
    Liu et al. 2019, arXiv 1907.11692, §4.1 (dynamic).
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        share: float = 0.15,
        seed: int | None = None,
        tries: int = 1,
    ) -> None:
        """Mask ``share`` of the tokens; ``seed`` None draws from torch's own random state.

        A batch of short texts may have nothing masked, and then no loss (0/0): with more ``tries``
        such a batch is drawn again.
        """
        self.tries = tries
        self.mask = DataCollatorForLanguageModeling(
            tokenizer, mlm=True, mlm_probability=share, seed=seed
        )

    def restart(self) -> None:
        """Begin the random numbers of the seed anew: the next masks are those of the first call."""
        self.mask.generator = None

    def __call__(self, rows: list[dict[str, Any]]) -> BatchEncoding:
        """Return ids, attention mask and ``labels`` (-100: not asked), all (b, t)."""
        for _ in range(self.tries):
            batch = self.mask([{"input_ids": row["input_ids"]} for row in rows])
            if (batch["labels"] != IGNORED).any():
                break
        return BatchEncoding(batch)

    def stack(self, batches: list[BatchEncoding]) -> BatchEncoding:
        """Put rows that were masked one by one into one padded batch."""
        fillers = {
            "input_ids": self.mask.tokenizer.pad_token_id or 0,
            "attention_mask": 0,
            "labels": IGNORED,
        }
        columns = {
            key: nn.utils.rnn.pad_sequence(
                [batch[key][0] for batch in batches], batch_first=True, padding_value=filler
            )
            for key, filler in fillers.items()
        }
        return BatchEncoding(columns)
