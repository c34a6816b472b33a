r"""Questions and their replies out of conversations, in three splits.

:func:`load_dialogues` reads what ``data/catalog.yaml`` lists under ``dialogues``, or the user's own
file, takes of each conversation the pairs of a turn and the turn after it, and

1. keeps one pair of each question, the first (case, punctuation and spaces aside), and counts the
   rest;
2. puts near duplicate questions into one group (:func:`helpers.sources.parallel.near_groups`) and
   deals the *groups* 60/20/20 to the splits. Replies may recur across splits; questions may not.

A question to the bot has several good answers, written as further turns (``chatterbot``): there
only the first two turns are a pair. In a play every turn answers the one before (``friends``); its
groups are the episodes, and no near duplicates are looked for. Of people who chat (``chitchat``)
the groups are the conversations; of each at most two pairs are kept, drawn at random (there are
eighteen on average, on one subject), and questions with a near duplicate in another split are
removed.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import datasets
import numpy as np
import yaml
from numpy.typing import NDArray

from helpers import UserError, nearest
from helpers.sources import catalog, readers
from helpers.sources.duplicates import remove_leaks, words
from helpers.sources.messages import one_line
from helpers.sources.parallel import SPLITS, cut_groups, near_groups

HELD_OUT = 0.2  # of the pairs, for test and for validation
MOST = 2  # pairs of one conversation among people who chat
BY_ORIGIN = ("chitchat", "friends")  # read so that a conversation, or an episode, stays whole
_COLUMNS = ("source", "target", "origin")


@dataclass(frozen=True)
class Turns:
    """A question and the reply to it; ``origin`` is the category or the episode."""

    source: str
    target: str
    origin: str


@dataclass(frozen=True)
class DialogueCorpus:
    """Pairs in three splits; columns ``source`` (question), ``target`` (reply) and ``origin``.

    ``read`` counts the pairs in the files and ``repeated`` those left out since their question had
    been there; ``apart`` those left out as held-out questions of another corpus. ``groups`` counts
    the groups that were dealt, ``unused`` the pairs of a conversation beyond those kept and
    ``near`` the near duplicates removed; ``by_origin`` says that the groups are the origins.
    ``fingerprint`` is the SHA-256 of the splits, in order.
    """

    name: str
    splits: datasets.DatasetDict
    read: int
    repeated: int
    apart: int
    groups: int
    fingerprint: str
    citation: str
    licence: str
    unused: int = 0
    near: int = 0
    by_origin: bool = False


def load_dialogues(
    name: str | Path, *, seed: int = 0, apart_from: DialogueCorpus | None = None
) -> DialogueCorpus:
    """Return the pairs of question and reply, without repeated questions, cut into splits.

    Args:
        name: a key of ``dialogues`` in the catalogue; a ``.yml`` file in ChatterBot's form (a list
            ``conversations``, each a list of turns); or a file of rows with ``question`` and
            ``reply`` (see :mod:`helpers.sources.readers`).
        seed: decides the cut, nothing else.
        apart_from: a corpus whose validation and test questions must not occur here (the same
            words; near duplicates are not looked for).

    Raises:
        UserError: an unknown name, a file that cannot be read, a conversation with fewer than two
            turns or an empty turn (file and line), too few different questions.

    >>> load_dialogues("friend")
    Traceback (most recent call last):
    helpers.UserError: There are no dialogues 'friend' in the catalogue, and no such file. Did you
    mean 'friends'?
    """
    name = str(name)
    everything, citation, licence, reader = _read(name)
    found = _some(everything, seed) if reader == "chitchat" else everything
    held_out = {
        _key(text)
        for split in SPLITS[1:]
        for text in (apart_from.splits[split]["source"] if apart_from else [])
    }
    first: dict[tuple[str, ...], Turns] = {}
    for pair in found:
        first.setdefault(_key(pair.source), pair)
    pairs = [pair for key, pair in first.items() if key not in held_out]
    if reader in BY_ORIGIN:
        groups = np.unique([pair.origin for pair in pairs], return_inverse=True)[1]
    else:
        groups = near_groups([pair.source for pair in pairs])
    rows = cut_groups(groups, seed, HELD_OUT)
    near = 0
    if reader == "chitchat":
        rows, near = _without_twins(pairs, rows)
    if not all(len(rows[split]) for split in SPLITS):
        raise UserError(
            f"{name} has too few different questions for three splits: {len(pairs)} of "
            f"{len(found)} pairs, since near duplicates stay together."
        )
    columns = {
        split: {key: [getattr(pairs[row], key) for row in rows[split]] for key in _COLUMNS}
        for split in SPLITS
    }
    return DialogueCorpus(
        name,
        datasets.DatasetDict({k: datasets.Dataset.from_dict(v) for k, v in columns.items()}),
        len(everything),
        len(found) - len(first),
        len(first) - len(pairs),
        int(groups.max()) + 1,
        catalog.fingerprint(columns),
        citation,
        licence,
        len(everything) - len(found),
        near,
        reader in BY_ORIGIN,
    )


def _some(pairs: Sequence[Turns], seed: int) -> list[Turns]:
    """Return at most :data:`MOST` pairs of each conversation, drawn at random, in their order."""
    taken: Counter[str] = Counter()
    kept = []
    for row in np.random.default_rng(seed).permutation(len(pairs)):
        if taken[pairs[row].origin] < MOST:
            taken[pairs[row].origin] += 1
            kept.append(int(row))
    return [pairs[row] for row in sorted(kept)]


def _without_twins(
    pairs: Sequence[Turns], rows: dict[str, NDArray[np.int64]]
) -> tuple[dict[str, NDArray[np.int64]], int]:
    """Return the rows without near duplicates across splits, and how many those were."""
    questions, origins = ([getattr(pair, key) for pair in pairs] for key in ("source", "origin"))
    kept, report = remove_leaks(questions, origins, rows)
    return kept, sum(report.removed.values())


def _key(text: str) -> tuple[str, ...]:
    return tuple(words(text))


def _read(name: str) -> tuple[list[Turns], str, str, str]:
    """Return the pairs of one name, with citation, licence, and how its files are read."""
    known = catalog.load_catalog().dialogues
    if name in known:
        entry = known[name]
        folder = catalog.fetch(entry.package)
        found = [pair for file in entry.files for pair in READERS[entry.reader](folder / file)]
        return found, entry.citation, entry.licence, entry.reader
    path = Path(name).expanduser()
    if not path.exists() and not path.suffix:
        raise UserError(
            f"There are no dialogues '{name}' in the catalogue, and no such file."
            f"{nearest(name, known)}"
        )
    if path.suffix.lower() in (".yml", ".yaml"):
        return list(read_chatterbot(path)), "", "yours", ""
    sides = readers.read_pairs(path, "question", "reply")
    pairs = [Turns(one_line(q), one_line(a), path.name) for q, a in zip(*sides, strict=True)]
    return pairs, "", "yours", ""


def read_chatterbot(path: Path, *, lenient: bool = False) -> Iterator[Turns]:
    """Yield the first turn and the reply to it, of each conversation of a ChatterBot file.

    Args:
        lenient: leave a conversation of one turn out instead of refusing it (the packaged corpus
            has one).

    Raises:
        UserError: not such a file; a conversation of one turn, an empty turn; with its line.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8; save it as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path} is not valid YAML: line {line}: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {str(error).splitlines()[0]}.") from None
    items = root.value if isinstance(root, yaml.MappingNode) else []
    top = {key.value: value for key, value in items if isinstance(key, yaml.ScalarNode)}
    talks = top.get("conversations")
    if not isinstance(talks, yaml.SequenceNode):
        raise UserError(f"{path} has no list of conversations, each of them a list of turns.")
    for talk in talks.value:
        line = talk.start_mark.line + 1
        turns = talk.value if isinstance(talk, yaml.SequenceNode) else [talk]
        if len(turns) < 2 and lenient:
            continue
        if len(turns) < 2:
            raise UserError(
                f"The conversation at line {line} of {path} has {len(turns)} turn"
                f"{'s' if len(turns) != 1 else ''}; a question and a reply are needed."
            )
        for turn in turns[:2]:
            if not isinstance(turn, yaml.ScalarNode) or not turn.value.strip():
                raise UserError(
                    f"The turn at line {turn.start_mark.line + 1} of {path} is empty or no text."
                )
        yield Turns(one_line(turns[0].value), one_line(turns[1].value), path.stem)


def read_friends(path: Path) -> Iterator[Turns]:
    """Yield each line of an episode with the line of another speaker that follows it."""
    before: list[str] = []
    for line in path.read_text(encoding="utf-8").split("\n")[3:]:
        if not line.strip():
            continue
        season, episode, _, _, speaker, text = line.split("\t")
        here = [season + episode, speaker, one_line(text)]
        if before and before[0] == here[0] and before[1] != speaker and before[2] and here[2]:
            yield Turns(before[2], here[2], here[0])
        before = here


def read_chitchat(path: Path) -> Iterator[Turns]:
    """Yield each turn of a conversation with the turn that follows it.

    A turn is what one person sends before the other answers: its messages are joined by spaces. The
    file is JSON, a dictionary of conversations, each with ``messages``: a list of turns, each a
    list of messages with ``text``.

    Raises:
        UserError: not such a file.
    """
    try:
        talks = json.loads(path.read_text(encoding="utf-8"))
        for name, talk in talks.items():
            turns = [
                one_line(" ".join(message["text"] for message in turn)) for turn in talk["messages"]
            ]
            for asked, answered in pairwise(turns):
                if asked and answered:
                    yield Turns(asked, answered, name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(
            f"{path} holds no conversations: it must be JSON, each conversation with a list "
            "`messages` of turns, each turn a list of messages with a `text`."
        ) from None


READERS: dict[str, Callable[[Path], Iterator[Turns]]] = {
    "chatterbot": partial(read_chatterbot, lenient=True),
    "chitchat": read_chitchat,
    "friends": read_friends,
}
"""What reads a file of the catalogue, by the name that its entry gives."""
