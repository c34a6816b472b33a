"""Words with a tag each to sentences with named entities: tagged text in CoNLL's form.

:mod:`helpers.tasks.tags` reads the form of the People's Daily; this one is what a user's own file
comes in, see :mod:`helpers.sources.tokens`.
"""

import re
from collections.abc import Sequence

_LINE = re.compile(r"\S+\t(?:O|[BI]-\S+)")
_KINDS = {
    "PERSON": "PER", "PERS": "PER", "LOCATION": "LOC", "GPE": "LOC", "ORGANIZATION": "ORG",
    "ORGANISATION": "ORG", "MISCELLANEOUS": "MISC", "DATE": "TIME",
}  # fmt: skip
"""Types as others call them."""


def is_conll(tagged: str) -> bool:
    """Tell whether tagged text is in CoNLL's form, by its first line.

    >>> is_conll("Elena\\tB-PER\\nlives\\tO"), is_conll("江/nr  泽民/nr")
    (True, False)
    """
    return _LINE.fullmatch(tagged.split("\n", 1)[0]) is not None


def parse(tagged: str) -> list[tuple[int, str, list[tuple[int, int, str]]]]:
    """Return line, text and entities (start, end, type) of every sentence of a tagged text.

    Words are joined with a blank between, Chinese and Japanese ones without.

    >>> parse("Elena\\tB-PER\\nPetrova\\tI-PER\\nlives\\tO\\n\\n北京\\tB-GPE\\n下雪\\tO")
    [(1, 'Elena Petrova lives', [(0, 13, 'PER')]), (5, '北京下雪', [(0, 2, 'LOC')])]
    """
    sentences = []
    line = 1
    for block in tagged.split("\n\n"):
        pairs = [each.split("\t") for each in block.split("\n") if each]
        if pairs:
            sentences.append((line, *_joined(pairs)))
        line += block.count("\n") + 2
    return sentences


def _joined(pairs: Sequence[Sequence[str]]) -> tuple[str, list[tuple[int, int, str]]]:
    text = ""
    spans: list[tuple[int, int, str]] = []
    before = ""  # type of the entity that the word before lies in
    for word, tag in pairs:
        if text and not (_unspaced(text[-1]) and _unspaced(word[0])):
            text += " "
        start = len(text)
        text += word
        place, _, name = tag.partition("-")
        if place == "I" and name == before:
            spans[-1] = (spans[-1][0], len(text), spans[-1][2])
        elif name:
            spans.append((start, len(text), _KINDS.get(name.upper(), name.upper())))
        before = name
    return text, spans


def _unspaced(character: str) -> bool:
    """Tell whether a character belongs to a script that is written without blanks."""
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
