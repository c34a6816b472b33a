"""What a translation model has to beat: copying, a glossary, and a translation memory.

All have ``translate(sources)`` and return one text for each source, as
:func:`helpers.tasks.translation.translate` does of a model. Pairs are columns ``source`` and
``target``: a data set's, or a dictionary's of lists.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

from helpers import UserError
from helpers.sources.messages import PLACEHOLDER

Pairs = Mapping[str, Sequence[str]]
"""``source`` and ``target``, of one length."""

_ROWS_AT_ONCE = 512  # bounds the memory of a product with all that is stored


class Copying:
    """Leaves every sentence as it is: right on names, placeholders and digits alone.

    >>> Copying().translate(["Open %s"])
    ['Open %s']
    """

    def translate(self, sources: Sequence[str]) -> list[str]:
        """Return the sources."""
        return list(sources)


class TranslationMemory:
    """Gives the stored translation of the most similar source that it has seen.

    Similar: the cosine of TF-IDF weights of the runs of 2 to ``longest`` characters within words
    (term frequency damped, 1 + log tf). This is what translators' tools offer as a fuzzy match.

    >>> pairs = {"source": ["Open file", "Close"], "target": ["打开文件", "关闭"]}
    >>> TranslationMemory(pairs).translate(["Open files", "Closed", "xyz"])
    ['打开文件', '关闭', '']
    """

    def __init__(self, pairs: Pairs, longest: int = 5) -> None:
        """Store pairs: the training split.

        Raises:
            UserError: there is no pair, or ``longest`` is below 2.
        """
        self.sources, self.targets = _columns(pairs, "A translation memory")
        if longest < 2:
            raise UserError(f"longest must be at least 2 characters, not {longest}.")
        self._weights = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, longest), sublinear_tf=True
        )
        self._stored = self._weights.fit_transform(self.sources).T.tocsr()

    def nearest(
        self, sources: Sequence[str]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the row of the most similar stored source, the first of several, and how similar.

        Shapes (n,) and (n,); similarity in [0, 1].
        """
        rows = np.zeros(len(sources), dtype=np.int64)
        similarity = np.zeros(len(sources))
        for start in range(0, len(sources), _ROWS_AT_ONCE):
            chosen = slice(start, start + _ROWS_AT_ONCE)
            table = (self._weights.transform(sources[chosen]) @ self._stored).toarray()
            rows[chosen], similarity[chosen] = table.argmax(1), table.max(1)
        return rows, similarity

    def translate(self, sources: Sequence[str]) -> list[str]:
        """Return the stored translation of each source's nearest; "" where nothing is similar."""
        if not sources:
            return []
        rows, similarity = self.nearest(list(sources))
        return [
            self.targets[row] if near > 0 else ""
            for row, near in zip(rows, similarity, strict=True)
        ]


LONGEST_PHRASE = 3
"""Words of a glossary's entry, at most."""

LONGEST_TERM = 6
"""Chinese characters of an entry's translation, at most."""

_PIECES = re.compile(rf"({PLACEHOLDER.pattern})|[A-Za-z]+|\s+|.")
_CHINESE = re.compile("[\u3400-\u9fff]+")


class Glossary:
    r"""Replaces words by what stands most often in the translations of sentences that have them.

    An entry is a phrase of 1 to 3 English words (case aside) and the run of 1 to 6 Chinese
    characters that goes best with it, by Dice's coefficient of the pairs in which they stand,
    :math:`2 n(e, z) / (n(e) + n(z))` in [0, 1]; of equals the longer run, of those the first by
    its code points. A sentence is read from the left, the longest known phrase first; what has no
    entry is copied, placeholders always, and white space beside Chinese goes. Word order stays
    English, which is what such a list cannot know. Source of the measure: Smadja et al. 1996,
    *Translating collocations for bilingual lexicons* (Computational Linguistics 22).

    >>> pairs = {"source": ["Open file", "Open", "Close file", "Close"],
    ...          "target": ["打开文件", "打开", "关闭文件", "关闭"]}
    >>> Glossary(pairs).translate(["Close all files", "open %s file"])
    ['关闭all files', '打开%s文件']
    """

    def __init__(self, pairs: Pairs, least: float = 0.0) -> None:
        """Learn the entries whose coefficient is above ``least``.

        Raises:
            UserError: there is no pair, or ``least`` is outside [0, 1).
        """
        sources, targets = _columns(pairs, "A glossary")
        if not 0 <= least < 1:
            raise UserError(f"least must be in [0, 1), a coefficient of Dice, not {least:g}.")
        together: defaultdict[str, Counter[str]] = defaultdict(Counter)
        of_phrase: Counter[str] = Counter()
        of_term: Counter[str] = Counter()
        for source, target in zip(sources, targets, strict=True):
            phrases, terms = _phrases(source), _terms(target)
            of_phrase.update(phrases)
            of_term.update(terms)
            for phrase in phrases:
                together[phrase].update(terms)
        self.entries: dict[str, tuple[str, float]] = {}
        for phrase, found in together.items():
            dice = {z: 2 * n / (of_phrase[phrase] + of_term[z]) for z, n in found.items()}
            best = min(dice, key=lambda term: (-dice[term], -len(term), term), default="")
            if best and dice[best] > least:
                self.entries[phrase] = best, dice[best]

    def translate(self, sources: Sequence[str]) -> list[str]:
        """Return each source with its known phrases replaced."""
        return [self._replaced(source) for source in sources]

    def _replaced(self, source: str) -> str:
        pieces = [found[0] for found in _PIECES.finditer(source)]
        written, at = "", 0
        while at < len(pieces):
            for size in range(2 * LONGEST_PHRASE - 1, 0, -2):  # words with the spaces between
                phrase = " ".join("".join(pieces[at : at + size]).lower().split())
                if phrase in self.entries and at + size <= len(pieces):
                    written += self.entries[phrase][0]
                    at += size
                    break
            else:
                written += pieces[at]
                at += 1
        chinese = "[\u3400-\u9fff]"
        return re.sub(rf"(?<={chinese})\s+|\s+(?={chinese})", "", written)


def _phrases(source: str) -> set[str]:
    """Return the phrases of 1 to 3 words of a sentence, in small letters."""
    words = [
        (found.start(), found.end(), found[0].lower())
        for found in _PIECES.finditer(source)
        if found[0].isalpha() and not found[1]
    ]
    phrases = set()
    for first in range(len(words)):
        for last in range(first, min(first + LONGEST_PHRASE, len(words))):
            if last > first and source[words[last - 1][1] : words[last][0]].strip():
                break  # something that is no space stands between
            phrases.add(" ".join(word for _, _, word in words[first : last + 1]))
    return phrases


def _terms(target: str) -> set[str]:
    """Return the runs of 1 to 6 Chinese characters of a sentence."""
    return {
        run[first:last]
        for run in _CHINESE.findall(target)
        for first in range(len(run))
        for last in range(first + 1, min(first + LONGEST_TERM, len(run)) + 1)
    }


def _columns(pairs: Pairs, what: str) -> tuple[list[str], list[str]]:
    sources, targets = list(pairs["source"][:]), list(pairs["target"][:])
    if not sources:
        raise UserError(f"{what} needs at least one pair; none was given.")
    return sources, targets
