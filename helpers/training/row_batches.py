"""Rows of tokens and their batches, which hold about equally many tokens, padding included.

A *row* is a pair of token ids and labels: one class for a text, or one label for each token
(-100: none).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

Row = tuple[np.ndarray, np.ndarray]
"""Token ids (t,), and labels: () for a text's class, (t,) for one a token."""

IGNORED = -100

POOL = 16
"""So many batches are drawn together and sorted by length: little padding, and still random."""


def token_batches(
    lengths: Sequence[int], budget: int, generator: np.random.Generator
) -> Iterator[list[int]]:
    """Yield the rows of each batch of one pass, at most ``budget`` tokens each, padding included.

    Rows come in random order; those that are drawn together are sorted by length before they are
    cut into batches. A row longer than the budget is a batch of its own.

    >>> batches = list(token_batches([5, 1, 9, 2], 10, np.random.default_rng(0)))
    >>> sorted(row for batch in batches for row in batch)
    [0, 1, 2, 3]
    """
    order = generator.permutation(len(lengths))
    sizes = np.asarray(lengths)[order]
    pool = max(1, int(POOL * budget / max(1.0, float(sizes.mean()))))
    for start in range(0, len(order), pool):
        drawn = order[start : start + pool]
        found: list[list[int]] = [[]]
        longest = 0
        for row in drawn[np.argsort(np.asarray(lengths)[drawn], kind="stable")]:
            longest = max(longest, lengths[row])
            if found[-1] and longest * (len(found[-1]) + 1) > budget:
                found.append([])
                longest = lengths[row]
            found[-1].append(int(row))
        for at in generator.permutation(len(found)):
            yield found[at]


def row_batches(n: int, size: int, generator: np.random.Generator) -> Iterator[list[int]]:
    """Yield the rows of each batch of one pass, ``size`` each, in random order.

    What does not fill a batch is left out of the pass, unless it is all there is.

    >>> [len(batch) for batch in row_batches(7, 3, np.random.default_rng(0))]
    [3, 3]
    """
    order = generator.permutation(n).tolist()
    for start in range(0, max(1, n - size + 1), size):
        yield order[start : start + size]


def pad(rows: Sequence[Row], device: torch.device, filler: int = 0) -> dict[str, torch.Tensor]:
    """Return ``input_ids``, ``attention_mask`` (b, t) and ``labels`` (b,) or (b, t) of rows.

    >>> batch = pad([(np.array([5, 6]), np.array(1)), (np.array([7]), np.array(0))],
    ...             torch.device("cpu"))
    >>> batch["input_ids"].tolist(), batch["labels"].tolist()
    ([[5, 6], [7, 0]], [1, 0])
    """
    longest = max(len(ids) for ids, _ in rows)
    ids = np.full((len(rows), longest), filler, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for at, (row, _) in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
    if rows[0][1].ndim:
        labels = np.full((len(rows), longest), IGNORED, dtype=np.int64)
        for at, (_, row) in enumerate(rows):
            labels[at, : len(row)] = row
    else:
        labels = np.array([int(label) for _, label in rows], dtype=np.int64)
    arrays = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def endless(rows: Sequence[Row], budget: int, seed: int) -> Iterator[list[Row]]:
    """Yield batches of rows, pass after pass, by a generator of their own."""
    generator = np.random.default_rng([seed, 2])
    lengths = [len(ids) for ids, _ in rows]
    while True:
        for batch in token_batches(lengths, budget, generator):
            yield [rows[row] for row in batch]
