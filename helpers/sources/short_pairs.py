"""Pairs of a corpus that are short, by a measure that no tokenizer has a say in."""

from dataclasses import replace

import datasets

from helpers import UserError
from helpers.sources import catalog
from helpers.sources.parallel import ParallelCorpus


def short_pairs(corpus: ParallelCorpus, most_bytes: int) -> ParallelCorpus:
    """Return the pairs whose two sides have at most so many bytes of UTF-8 together.

    A tokenizer that spells text in bytes makes at most one token of a byte, so rows of such pairs
    have a known length whatever the model, and every system is scored on the same pairs. The
    splits stay as they are cut; the fingerprints are those of what is kept.

    Args:
        corpus: pairs in three splits.
        most_bytes: of source and target together.

    Raises:
        UserError: a split has no pair that is so short.

    >>> from helpers.sources.parallel import load_pairs
    >>> whole = load_pairs("django-zh")
    >>> short = short_pairs(whole, 60)
    >>> len(short.splits["test"]) < len(whole.splits["test"])
    True
    """
    splits = datasets.DatasetDict()
    for split, items in corpus.splits.items():
        pairs = zip(items["source"][:], items["target"][:], strict=True)
        kept = [
            at
            for at, (source, target) in enumerate(pairs)
            if len((source + target).encode()) <= most_bytes
        ]
        if not kept:
            raise UserError(
                f"{corpus.name} has no pair of at most {most_bytes} bytes in its {split} split: "
                "its messages are too long."
            )
        splits[split] = items.select(kept)
    prints = {
        split: catalog.fingerprint({name: list(items[name]) for name in items.column_names})
        for split, items in splits.items()
    }
    return replace(
        corpus, splits=splits, fingerprint=catalog.fingerprint(prints), fingerprints=prints
    )
