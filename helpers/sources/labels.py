"""Items of a corpus by their label: one outlet alone, or all the others; labels exchanged."""

import datasets
import numpy as np

from helpers import UserError, nearest
from helpers.sources.corpora import Corpus


def without_label(corpus: Corpus, part: datasets.Dataset, label: str) -> datasets.Dataset:
    """Return ``part`` of a corpus without the items of one label, an outlet say.

    Raises:
        UserError: the corpus has no such label.
    """
    return part.select(np.flatnonzero(np.array(part["label"][:]) != _number(corpus, label)))


def with_label(corpus: Corpus, part: datasets.Dataset, label: str) -> datasets.Dataset:
    """Return the items of ``part`` that have one label.

    Raises:
        UserError: the corpus has no such label.
    """
    return part.select(np.flatnonzero(np.array(part["label"][:]) == _number(corpus, label)))


def _number(corpus: Corpus, label: str) -> int:
    if label not in corpus.label_names:
        raise UserError(
            f"There is no label '{label}' in {corpus.name}.{nearest(label, corpus.label_names)}"
        )
    return corpus.label_names.index(label)
