"""Tagged newspaper text to sentences with named entities, and entities to BIO tags and back.

The format is that of Peking University's People's Daily: ``江/nr  泽民/nr  在/p  北京/ns``, words
with a part of speech, some of which are kinds of names (:data:`TYPES`). Three decisions:

- **Persons.** A surname and a given name are two words there; they are joined into one person. A
  surname is a word of one character or one of :data:`SURNAMES`; a foreign name is one word, and
  stays one person. ``陈/nr 方/nr 安生/nr``, alone, is one person with two surnames.
- **Organizations.** The full release puts compound ones into brackets, ``[中央/n 电视台/n]nt``; the
  outermost bracket of a wanted type is then the entity and names inside it do not count. The
  edition in the catalogue has lost its brackets, so there an organization is a single word tagged
  nt (新华社, 国务院), and 北京/ns 航空/n 航天/n 大学/n holds a place and no organization.
- **Everything else** is taken as it was tagged: places or dates that follow each other stay apart.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from helpers import UserError, nearest
from helpers.tasks import token_tags

TYPES = {"PER": "nr", "LOC": "ns", "ORG": "nt", "MISC": "nz", "TIME": "t"}
"""Types of entities and their tag: persons, places, organizations, other names, times."""

DEFAULT = ("PER", "LOC", "ORG")

SURNAMES = frozenset(
    re.findall("..", "欧阳诸葛司马司徒上官南宫令狐皇甫夏侯东方尉迟公孙慕容长孙宇文端木轩辕")
)
"""Surnames of two characters."""

# Brackets may open before a word and close, with a tag of their own, behind it.
_PIECE = re.compile(r"(\[*)(\S+)/([A-Za-z]+)((?:\]/?[A-Za-z]+)*)")
_END = re.compile(r"[。！？!?]+[”’』」）》〉】］)\]]*")


class Span(NamedTuple):
    """An entity of characters ``start`` to before ``end``."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Sentence:
    """A sentence without tags, its entities, and where it stands.

    Attributes:
        text: its characters.
        spans: entities in their order, none overlapping; positions in ``text``.
        article: identifies the article, so that no split cuts one.
        line: of the article, from 1.
    """

    text: str
    spans: tuple[Span, ...]
    article: str
    line: int


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


def parse_article(
    tagged: str, types: Sequence[str] = DEFAULT, article: str = "the article"
) -> list[Sentence]:
    """Return the sentences of a tagged article, one paragraph a line, or in CoNLL's form.

    A sentence ends at 。！？ with the closing quotes behind it, and at the end of a line; never
    inside an entity.

    Raises:
        UserError: a piece that is no ``word/tag``, or brackets that do not match; with the line.

    >>> for sentence in parse_article("江/nr 泽民/nr 来/v 了/y 。/w 北京/ns 下雪/v"):
    ...     print(sentence.line, sentence.text, *map(tuple, sentence.spans))
    1 江泽民来了。 (0, 3, 'PER')
    1 北京下雪 (0, 2, 'LOC')
    """
    check_types(types)
    if token_tags.is_conll(tagged):
        return [
            Sentence(text, tuple(Span(*span) for span in spans if span[2] in types), article, line)
            for line, text, spans in token_tags.parse(tagged)
        ]
    sentences = []
    for number, line in enumerate(tagged.split("\n"), start=1):
        text, spans = parse_line(line, types, f"{article}, line {number}")
        for start, end in cut_sentences(text, spans):
            inside = (
                Span(one.start - start, one.end - start, one.type)
                for one in spans
                if start <= one.start < end
            )
            sentences.append(Sentence(text[start:end], tuple(inside), article, number))
    return sentences


def parse_line(
    line: str, types: Sequence[str] = DEFAULT, where: str = "the line"
) -> tuple[str, list[Span]]:
    """Return the text of a tagged line and its entities.

    Raises:
        UserError: see :func:`parse_article`; ``where`` says in the message where the line stands.

    >>> parse_line("[中央/n 电视台/n]nt 记者/n 欧阳/nr 山尊/nr")
    ('中央电视台记者欧阳山尊',
    [Span(start=0, end=5, type='ORG'), Span(start=7, end=11, type='PER')])
    """
    wanted = {TYPES[name]: name for name in types}
    words: list[tuple[int, int, str]] = []  # start, end, tag
    compounds: list[Span] = []
    opened: list[int] = []
    text = ""
    for piece in line.split():
        match = _PIECE.fullmatch(piece)
        if not match:
            raise UserError(f"In {where}, '{piece}' is not a word with its tag, such as 北京/ns.")
        before, word, tag, behind = match.groups()
        opened += [len(text)] * len(before)
        words.append((len(text), len(text) + len(word), tag))
        text += word
        for closing in re.findall("[A-Za-z]+", behind):
            if not opened:
                raise UserError(f"In {where}, '{piece}' closes a bracket that was never opened.")
            start = opened.pop()
            if closing in wanted:
                compounds.append(Span(start, len(text), wanted[closing]))
    if opened:
        raise UserError(
            f"In {where}, the bracket before '{text[opened[-1] :][:10]}' is never closed with ] "
            "and a tag."
        )
    singles = [Span(start, end, wanted[tag]) for start, end, tag in words if tag in wanted]
    return text, _outermost(compounds, _join_names(text, singles))


def _join_names(text: str, spans: list[Span]) -> list[Span]:
    """Join a surname and the given name that follows it."""
    joined: list[Span] = []
    run: list[Span] = []  # words of names without anything between them
    for one in [*spans, Span(-1, -1, "")]:
        if one.type == "PER" and (not run or run[-1].end == one.start):
            run.append(one)
            continue
        joined += _persons(text, run)
        run = [one] if one.type == "PER" else []
        if one.type and one.type != "PER":
            joined.append(one)
    return joined


def _persons(text: str, run: list[Span]) -> Iterator[Span]:
    """Yield the persons of words of names that follow each other: 江 泽民 李 鹏 are two."""
    lengths = [one.end - one.start for one in run]
    if lengths == [1, 1, 2]:  # all such runs of January 1998 are: 陈方安生, 范徐丽泰, 梁刘柔芬
        yield Span(run[0].start, run[2].end, "PER")
        return
    at = 0
    while at < len(run):
        word = text[run[at].start : run[at].end]
        surname = len(word) == 1 or word in SURNAMES
        last = min(at + 1, len(run) - 1) if surname else at
        yield Span(run[at].start, run[last].end, "PER")
        at = last + 1


def _outermost(compounds: list[Span], singles: list[Span]) -> list[Span]:
    """Return entities in their order, without those that lie in a compound one."""
    kept: list[Span] = []
    for one in sorted([*compounds, *singles], key=lambda span: (span.start, -span.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def cut_sentences(text: str, spans: Iterable[Span] = ()) -> Iterator[tuple[int, int]]:
    """Yield start and end of every sentence of a paragraph; together they are all of it.

    >>> text = "“来了！”他说。好"
    >>> [text[start:end] for start, end in cut_sentences(text)]
    ['“来了！”', '他说。', '好']
    """
    inside = {at for one in spans for at in range(one.start + 1, one.end)}
    start = 0
    for match in _END.finditer(text):
        if match.end() not in inside:
            yield start, match.end()
            start = match.end()
    if start < len(text):
        yield start, len(text)


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
