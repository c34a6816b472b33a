r"""Exact and near duplicates between splits: found exactly, counted, removed.

Two texts are *exact duplicates* when their words agree (case, punctuation and spacing aside),
and *near duplicates* when the sets A, B of their word 5-shingles (runs of five words) overlap by

.. math:: J(A, B) = |A \cap B| / |A \cup B| \ge 0.8

the Jaccard index, a number in [0, 1] (Broder 1997, On the resemblance and containment of
documents). Texts of fewer than five words have one shingle, all their words. A Chinese character
counts as a word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

SHINGLE = 5
THRESHOLD = 0.8
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_ROWS_AT_ONCE = 512  # bounds the memory of a product of overlaps


def words(text: str) -> list[str]:
    """Return a text's words, case folded; a text without words is its own single word.

    >>> words("Oil prices ROSE, 油价上涨!")
    ['oil', 'prices', 'rose', '油', '价', '上', '涨']
    >>> words("?!")
    ['?!']
    """
    return _WORD.findall(text.casefold()) or [text.strip()]


@dataclass(frozen=True)
class Leak:
    """One text that had a twin in another split; ``similarity`` is their Jaccard index."""

    similarity: float
    removed_from: str
    text: str
    twin_in: str
    twin: str
    same_label: bool


@dataclass(frozen=True)
class LeakReport:
    """What was found and removed; counts are of items, keys like ``"train~test"`` name pairs.

    ``exact`` and ``near`` (near without exact) count the items of the first split that have such a
    twin in the second. ``within`` counts the exact repetitions inside a split, which stay.
    ``left_out`` counts published items without a usable text or label.
    """

    before: dict[str, int]
    after: dict[str, int]
    exact: dict[str, int]
    near: dict[str, int]
    within: dict[str, int]
    other_label: int = 0
    left_out: int = 0
    examples: list[Leak] = field(default_factory=list)

    @property
    def removed(self) -> dict[str, int]:
        """How many items each split lost."""
        return {split: self.before[split] - self.after[split] for split in self.before}

    def __str__(self) -> str:
        """Return the one line that says what was removed."""
        lost = ", ".join(f"{count} from {split}" for split, count in self.removed.items() if count)
        return f"removed as duplicates across splits: {lost or 'none'}"


class Shingles:
    """The shingle sets of texts, as one binary matrix of shape (texts, shingles).

    >>> matrix = Shingles(["a b c d e f", "a b c d e f g", "x"])
    >>> matrix.binary.toarray()
    array([[1, 1, 0, 0],
           [1, 1, 1, 0],
           [0, 0, 0, 1]], dtype=int32)
    """

    def __init__(self, texts: Sequence[str], size: int = SHINGLE):
        """Number the words, then the runs of ``size`` words, of all texts."""
        known: dict[str, int] = {}
        numbered = [[known.setdefault(word, len(known)) for word in words(text)] for text in texts]
        lengths = np.array([len(each) for each in numbered], dtype=np.int64)
        # Texts are padded to at least one shingle with a number that no word has.
        padded = np.maximum(lengths, size)
        ids = np.full(padded.sum(), len(known), dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(padded)[:-1]]).astype(np.int64)
        for start, each in zip(starts, numbered, strict=True):
            ids[start : start + len(each)] = each
        row = np.repeat(np.arange(len(texts)), padded)
        # A run of k words becomes one number from the numbers of its first k-1 words and its
        # last: exact, unlike hashing.
        runs = ids
        for step in range(1, size):
            runs = runs[:-1] * (len(known) + 1) + ids[step:]
            runs = np.unique(runs, return_inverse=True)[1]
        inside = row[: len(runs)] == row[len(row) - len(runs) :]
        columns = np.unique(runs[inside], return_inverse=True)[1]
        rows = row[: len(runs)][inside]
        shape = (len(texts), int(columns.max(initial=-1)) + 1)
        counts = sparse.csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape=shape)
        counts.sum_duplicates()
        counts.data[:] = 1
        self.binary = counts
        self.sizes: NDArray[np.int64] = np.diff(counts.indptr).astype(np.int64)


def near_pairs(
    shingles: Shingles, left: NDArray, right: NDArray, threshold: float = THRESHOLD
) -> Iterator[tuple[int, int, float]]:
    """Yield (i, j, J) for each pair of a text i of ``left`` and j of ``right`` with J ≥ threshold.

    Args:
        left: row numbers of the shingle matrix; likewise ``right``.

    >>> table = Shingles(["a b c d e f", "a b c d e f g", "x"])
    >>> list(near_pairs(table, np.array([0, 2]), np.array([1]), threshold=0.5))
    [(0, 1, 0.666...)]
    """
    if not len(left) or not len(right):
        return
    ours, theirs = shingles.binary[left], shingles.binary[right]
    shared = np.flatnonzero(np.asarray(theirs.sum(axis=0)).ravel())  # others cannot overlap
    ours, theirs = ours[:, shared], theirs[:, shared].T.tocsr()
    for first in range(0, len(left), _ROWS_AT_ONCE):
        overlap = (ours[first : first + _ROWS_AT_ONCE] @ theirs).tocoo()
        i, j = left[first + overlap.row], right[overlap.col]
        similarity = overlap.data / (shingles.sizes[i] + shingles.sizes[j] - overlap.data)
        for at in np.flatnonzero(similarity >= threshold):
            yield int(i[at]), int(j[at]), float(similarity[at])


def remove_leaks(
    texts: Sequence[str],
    labels: Sequence[object],
    splits: dict[str, NDArray],
    *,
    left_out: int = 0,
    threshold: float = THRESHOLD,
    examples: int = 8,
) -> tuple[dict[str, NDArray], LeakReport]:
    """Remove what one split shares with another; the test split stays as it was published.

    Items of train and of validation with a twin in test are removed, then items of validation
    with a twin in what is left of train: training keeps as many labels as it can, and what is
    chosen on validation is chosen on unseen texts.

    Args:
        texts: all texts; ``labels`` beside them.
        splits: row numbers of "train", "validation", "test".

    Returns:
        the splits without the removed rows, and what was removed.
    """
    shingles = Shingles(texts)
    normal = [" ".join(words(text)) for text in texts]
    kept = dict(splits)
    exact: dict[str, int] = {}
    near: dict[str, int] = {}
    found: list[tuple[float, int, int, str, str]] = []
    for ours, theirs in (("train", "test"), ("validation", "test"), ("validation", "train")):
        best: dict[int, tuple[float, int]] = {}
        for i, j, similarity in near_pairs(shingles, kept[ours], kept[theirs], threshold):
            # An exact twin outranks every near one, whatever their shingles are.
            rank = 2.0 if normal[i] == normal[j] else similarity
            if rank > best.get(i, (0.0, 0))[0]:
                best[i] = (rank, j)
        pair = f"{ours}~{theirs}"
        exact[pair] = sum(rank > 1 for rank, _ in best.values())
        near[pair] = len(best) - exact[pair]
        found += [(rank, i, j, ours, theirs) for i, (rank, j) in sorted(best.items())]
        kept[ours] = np.array([i for i in kept[ours] if i not in best], dtype=np.int64)
    leaks = [
        Leak(
            min(rank, 1.0),
            ours,
            texts[i],
            theirs,
            texts[j],
            bool(labels[i] == labels[j]),
        )
        for rank, i, j, ours, theirs in sorted(found, key=lambda leak: (leak[0], leak[1]))
    ]
    # From the least alike to the most: those at the threshold show what it means.
    shown = np.unique(np.linspace(0, len(leaks) - 1, min(examples, len(leaks))).astype(int))
    return kept, LeakReport(
        before={split: len(rows) for split, rows in splits.items()},
        after={split: len(rows) for split, rows in kept.items()},
        exact=exact,
        near=near,
        within={split: len(rows) - len({normal[i] for i in rows}) for split, rows in kept.items()},
        other_label=sum(not leak.same_label for leak in leaks),
        left_out=left_out,
        examples=[leaks[i] for i in shown],
    )
