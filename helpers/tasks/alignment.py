"""Tags of characters to labels of tokens, in windows, and scores of tokens back to characters.

Tokens and characters need not agree. Each token *owns* the characters of its offsets that no token
before it owns, and is labelled with the tag of the first of them; a token that owns none (special
tokens, the second piece of a character) has no label. So no character counts twice, and what the
tokens cannot tell apart (an entity that begins within "12km") is scored as the mistake it is.

A sentence longer than the model becomes several windows, one behind the other, without overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from helpers import UserError
from helpers.tasks.heads import IGNORED
from helpers.tasks.tags import Span, best_path, from_bio, to_bio

if TYPE_CHECKING:  # a machine that only runs trials has no datasets
    from datasets import Dataset


def owned(offsets: Sequence[tuple[int, int]], before: int = 0) -> list[tuple[int, int]]:
    """Return which characters each token owns, as (start, end); (0, 0) where it owns none.

    Args:
        offsets: characters of each token, as a fast tokenizer gives them; (0, 0) of special ones.
        before: characters that a window before this one owns already.

    >>> owned([(0, 0), (0, 4), (4, 5), (4, 5), (5, 6), (0, 0)])  # 1998年 with 年 in two pieces
    [(0, 0), (0, 4), (4, 5), (0, 0), (5, 6), (0, 0)]
    """
    found = []
    for start, end in offsets:
        start = max(start, before)
        found.append((start, end) if start < end else (0, 0))
        before = max(before, end)
    return found


def windows(
    texts: Sequence[str],
    tags: Sequence[Sequence[str]],
    names: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> Dataset:
    """Return the windows of ``texts``, one a row, in their order.

    Columns: ``input_ids``, ``attention_mask``, ``labels`` (-100: none); ``sentence``, the row of
    ``texts``; ``starts`` and ``ends`` of the characters that each token owns. A window that owns no
    character is left out.

    Args:
        texts: n sentences.
        tags: of their characters.
        names: the tags that there are; a label is a place in it.
        tokenizer: a fast one.
        max_length: tokens of a window, special tokens included.

    Raises:
        UserError: no sentences, a tokenizer that does not tell offsets, or a tag that is not in
            ``names``.
    """
    if not len(texts):
        raise UserError("There are no sentences to encode; give at least one.")
    if not tokenizer.is_fast:
        raise UserError(
            f"{type(tokenizer).__name__} does not tell which characters a token stands for; "
            "take a model with a fast tokenizer (tokenizer.json)."
        )
    numbers = {name: i for i, name in enumerate(names)}
    unknown = sorted({tag for each in tags for tag in each} - set(numbers))
    if unknown:
        raise UserError(
            f"The items have the tag '{unknown[0]}', which is none of this task's: "
            f"{', '.join(names)}."
        )
    encoded = tokenizer(
        list(texts),
        truncation=True,
        max_length=max_length,
        stride=0,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=False,
    )
    columns = ("input_ids", "attention_mask", "labels", "sentence", "starts", "ends")
    rows: dict[str, list] = {key: [] for key in columns}
    done = [0] * len(texts)
    for i, sentence in enumerate(encoded["overflow_to_sample_mapping"]):
        own = owned(encoded["offset_mapping"][i], done[sentence])
        starts, ends = (list(side) for side in zip(*own, strict=True))
        if not any(ends):
            continue
        done[sentence] = max(ends)
        labels = [numbers[tags[sentence][at]] if end else IGNORED for at, end in own]
        ids, mask = encoded["input_ids"][i], encoded["attention_mask"][i]
        for key, value in zip(columns, (ids, mask, labels, sentence, starts, ends), strict=True):
            rows[key].append(value)
    from datasets import Dataset

    return Dataset.from_dict(rows)


def join(
    rows: Iterable[Mapping[str, Any]],
    scores: Sequence[np.ndarray],
    names: Sequence[str],
    lengths: Sequence[int],
) -> list[list[str]]:
    """Return the tags of the characters of n sentences from the scores of their windows.

    The tokens of all windows of a sentence are decoded together
    (:func:`helpers.tasks.tags.best_path`), so an entity may reach over the cut. It has the
    characters that its tokens own, and those between them that have no token (spaces).

    Args:
        rows: from :func:`windows`.
        scores: of each window, (t, c) logits.
        names: the c tags.
        lengths: characters of each sentence.
    """
    characters: list[list[tuple[int, int]]] = [[] for _ in lengths]
    found: list[list[np.ndarray]] = [[] for _ in lengths]
    for row, window in zip(rows, scores, strict=True):
        for start, end, score in zip(row["starts"], row["ends"], window, strict=True):
            if end:
                characters[row["sentence"]].append((start, end))
                found[row["sentence"]].append(score)
    joined = []
    for length, own, each in zip(lengths, characters, found, strict=True):
        spans = from_bio(best_path(np.array(each), names))
        joined.append(
            to_bio(length, [Span(own[s.start][0], own[s.end - 1][1], s.type) for s in spans])
        )
    return joined
