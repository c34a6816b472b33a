"""Texts with fixed splits: from the catalogue, from a file, from a folder, or from the hub.

:func:`load_texts` splits first and then removes what one split shares with another
(:mod:`helpers.sources.duplicates`). A published test split stays as it was published; validation
is a tenth of train. What has no splits is cut 80/10/10, stratified by label, by the seed alone.
Results are kept in the cache, so only the first call is slow.
"""

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from numpy.typing import NDArray

from helpers import UserError, nearest
from helpers.sources import catalog, formats, hub, readers, saved
from helpers.sources.cuts import SPLITS, cut
from helpers.sources.duplicates import Leak, LeakReport
from helpers.sources.sampling import by_date, draw

__all__ = ["SPLITS", "Corpus", "draw", "from_rows", "load_texts"]

_VERSION = 1  # raise it when reading, splitting or removing changes: cached results then expire


@dataclass(frozen=True)
class Corpus:
    """Texts in three splits; features ``text`` (string) and, unless unlabelled, ``label``.

    ``fingerprint`` is the SHA-256 of everything in the splits, in order; ``fingerprints`` has one
    for each split.
    """

    name: str
    splits: datasets.DatasetDict
    leaks: LeakReport
    fingerprint: str
    fingerprints: dict[str, str]
    citation: str
    licence: str

    @property
    def label_names(self) -> list[str]:
        """The classes' names, in the order of their numbers; empty without labels."""
        features = self.splits["train"].features
        return list(features["label"].names) if "label" in features else []


@dataclass(frozen=True)
class _Source:
    """What a reader found: texts of all splits, and which split each was published in."""

    name: str
    texts: Sequence[str]
    labels: Sequence[str] | None
    published: Sequence[str]  # "train", "validation", "test" or, to be cut, "all"
    citation: str
    licence: str
    left_out: int = 0


def load_texts(
    name_or_path: str | Path,
    *,
    text_column: str = "text",
    label_column: str | None = "label",
    seed: int = 0,
) -> Corpus:
    """Return the texts of a catalogue name, a file, a folder of splits, or a hub id.

    Args:
        name_or_path: a key of ``texts`` in the catalogue; a file (see
            :mod:`helpers.sources.readers`); a folder with ``train.*`` and perhaps ``validation.*``
            and ``test.*`` files, or what ``datasets`` saved to disk; a hub id ``owner/name``.
        label_column: None for texts without labels. For a catalogue text "label" is its own label;
            another of its ``fields`` may be named (items without it are left out).
        seed: decides the cuts, nothing else.

    Raises:
        UserError: whatever is wrong with the source, in one sentence.

    >>> load_texts("reuters-r9")
    Traceback (most recent call last):
    helpers.UserError: There are no texts 'reuters-r9' in the catalogue, and no such file. Did you
    mean 'reuters-r8'? (A hub id is written owner/name.)
    """
    name = str(name_or_path)
    known = catalog.load_catalog().texts
    if name in known:
        entry = known[name]
        key: list[Any] = [catalog.load_catalog().packages[entry.package].sha256]
        key.append(entry.model_dump())
        return _cached(name, key, text_column, label_column, seed)
    path = Path(name).expanduser()
    found = saved.from_disk(path)
    if found is not None:
        source = _from_splits(path.name, found, text_column, label_column)
        source = dataclasses.replace(source, citation="", licence="yours")
        return _corpus(source, *_cut(source, seed))
    if path.exists() or readers.suffix_of(path) or not hub.is_id(name):
        files = _files(path, name, known)
        there = [[split, catalog.sha256(file)] for split, file in files.items() if file.is_file()]
        key = [readers.VERSION, there]
        return _cached(name, key, text_column, label_column, seed, files)
    # What a hub id stands for may change, so its rows are read each time.
    source = _from_splits(name, hub.load_dataset(name), text_column, label_column)
    return _corpus(source, *_cut(source, seed))


def from_rows(
    name: str,
    texts: Sequence[str],
    labels: Sequence[str] | None,
    published: Sequence[str],
    seed: int = 0,
) -> Corpus:
    """Return a corpus of texts in memory; ``published``: a text's split, or "all" to be cut."""
    source = _Source(name, texts, labels, published, "", "yours")
    return _corpus(source, *_cut(source, seed))


def _files(path: Path, name: str, known: dict[str, Any]) -> dict[str, Path]:
    """Return the files to read, by split."""
    if path.is_dir():
        files = {
            split: file
            for split in SPLITS
            for file in sorted(path.iterdir())
            if file.name.split(".")[0] == split and readers.suffix_of(file)
        }
        if "train" not in files:
            raise UserError(
                f"{path} is a folder without a train file: name a file of texts, or put "
                f"train.* (and test.*) there, ending with one of {readers.endings()}."
            )
        if "test" not in files and "validation" not in files:
            files = {"all": files["train"]}
        return files
    if not path.exists() and re.fullmatch(r"[\w-]+", name):
        raise UserError(
            f"There are no texts '{name}' in the catalogue, and no such file."
            f"{nearest(name, known)} (A hub id is written owner/name.)"
        )
    return {"all": path}


_READERS = {
    "orange": formats.read_orange,
    "newsarticles": formats.read_newsarticles,
    "peoples_daily": formats.read_peoples_daily,
    "lines": formats.read_lines,
}


def _from_catalog(name: str, text_column: str, label_column: str | None) -> _Source:
    entry = catalog.load_catalog().texts[name]
    label_column = entry.label if label_column == "label" else label_column
    for column in (text_column, label_column):
        if column is not None and column not in entry.fields:
            raise UserError(f"{name} has no field '{column}'.{nearest(column, entry.fields)}")
    folder = catalog.fetch(entry.package)
    read = _READERS[entry.reader]
    rows = [(split, row) for split, file in entry.paths() for row in read(folder / file)]
    # A text without a letter ("-1", "- -") is what a broken page left behind.
    good = [
        (split, row)
        for split, row in rows
        if any(map(str.isalpha, row[text_column])) and (not label_column or row[label_column])
    ]
    return _Source(
        name=name,
        texts=[row[text_column] for _, row in good],
        labels=[row[label_column] for _, row in good] if label_column else None,
        published=by_date(len(good)) if entry.cut == "by_date" else [split for split, _ in good],
        citation=entry.citation,
        licence=entry.licence,
        left_out=len(rows) - len(good),
    )


def _from_files(
    name: str, files: dict[str, Path], text_column: str, label_column: str | None
) -> _Source:
    texts: list[str] = []
    labels: list[str] = []
    published: list[str] = []
    for split, file in files.items():
        found, classes = readers.columns(readers.read_file(file), text_column, label_column)
        texts += found
        labels += classes or []
        published += [split] * len(found)
    return _Source(name, texts, labels if label_column else None, published, "", "yours")


def _from_splits(
    name: str, found: datasets.DatasetDict, text_column: str, label_column: str | None
) -> _Source:
    texts, labels, published = saved.read_splits(name, found, text_column, label_column)
    about = next(iter(found.values())).info
    licence = about.license or "see its page on the hub"
    citation = about.citation or f"{name}, Hugging Face Hub."
    return _Source(name, texts, labels, published, citation, licence)


def _cut(source: _Source, seed: int) -> tuple[dict[str, NDArray], LeakReport]:
    labels = source.labels if source.labels is not None else [""] * len(source.texts)
    return cut(source.name, source.texts, labels, source.published, seed, source.left_out)


def _corpus(source: _Source, kept: dict[str, NDArray], leaks: LeakReport) -> Corpus:
    features: dict[str, Any] = {"text": datasets.Value("string")}
    number: dict[str, int] = {}
    if source.labels is not None:
        # "2" comes before "10", words come in alphabetical order.
        names = sorted(set(source.labels), key=lambda n: (not n.isdigit(), len(n) * n.isdigit(), n))
        number = {name: i for i, name in enumerate(names)}
        features["label"] = datasets.ClassLabel(names=names)
    splits = datasets.DatasetDict()
    fingerprints = {}
    for split in SPLITS:
        columns: dict[str, list] = {"text": [source.texts[row] for row in kept[split]]}
        if source.labels is not None:
            columns["label"] = [number[source.labels[row]] for row in kept[split]]
        splits[split] = datasets.Dataset.from_dict(columns, datasets.Features(features))
        fingerprints[split] = catalog.fingerprint([columns, list(number)])
    return Corpus(
        source.name,
        splits,
        leaks,
        catalog.fingerprint(fingerprints),
        fingerprints,
        source.citation,
        source.licence,
    )


def _cached(
    name: str,
    key: list,
    text_column: str,
    label_column: str | None,
    seed: int,
    files: dict[str, Path] | None = None,
) -> Corpus:
    """Return the corpus from the cache, or read, cut and clean it and put it there."""
    digest = catalog.fingerprint([_VERSION, key, text_column, label_column, seed])
    stem = re.sub(r"[^\w-]+", "-", Path(name).name)[:40]
    folder = catalog.CACHE / "texts" / f"{stem}-{digest[:16]}"
    found = _restore(folder, name)
    if found:
        return found
    if files is None:
        source = _from_catalog(name, text_column, label_column)
    else:
        source = _from_files(name, files, text_column, label_column)
    corpus = _corpus(source, *_cut(source, seed))
    with catalog.disk_errors(catalog.CACHE), catalog.locked(folder) as temporary, _no_bars():
        corpus.splits.save_to_disk(temporary / "corpus")
        facts = dataclasses.asdict(dataclasses.replace(corpus, splits=None))
        (temporary / "corpus" / "corpus.json").write_text(json.dumps(facts), encoding="utf-8")
        if not folder.exists():
            catalog.install(temporary / "corpus", folder)
    # Read back, so that the first call and later ones give the same, memory-mapped object.
    return _restore(folder, name) or corpus


def _restore(folder: Path, name: str) -> Corpus | None:
    if not folder.exists():
        return None
    try:
        facts = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        splits = datasets.load_from_disk(folder)
    except (OSError, ValueError):  # damaged: make it anew
        shutil.rmtree(folder, ignore_errors=True)
        return None
    leaks = facts.pop("leaks")
    leaks["examples"] = [Leak(**each) for each in leaks["examples"]]
    facts |= {"name": name, "splits": splits, "leaks": LeakReport(**leaks)}
    return Corpus(**facts)


@contextmanager
def _no_bars() -> Iterator[None]:
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
