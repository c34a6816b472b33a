"""Domains: one labelled task in two or more surroundings, for transfer between them.

Every domain is a corpus with the same classes in the same order. What a split of one domain shares
with a test or validation split of any domain has been removed, as within one corpus.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from numpy.typing import NDArray

from helpers import UserError, nearest
from helpers.sources import readers
from helpers.sources.corpora import SPLITS, Corpus, load_texts
from helpers.sources.duplicates import remove_leaks
from helpers.sources.newsgroups import NEWSGROUP_GRID, NEWSGROUP_PAIRS
from helpers.sources.sampling import stratified

OUTLET_SECTIONS = {
    "abcnews.go.com": {"politics": "politics", "world": "international"},
    "bbc.co.uk": {
        "politics": "uk-politics uk-scotland-scotland-politics",
        "world": (
            "world world-africa world-asia world-asia-china world-asia-india world-australia "
            "world-europe world-latin-america world-middle-east world-us-canada"
        ),
    },
    "cnn.com": {
        "politics": "politics",
        "world": "africa americas asia china europe middleeast world",
    },
    "tass.com": {"politics": "politics", "world": "world"},
}
"""News outlets with enough of both: sections, as their links name them, of politics at home and of
the rest of the world."""


@dataclass(frozen=True)
class DomainCorpora:
    """A task with its domains.

    Attributes:
        name: of the task.
        corpora: a corpus of each domain; all have the classes of the first, in its order.
        notes: what was left out to get there, one sentence each.
    """

    name: str
    corpora: Mapping[str, Corpus]
    notes: tuple[str, ...] = ()

    @property
    def label_names(self) -> list[str]:
        """The classes that all domains have."""
        return next(iter(self.corpora.values())).label_names


def newsgroup_domains(name: str) -> DomainCorpora:
    """Return a transfer task of 20 Newsgroups: all domains have the same top classes.

    Each class is made of *different* groups in each domain. Splits are those of the corpus, by
    date, with its duplicates removed.

    Args:
        name: a key of :data:`NEWSGROUP_PAIRS` for two classes and the domains "source" and
            "target"; "grid" for the four of :data:`NEWSGROUP_GRID`.

    Raises:
        UserError: an unknown name.

    >>> newsgroup_domains("rec-sci").label_names, len(newsgroup_domains("grid").corpora)
    (['rec', 'sci'], 4)
    """
    if name != "grid" and name not in NEWSGROUP_PAIRS:
        known = [*NEWSGROUP_PAIRS, "grid"]
        raise UserError(f"There is no newsgroup task '{name}'.{nearest(name, known)}")
    corpus = load_texts("20newsgroups")
    groups_of = NEWSGROUP_GRID
    if name != "grid":
        groups_of = dict(zip(("source", "target"), NEWSGROUP_PAIRS[name], strict=True))
    classes = sorted(
        {group.split(".")[0] for groups in groups_of.values() for group in groups.split()}
    )
    corpora = {}
    for domain, groups in groups_of.items():
        number = {
            corpus.label_names.index(group): classes.index(group.split(".")[0])
            for group in groups.split()
        }
        splits = {}
        for split in SPLITS:
            labels = np.array(corpus.splits[split]["label"][:])
            rows = np.flatnonzero(np.isin(labels, list(number)))
            texts = corpus.splits[split].select(rows)["text"]
            splits[split] = _dataset(list(texts), [number[i] for i in labels[rows]], classes)
        corpora[domain] = _corpus(corpus, f"{name}: {domain}", splits)
    return DomainCorpora(f"20 Newsgroups, {name}", corpora)


def outlet_domains(seed: int = 0) -> DomainCorpora:
    """Return news articles of four outlets, :data:`OUTLET_SECTIONS`: politics, or the world.

    Of an outlet's articles 40 % are for the test and 10 % for validation.

    >>> outlet_domains().label_names, len(outlet_domains().corpora)
    (['politics', 'world'], 4)
    """
    by_outlet, by_section = (
        load_texts("newsarticles", label_column=field) for field in ("outlet", "section")
    )
    outlet_of, section_of = _labels(by_outlet), _labels(by_section)
    found: list[tuple[str, str, str]] = []
    for text, section in sorted(section_of.items()):
        outlet = outlet_of.get(text, "")
        for label, sections in OUTLET_SECTIONS.get(outlet, {}).items():
            if section in sections.split():
                found.append((text, label, outlet))
    texts, labels, domains = map(list, zip(*found, strict=True))
    return _cut("News outlets", by_outlet, texts, labels, domains, (0.4, 0.1), seed)


def file_domains(
    path: Path | str,
    domain_column: str = "domain",
    *,
    text_column: str = "text",
    label_column: str = "label",
    seed: int = 0,
) -> DomainCorpora:
    """Return the domains of a labelled file with a column that names them.

    Every domain is cut 80/10/10, stratified by label; classes that some domain does not have are
    left out, with a note.

    Raises:
        UserError: what :func:`helpers.sources.readers.columns` refuses; one domain only; fewer than
            two classes that all domains have; a domain too small to be cut.
    """
    rows = readers.read_file(Path(path))
    texts, labels = readers.columns(rows, text_column, label_column)
    domains = readers.values_of(rows, domain_column, "domain")
    return domains_of(Path(path).name, texts, labels or [], domains, seed)


def domains_of(
    name: str,
    texts: list[str],
    labels: list[str],
    domains: list[str],
    seed: int = 0,
    test_share: float = 0.1,
) -> DomainCorpora:
    """Return labelled texts by their domains, as :func:`file_domains` does a file's."""
    if len(set(domains)) < 2:
        raise UserError(
            f"All {len(texts)} items of {name} have the domain '{domains[0]}'; at least two "
            "domains are needed."
        )
    return _cut(name, None, texts, labels, domains, (test_share, 0.1), seed)


def load_domains(name_or_path: Path | str) -> DomainCorpora:
    """Return a newsgroup task by its name, "outlets", or the domains of a labelled file.

    A file has the columns text, label and domain; see :func:`file_domains` for others.

    Raises:
        UserError: neither a name nor a file, and what the others refuse.

    >>> load_domains("outlet")
    Traceback (most recent call last):
    helpers.UserError: There are no domains 'outlet', and no such file. Did you mean 'outlets'?
    """
    name = str(name_or_path)
    if name == "outlets":
        return outlet_domains()
    if name == "grid" or name in NEWSGROUP_PAIRS:
        return newsgroup_domains(name)
    if not Path(name).exists():
        known = [*NEWSGROUP_PAIRS, "grid", "outlets"]
        raise UserError(f"There are no domains '{name}', and no such file.{nearest(name, known)}")
    return file_domains(name)


def _labels(corpus: Corpus) -> dict[str, str]:
    return {
        text: corpus.label_names[label]
        for rows in corpus.splits.values()
        for text, label in zip(rows["text"][:], rows["label"][:], strict=True)
    }


def _cut(
    name: str, like: Corpus | None, texts: list[str], labels: list[str], domains: list[str],
    shares: tuple[float, float], seed: int,
) -> DomainCorpora:  # fmt: skip
    """Cut every domain into test, validation (their ``shares``) and train, without leaks."""
    names = sorted(set(domains))
    of_domain = {
        name: {label for label, domain in zip(labels, domains, strict=True) if domain == name}
        for name in names
    }
    shared = sorted(set.intersection(*of_domain.values()))
    if len(shared) < 2:
        listed = "; ".join(f"{name}: {', '.join(sorted(of_domain[name])[:5])}" for name in names)
        raise UserError(
            f"The domains of {name} have {len(shared)} classes in common, and two are "
            f"needed ({listed})."
        )
    cut: dict[str, dict[str, NDArray]] = {}
    for domain in names:
        of = [i for i, d in enumerate(domains) if d == domain and labels[i] in shared]
        parts = stratified(labels, np.array(of), list(shares), seed)
        cut[domain] = dict(zip(("test", "validation", "train"), parts, strict=True))
    whole = {split: np.concatenate([cut[domain][split] for domain in names]) for split in SPLITS}
    kept, leaks = remove_leaks(texts, labels, whole)
    left = {split: set(rows.tolist()) for split, rows in kept.items()}
    start = like or Corpus("", datasets.DatasetDict(), leaks, "", {}, "", "yours")
    start = dataclasses.replace(start, leaks=leaks)
    corpora = {}
    for domain in names:
        splits = {}
        for split in SPLITS:
            rows = [i for i in cut[domain][split].tolist() if i in left[split]]
            if not rows:
                raise UserError(
                    f"Domain '{domain}' of {name} has too few different texts: none is left "
                    f"for its {split} split."
                )
            numbers = [shared.index(labels[i]) for i in rows]
            splits[split] = _dataset([texts[i] for i in rows], numbers, shared)
        corpora[domain] = _corpus(start, f"{name}: {domain}", splits)
    lost = sorted(set(labels) - set(shared))
    notes = (f"Left out, as not every domain has them: {', '.join(lost)}.",) if lost else ()
    return DomainCorpora(name, corpora, notes)


def _dataset(texts: list[str], labels: list[int], names: list[str]) -> datasets.Dataset:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)}
    )
    return datasets.Dataset.from_dict({"text": texts, "label": labels}, features)


def _corpus(like: Corpus, name: str, splits: dict[str, datasets.Dataset]) -> Corpus:
    fingerprints = {}
    for split, rows in splits.items():
        digest = hashlib.sha256()
        for text, label in zip(rows["text"][:], rows["label"][:], strict=True):
            digest.update(f"{label}\t{text}\n".encode())
        fingerprints[split] = digest.hexdigest()
    whole = hashlib.sha256("".join(fingerprints.values()).encode()).hexdigest()
    return dataclasses.replace(
        like,
        name=name,
        splits=datasets.DatasetDict(splits),
        fingerprint=whole,
        fingerprints=fingerprints,
    )
