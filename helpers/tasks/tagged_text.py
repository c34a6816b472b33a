"""Tagged newspaper text to sentences with named entities.

The format is that of Peking University's People's Daily: ``江/nr  泽民/nr  在/p  北京/ns``, words
with a part of speech, some of which are kinds of names (:data:`helpers.tasks.tags.TYPES`). Three
decisions:

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

from helpers import UserError
from helpers.tasks import token_tags
from helpers.tasks.tags import DEFAULT, TYPES, Span, check_types

SURNAMES = frozenset(
    re.findall("..", "欧阳诸葛司马司徒上官南宫令狐皇甫夏侯东方尉迟公孙慕容长孙宇文端木轩辕")
)
"""Surnames of two characters."""

# Brackets may open before a word and close, with a tag of their own, behind it.
_PIECE = re.compile(r"(\[*)(\S+)/([A-Za-z]+)((?:\]/?[A-Za-z]+)*)")

_END = re.compile(r"[。！？!?]+[”’』」）》〉】］)\]]*")


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
                Span(span.start - start, span.end - start, span.type)
                for span in spans
                if start <= span.start < end
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
    singles: list[Span] = []  # words
    compounds: list[Span] = []
    opened: list[int] = []
    text = ""
    for piece in line.split():
        match = _PIECE.fullmatch(piece)
        if not match:
            raise UserError(f"In {where}, '{piece}' is not a word with its tag, such as 北京/ns.")
        before, word, tag, behind = match.groups()
        opened += [len(text)] * len(before)
        if tag in wanted:
            singles.append(Span(len(text), len(text) + len(word), wanted[tag]))
        text += word
        for closing in re.findall("[A-Za-z]+", behind) if behind else ():
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
    return text, _outermost(compounds, _join_names(text, singles))


def _join_names(text: str, spans: list[Span]) -> list[Span]:
    """Join a surname and the given name that follows it."""
    joined: list[Span] = []
    run: list[Span] = []  # words of names without anything between them
    for span in [*spans, Span(-1, -1, "")]:
        if span.type == "PER" and (not run or run[-1].end == span.start):
            run.append(span)
            continue
        joined += _persons(text, run)
        run = [span] if span.type == "PER" else []
        if span.type and span.type != "PER":
            joined.append(span)
    return joined


def _persons(text: str, run: list[Span]) -> Iterator[Span]:
    """Yield the persons of words of names that follow each other: 江 泽民 李 鹏 are two."""
    lengths = [span.end - span.start for span in run]
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
    for span in sorted([*compounds, *singles], key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def cut_sentences(text: str, spans: Iterable[Span] = ()) -> Iterator[tuple[int, int]]:
    """Yield start and end of every sentence of a paragraph; together they are all of it.

    >>> text = "“来了！”他说。好"
    >>> [text[start:end] for start, end in cut_sentences(text)]
    ['“来了！”', '他说。', '好']
    """
    inside = {at for span in spans for at in range(span.start + 1, span.end)}
    start = 0
    for match in _END.finditer(text):
        if match.end() not in inside:
            yield start, match.end()
            start = match.end()
    if start < len(text):
        yield start, len(text)
