"""What a trial reads, as arrays: rows of tokens by split, their labels, their texts.

One dictionary of flat arrays holds a task's texts as one model sees them, so that a process that
runs trials needs neither the corpus nor a tokenizer. Keys are "<split>.<what>":

- ``ids``, ``starts``: token ids of all rows, one behind the other, and where each row begins;
- ``labels``: the class of each row, or one label for each token;
- ``text``, ``text_starts``: UTF-8 of each item, cut where the model's last token ends;
- of language models ``bytes`` (of each document's text) and ``is_target``, a fourth split "source"
  of documents to go on learning from, and ``vocabulary``, how many tokens there are;
- of pairs a row is context and reply, one behind the other; ``labels`` are the sides of the tokens,
  ``context`` and ``reply`` stand in place of ``text``, and ``candidates`` (n, m) are, of each
  held-out item, the items whose replies are its candidates, its own first;
- of taggers also ``sentence`` (of each row), ``own_starts`` and ``own_ends`` (characters of each
  token), ``tags``, ``tag_starts`` (a tag's number for each character of each sentence).

``names`` are the classes or tags. It is one safetensors file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from helpers import UserError

if TYPE_CHECKING:
    from helpers.training.loop import Row

Inputs = Mapping[str, Any]


def save_inputs(inputs: Inputs, file: Path) -> None:
    """Write ``inputs`` to ``file``."""
    arrays = {key: value for key, value in inputs.items() if isinstance(value, np.ndarray)}
    rest = {key: value for key, value in inputs.items() if key not in arrays}
    save_file(arrays, file, {"facts": json.dumps(rest, sort_keys=True, ensure_ascii=False)})


def load_inputs(file: Path) -> dict[str, Any]:
    """Return what :func:`save_inputs` wrote.

    Raises:
        UserError: no such file, or a damaged one.
    """
    try:
        with safe_open(file, framework="np") as opened:
            arrays = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
            return arrays | json.loads(opened.metadata()["facts"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        raise UserError(f"{file} is cut short or holds no inputs of trials: delete it.") from None


def flat(parts: Sequence[Sequence[int] | np.ndarray], dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return lists one behind the other, and where each begins (n + 1).

    >>> [array.tolist() for array in flat([[5, 6], [7]], np.int32)]
    [[5, 6, 7], [0, 2, 3]]
    """
    starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    whole = [np.empty(0, dtype), *(np.asarray(part, dtype=dtype) for part in parts)]
    return np.concatenate(whole), starts


def pack_texts(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the UTF-8 bytes of all texts and where each begins."""
    return flat([np.frombuffer(text.encode(), np.uint8) for text in texts], np.uint8)


def seen_by(texts: Sequence[str], tokenizer: Any, max_length: int) -> list[str]:
    """Return what a model with so many tokens sees of each text."""
    if not texts:
        return []  # a tokenizer cannot take none
    how = {"truncation": True, "max_length": max_length}
    if not tokenizer.is_fast:
        rows = tokenizer(list(texts), **how)["input_ids"]
        return [str(tokenizer.decode(ids, skip_special_tokens=True)) for ids in rows]
    found = tokenizer(list(texts), **how, return_offsets_mapping=True)["offset_mapping"]
    ends = [max((end for _, end in offsets), default=0) for offsets in found]
    return [text[:end] for text, end in zip(texts, ends, strict=True)]


def item_texts(
    inputs: Inputs, split: str, places: Sequence[int] | np.ndarray, what: str = "text"
) -> list[str]:
    """Return the texts of some items of a split; of pairs ``what`` is "context" or "reply".

    >>> text, starts = pack_texts(["one", "两个"])
    >>> item_texts({"train.text": text, "train.text_starts": starts}, "train", [1])
    ['两个']
    """
    text, starts = inputs[f"{split}.{what}"], inputs[f"{split}.{what}_starts"]
    return [text[starts[at] : starts[at + 1]].tobytes().decode() for at in places]


def n_items(inputs: Inputs, split: str) -> int:
    """Return how many items a split has: texts, or sentences (which may have several rows)."""
    names = ("tag_starts", "text_starts", "context_starts", "starts")
    starts = next(found for name in names if (found := inputs.get(f"{split}.{name}")) is not None)
    return len(starts) - 1


def item_rows(
    inputs: Inputs, split: str, places: Sequence[int] | np.ndarray | None = None
) -> list[Row]:
    """Return the rows of some items of a split (None: of all), in the items' order."""
    ids, starts, labels = (inputs[f"{split}.{what}"] for what in ("ids", "starts", "labels"))
    n = len(starts) - 1
    order: Sequence[int] | np.ndarray = range(n)
    if places is not None:
        order = places
        if f"{split}.sentence" in inputs:
            sentence = inputs[f"{split}.sentence"]
            first, behind = (
                np.searchsorted(sentence, places, side=side) for side in ("left", "right")
            )
            order = [row for pair in zip(first, behind, strict=True) for row in range(*pair)]
    per_token = len(labels) == len(ids) and len(labels) != n
    return [
        (
            ids[starts[row] : starts[row + 1]],
            labels[starts[row] : starts[row + 1]] if per_token else labels[row],
        )
        for row in order
    ]
