"""What is the matter with labelled texts, before anything is trained on them."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.sources import classes

_LOOKED_AT = 2000


@dataclass(frozen=True)
class Health:
    """What an examination found.

    Attributes:
        items: labelled texts.
        repeated: texts that stood before already, but for case and spaces.
        disagreeing: texts that stand with more than one label, each time counted.
        classes: items of each label, the most frequent first.
        characters: of a text: smallest, median, 95th percentile, largest.
        scripts: share of each script among the letters ("LATIN", "CJK", …), of up to 2,000 texts.
        source: the file, as a command that mends it would name it; "" for texts of no file.
        notes: what reading them left out or took for something, a sentence each.
    """

    items: int
    repeated: int
    disagreeing: int
    classes: dict[str, int]
    characters: tuple[int, int, int, int]
    scripts: dict[str, float]
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def imbalance(self) -> float:
        """How many times more items the most frequent label has than the rarest, [1, inf)."""
        return max(self.classes.values()) / min(self.classes.values())

    def warnings(self) -> list[str]:
        """Return what a practitioner should look at, one sentence each."""
        found = [*self.notes, *self._strange_labels()]
        if self.repeated:
            found.append(
                f"{self.repeated:,} of {self.items:,} texts repeat another one; repetitions across "
                "splits are removed."
            )
        if self.disagreeing:
            found.append(f"{self.disagreeing:,} texts stand with more than one label.")
        rare = [label for label, n in self.classes.items() if n < 10]
        if rare:
            found.append(
                f"{len(rare)} of {len(self.classes)} labels have fewer than 10 items "
                f"({', '.join(rare[:3])}{', …' if len(rare) > 3 else ''}): of these little can be "
                "said."
            )
        if self.imbalance > 10:
            found.append(
                f"The most frequent label has {self.imbalance:.0f} times the items of the rarest: "
                "read macro F1 beside accuracy."
            )
        return found

    def _strange_labels(self) -> list[str]:
        """Return a sentence on classes in several spellings, and one on several classes a cell."""
        found = []
        spelled = classes.spellings(Counter(self.classes))
        if spelled:
            extra = sum(len(group) - 1 for group in spelled)
            shown = "; ".join(
                ", ".join(f"'{label}'" for label in group[:4]) for group in spelled[:3]
            )
            mend = f": `python -m helpers fold {self.source}` makes" if self.source else "; make"
            found.append(
                f"{len(self.classes)} labels may be {len(self.classes) - extra} classes, some of "
                f"them written in several ways ({shown}){mend} each class one."
            )
        combined = classes.several(self.classes)
        if combined:
            mark, parts = combined
            shown = ", ".join(parts[:4]) + (", …" if len(parts) > 4 else "")
            found.append(
                f"It looks like several labels a text: {len(self.classes)} labels are combinations "
                f"of {len(parts)} ({shown}) with '{mark}' between; here each combination counts as "
                "a class of its own, so keep one label a text, or ask yes or no of each in a "
                "column of its own."
            )
        return found


def examine(texts: Sequence[str], labels: Sequence[str]) -> Health:
    """Examine labelled texts, in time and memory that grow with their number.

    >>> found = examine(["Good book", "good  book", "坏书", "fine"], ["a", "b", "b", "a"])
    >>> found.repeated, found.disagreeing, found.classes
    (1, 2, {'a': 2, 'b': 2})
    >>> {name: round(share, 2) for name, share in found.scripts.items()}
    {'LATIN': 0.91, 'CJK': 0.09}
    """
    keys = [hash(" ".join(text.casefold().split())) for text in texts]
    labels_of: dict[int, str | None] = {}
    for key, label in zip(keys, labels, strict=True):
        if labels_of.setdefault(key, label) != label:
            labels_of[key] = None  # more than one
    lengths = np.array([len(text) for text in texts])
    spread = np.quantile(lengths, [0, 0.5, 0.95, 1], method="nearest").astype(int)
    return Health(
        items=len(texts),
        repeated=len(texts) - len(labels_of),
        disagreeing=sum(labels_of[key] is None for key in keys),
        classes=dict(Counter(labels).most_common()),
        characters=(int(spread[0]), int(spread[1]), int(spread[2]), int(spread[3])),
        scripts=_scripts(texts[:: max(1, len(texts) // _LOOKED_AT)][:_LOOKED_AT]),
    )


def _scripts(texts: Sequence[str]) -> dict[str, float]:
    letters = Counter(char for text in texts for char in text if char.isalpha())
    found: Counter[str] = Counter()
    for char, n in letters.items():
        found[unicodedata.name(char, "OTHER").split()[0]] += n
    return {script: n / letters.total() for script, n in found.most_common(5)}
