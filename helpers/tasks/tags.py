"""Entities as spans of characters, as BIO tags of characters, and the best tags from scores."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from helpers import UserError, nearest

TYPES = {"PER": "nr", "LOC": "ns", "ORG": "nt", "MISC": "nz", "TIME": "t"}
"""Types of entities and their tag: persons, places, organizations, other names, times."""

DEFAULT = ("PER", "LOC", "ORG")


class Span(NamedTuple):
    """An entity of characters ``start`` to before ``end``."""

    start: int
    end: int
    type: str


def check_types(types: Sequence[str]) -> None:
    """Refuse types that are not in :data:`TYPES`, named twice, or none at all.

    >>> check_types(["PER", "XYZ"])
    Traceback (most recent call last):
    helpers.UserError: There is no entity type 'XYZ'. Known: LOC, MISC, ORG, PER, TIME.
    """
    for name in types:
        if name not in TYPES:
            raise UserError(f"There is no entity type '{name}'.{nearest(name, TYPES)}")
    if not types or len(set(types)) < len(types):
        raise UserError(f"types must name at least one entity type, each once, not {list(types)}.")


def label_names(types: Sequence[str] = DEFAULT) -> list[str]:
    """Return the BIO tags of some types, "O" first; their order numbers the classes.

    >>> label_names(["PER", "LOC"])
    ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC']
    """
    return ["O", *(f"{place}-{name}" for name in types for place in "BI")]


def to_bio(length: int, spans: Iterable[Span]) -> list[str]:
    """Return one tag a character (IOB2): B begins an entity, I goes on with it, O is outside.

    Source: Ramshaw & Marcus 1995, Text chunking using transformation-based learning.

    Raises:
        UserError: spans that overlap, are empty, or reach beyond ``length``.

    >>> to_bio(5, [Span(0, 3, "PER"), Span(3, 4, "LOC")])
    ['B-PER', 'I-PER', 'I-PER', 'B-LOC', 'O']
    """
    tags = ["O"] * length
    for start, end, name in spans:
        if not 0 <= start < end <= length:
            raise UserError(
                f"The {name} from {start} to {end} does not lie in a text of {length} characters."
            )
        if tags[start:end] != ["O"] * (end - start):
            raise UserError(f"The {name} from {start} to {end} overlaps another entity.")
        tags[start:end] = [f"B-{name}", *[f"I-{name}"] * (end - start - 1)]
    return tags


def from_bio(tags: Sequence[str]) -> list[Span]:
    """Return the entities that tags say; an I that continues nothing begins an entity.

    Raises:
        UserError: a tag that is not O, B-type or I-type.

    >>> from_bio(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [Span(start=0, end=2, type='PER'), Span(start=3, end=4, type='LOC'), Span(start=4, end=5,
    type='LOC')]
    """
    spans: list[Span] = []
    before = ""  # type of the entity that the character before lies in
    for at, tag in enumerate(tags):
        place, _, name = tag.partition("-")
        if place == "I" and name and name == before:
            spans[-1] = spans[-1]._replace(end=at + 1)
        elif place in ("B", "I") and name:
            spans.append(Span(at, at + 1, name))
        elif tag != "O":
            raise UserError(f"'{tag}' at character {at} is no BIO tag: O, B-type or I-type.")
        before = name
    return spans


def repair(tags: Sequence[str]) -> list[str]:
    """Return tags as valid IOB2: what was read as an entity begins with B.

    Tags predicted one by one may begin with I, or change the type midway; strict scoring would
    then see no entity.

    >>> repair(["O", "I-PER", "I-PER", "I-LOC"])
    ['O', 'B-PER', 'I-PER', 'B-LOC']
    """
    return to_bio(len(tags), from_bio(tags))


def best_path(scores: npt.ArrayLike, names: Sequence[str]) -> list[str]:
    """Return the valid tags with the highest sum of scores: no I without what it goes on with.

    Only the rule of IOB2 is used, no learned transition, so this is Viterbi's algorithm on a chain
    of ones and zeros (Viterbi 1967). A model that is unsure where a name begins keeps the name.

    Args:
        scores: (m, c), log-probabilities of each tag at m places, up to a constant a place (so
            logits will do); c tags ``names``.

    >>> best_path(np.log([[0.5, 0.4, 0.1], [0.1, 0.1, 0.8]]), ["O", "B-PER", "I-PER"])
    ['B-PER', 'I-PER']
    """
    scores = np.asarray(scores, dtype=float).reshape(-1, len(names))
    free = [names[i] for i in scores.argmax(axis=1)]
    if repair(free) == free:
        return free  # the best of all is valid
    within = np.array([name.startswith("I-") for name in names])
    other = np.array([[before[1:] != name[1:] for name in names] for before in names])
    barred = np.where(within & other, -np.inf, 0.0)
    total = np.where(within, -np.inf, scores[0])
    back = []
    for row in scores[1:]:
        ways = total[:, None] + barred
        back.append(ways.argmax(axis=0))
        total = ways.max(axis=0) + row
    path = [int(total.argmax())]
    for best in reversed(back):
        path.append(int(best[path[-1]]))
    return [names[at] for at in reversed(path)]
