"""Words with a tag each, as data sets of named entities come, to one tagged text a row.

Lists beside each other, ``tokens`` and ``ner_tags``, become the lines of CoNLL, which
:func:`helpers.tasks.token_tags.parse` reads: a word, a tab, its tag in IOB2::

    Elena   B-PER
    lives   O
"""

import re
from collections.abc import Sequence
from typing import Any

from helpers import UserError
from helpers.sources.rows import Rows, kind

TAGGED = "tagged"
"""The column that holds tagged text."""

_WORDS = ("tokens", "words")
_TAGS = ("ner_tags", "tags", "ner", "iob_tags", "labels")

CONLL_2003 = ["O"] + [f"{place}-{name}" for name in ("PER", "ORG", "LOC", "MISC") for place in "BI"]
"""What the numbers of ``ner_tags`` stand for where no names come with them."""

_TAG = re.compile(r"O|[BIESLUM]-\S+")
# In schemes with more places than IOB2 has: S and U are a whole entity, E and L the end of one.
_PLACES = {"S": "B", "U": "B", "E": "I", "L": "I", "M": "I"}

FORM = (
    "named entities come as lists 'tokens' and 'ner_tags' (O, B-PER, I-PER, …), as a .conll file "
    "with a word and its tag a line, or as a column 'tagged' of words such as 北京/ns"
)
"""The wanted forms, in words."""


def with_tagged(rows: Rows) -> Rows:
    """Return rows with a column of tagged text, made of words and tags where it is not there.

    Raises:
        UserError: neither is there; words without a tag each; a tag that is none.

    >>> row = {"tokens": ["Elena", "lives"], "ner_tags": [1, 0]}
    >>> with_tagged(Rows("x.jsonl", "line", [1], [row])).values
    [{'tagged': 'Elena\\tB-PER\\nlives\\tO'}]
    """
    present = rows.columns
    if TAGGED in present:
        return rows
    words = next((name for name in _WORDS if name in present), None)
    tags = next((name for name in _TAGS if name in present), None)
    if words is None or tags is None:
        raise UserError(
            f"{rows.source} has no text column '{TAGGED}'; its columns are "
            f"{', '.join(present) or 'none'} ({FORM})."
        )
    made = []
    for i, value in enumerate(rows.values):
        sentence, its_tags = value.get(words), value.get(tags)
        for name, cells in ((words, sentence), (tags, its_tags)):
            if not isinstance(cells, list):
                raise UserError(
                    f"'{name}' in {rows.at(i)} is {kind(cells)}, not a list with an element for "
                    "each word."
                )
        made.append({TAGGED: lines(sentence or [], its_tags or [], rows.at(i))})
    return Rows(rows.source, rows.unit, rows.numbers, made, rows.notes)


def lines(words: Sequence[Any], tags: Sequence[Any], where: str) -> str:
    """Return words and tags as the lines of CoNLL; ``where`` they stand is for messages.

    Raises:
        UserError: not as many of both; a tag that is none, a word that is no string.
    """
    if len(words) != len(tags):
        raise UserError(f"There are {len(words)} words and {len(tags)} tags in {where}.")
    return "\n".join(
        f"{_word(word, where)}\t{_tag(tag, where)}" for word, tag in zip(words, tags, strict=True)
    )


def _word(word: Any, where: str) -> str:
    if not isinstance(word, str):
        raise UserError(f"A word in {where} is {kind(word)}, not a string.")
    return "_".join(word.split()) or "_"


def _tag(tag: Any, where: str) -> str:
    if isinstance(tag, int) and not isinstance(tag, bool):
        if not 0 <= tag < len(CONLL_2003):
            raise UserError(
                f"The tag {tag} in {where} has no name: write tags such as B-PER, or keep the "
                "names as `datasets` does in Parquet."
            )
        tag = CONLL_2003[tag]
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise UserError(f"The tag {tag!r} in {where} is none; tags are O, B-PER, I-PER and so on.")
    return _PLACES.get(tag[0], tag[0]) + tag[1:]
