"""A user's labelled texts, examined and cut: a file, a name of the catalogue, or a hub id."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from helpers import ROOT, UserError, nearest
from helpers.base.doors import door
from helpers.sources import catalog, hub, readers
from helpers.sources.classes import spellings
from helpers.sources.columns import LABEL
from helpers.sources.corpora import Corpus, from_rows, load_texts
from helpers.sources.domains import DomainCorpora, domains_of
from helpers.sources.health import Health, examine
from helpers.sources.sampling import stratified

SMALL = 2000
"""Rows below which more than a tenth is kept for the test."""


@dataclass(frozen=True)
class Yours:
    """What was brought.

    Attributes:
        corpus: train, validation and test, without texts that are in two of them.
        health: of all rows, also those that are not used.
        domains: by the domain column; None without one.
        used: rows that were drawn for the corpus.
    """

    corpus: Corpus
    health: Health
    domains: DomainCorpora | None
    used: int


def load_yours(
    train_file: str,
    text_column: str = "text",
    label_column: str = "label",
    *,
    test_file: str = "",
    domain_column: str = "",
    most: int = 20_000,
    seed: int = 0,
) -> Yours:
    """Read, examine, draw at most ``most`` rows, cut and clean.

    All rows are read and examined; what comes after that (near duplicates, models) takes a draw of
    them with the classes' shares. Of a catalogue name or hub id the splits stay as published.

    Args:
        train_file: a file (see :mod:`helpers.sources.readers`), also from the project's root; or a
            catalogue name or hub id of labelled texts.
        text_column: of a file or hub data set; several, with a blank between, are joined.
        label_column: likewise.
        test_file: a labelled file to be scored on; without it a tenth of the rows is, and of fewer
            than :data:`SMALL` rows 30 %.
        domain_column: of a file; its values are the domains.
        most: rows used, at least 40.
        seed: of the draw and the cuts.

    Raises:
        UserError: what the readers refuse; fewer than 40 rows; a label column that looks like
            texts or numbers of rows.

    >>> found = load_yours("data/sample/messages.csv", domain_column="domain")
    >>> found.health.items, found.health.repeated >= 6, list(found.domains.corpora)
    (422, True, ['library', 'shop'])
    """
    path = find_file(train_file)
    if path is None:
        if domain_column or test_file:
            raise UserError(
                f"A domain column or test file needs a file, which {train_file} is not."
            )
        corpus = load_texts(train_file, text_column=text_column, label_column=label_column)
        return _of_corpus(corpus, most, seed)
    read = readers.read_file(path)
    texts, found = readers.columns(read, text_column, label_column)
    labels = found or []
    chosen_columns = readers.choose_columns(read, text_column, label_column)
    column = chosen_columns.label or label_column
    _look_like_classes(labels, column, path.name)
    named = shlex.quote(train_file) + ("" if column == LABEL else f" --label {shlex.quote(column)}")
    health = replace(examine(texts, labels), source=named, notes=chosen_columns.notes)
    chosen = np.arange(len(texts))
    if len(texts) > most:
        chosen = stratified(labels, chosen, [most / len(texts)], seed)[0]
    name = path.name
    drawn, answers = [texts[i] for i in chosen], [labels[i] for i in chosen]
    # Of a small file a tenth would be too few texts to tell anything by.
    test_share = 0.3 if len(chosen) < SMALL else 0.1
    domains = None
    if domain_column:
        values = readers.values_of(read, domain_column, "domain")
        its = [values[i] for i in chosen]
        domains = domains_of(name, drawn, answers, its, seed, test_share)
    published = np.full(len(chosen), "train", dtype=object)
    parts = stratified(answers, np.arange(len(chosen)), [0.1, test_share], seed)
    published[parts[0]] = "validation"
    if test_file:
        test = find_file(test_file)
        if test is None:
            raise UserError(f"There is no file {test_file}.")
        more, truth = readers.columns(readers.read_file(test), text_column, label_column)
        strange = sorted(set(truth or []) - set(labels))
        if strange:
            alike = spellings([strange[0], *set(labels)])
            hint = f" It has '{next(x for x in alike[0] if x != strange[0])}'." if alike else ""
            raise UserError(
                f"{test.name} has a label '{strange[0]}' that {name} does not have.{hint}"
            )
        published = np.append(published, ["test"] * len(more))
        drawn, answers = drawn + more, answers + (truth or [])
    else:
        published[parts[1]] = "test"
    corpus = from_rows(name, drawn, answers, published.tolist(), seed)
    return Yours(corpus, health, domains, len(chosen))


def _of_corpus(corpus: Corpus, most: int, seed: int) -> Yours:
    """Examine a corpus that is cut already; of each of its splits the same share is used."""
    texts, labels, published = [], [], []
    for split, part in corpus.splits.items():
        texts += part["text"]
        labels += [corpus.label_names[n] for n in part["label"][:]]
        published += [split] * len(part)
    health = examine(texts, labels)
    if len(texts) <= most:
        return Yours(corpus, health, None, len(texts))
    where, share = np.array(published), most / len(texts)
    kept = [
        stratified(labels, np.flatnonzero(where == split), [share], seed)[0]
        for split in corpus.splits
    ]
    chosen = np.concatenate(kept)
    drawn, answers, of = ([column[i] for i in chosen] for column in (texts, labels, published))
    fewer = from_rows(corpus.name, drawn, answers, of, seed)
    return Yours(replace(fewer, citation=corpus.citation), health, None, len(chosen))


def load_unlabelled(file: str, text_column: str = "text") -> list[str]:
    """Return the texts of a file, in its order.

    Raises:
        UserError: what the readers refuse.

    >>> len(load_unlabelled("data/sample/unlabelled.csv"))
    24
    """
    path = find_file(file)
    if path is None:
        raise UserError(f"Unlabelled texts come from a file, which {file} is not.")
    return readers.columns(readers.read_file(path), text_column, None)[0]


def find_file(name: str) -> Path | None:
    """Return the file that a name stands for, from here or from the project's root, if any.

    Raises:
        UserError: it looks like a file's name, and there is no such file.

    >>> find_file("data/sample/messages.csv").name, find_file("reuters-r8")
    ('messages.csv', None)
    """
    path = Path(name).expanduser()
    for place in (path, ROOT / path):
        if place.exists():
            return place
    if name in catalog.load_catalog().texts or (hub.is_id(name) and not readers.suffix_of(path)):
        return None
    hint = nearest(name, catalog.load_catalog().texts)
    address = readers.address_hint(name)
    raise UserError(f"There is no file {name}.{address or (hint if 'Did' in hint else '')}")


def _look_like_classes(labels: list[str], column: str, where: str) -> None:
    if len(labels) < 40:
        raise UserError(
            f"{where} has {len(labels)} labelled rows; with fewer than 40 nothing can be measured."
        )
    if len(set(labels)) > len(labels) / 2:
        raise UserError(
            f"The label column '{column}' of {where} has {len(set(labels)):,} different values in "
            f"{len(labels):,} rows; a class needs several texts. Does it hold texts or numbers of "
            f"rows? {door().classes}."
        )
