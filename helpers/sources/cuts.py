"""Texts cut into splits without what one split shares with another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from helpers import UserError
from helpers.sources.duplicates import LeakReport, remove_leaks, words
from helpers.sources.sampling import stratified

SPLITS = ("train", "validation", "test")


def cut(
    name: str,
    texts: Sequence[str],
    labels: Sequence[str],
    published: Sequence[str],
    seed: int,
    left_out: int = 0,
) -> tuple[dict[str, NDArray], LeakReport]:
    """Return the row numbers of each split, without leaks, and what was removed.

    Args:
        name: of the texts, for messages.
        texts: all of them.
        labels: beside them.
        published: the split of each, or "all" to be cut.
        seed: of the cut.
        left_out: items without a usable text or label, which are not among these.

    Raises:
        UserError: too few different texts for three splits.

    >>> parts, _ = cut("x", list("aabbccddeeff"), list("xy" * 6), ["all"] * 12, seed=0)
    >>> [len(parts[split]) for split in SPLITS]
    [4, 1, 1]
    """
    every = np.arange(len(texts))
    kept, leaks = _cut_rows(texts, labels, published, every, seed, left_out)
    if set(published) == {"all"} and not all(len(kept[split]) for split in SPLITS):
        # Few texts that come again and again leave nothing between the splits: each is cut once.
        first = np.unique([" ".join(words(text)) for text in texts], return_index=True)[1]
        kept, leaks = _cut_rows(texts, labels, published, np.sort(first), seed, left_out)
    for split in SPLITS:
        if not len(kept[split]):
            raise UserError(
                f"{name} has too few different texts: of {len(texts)} items none is left for the "
                f"{split} split once duplicates are removed."
            )
    return kept, leaks


def _cut_rows(
    texts: Sequence[str],
    labels: Sequence[str],
    published: Sequence[str],
    chosen: NDArray,
    seed: int,
    left_out: int,
) -> tuple[dict[str, NDArray], LeakReport]:
    """Cut some of the rows; the others count as left out."""
    its = np.array(published)[chosen]
    rows = {split: chosen[its == split] for split in (*SPLITS, "all")}
    if len(rows["all"]):
        parts = stratified(labels, rows["all"], [0.1, 0.1], seed)
        rows = dict(zip(("test", "validation", "train"), parts, strict=True))
    elif not len(rows["validation"]):
        rows["validation"], rows["train"] = stratified(labels, rows["train"], [0.1], seed)
    elif not len(rows["test"]):
        rows["test"], rows["train"] = stratified(labels, rows["train"], [0.1], seed)
    others = len(texts) - len(chosen)
    splits = {split: rows[split] for split in SPLITS}
    return remove_leaks(texts, labels, splits, left_out=left_out + others)
