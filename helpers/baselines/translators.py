"""What a translation model has to beat: copying the source, and a translation memory.

Both have ``translate(sources)`` and return one text for each source, as
:func:`helpers.tasks.translation.translate` does of a model.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer

from helpers import UserError

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

    Similar: the cosine of TF-IDF weights of the runs of 2 to 5 characters within words (term
    frequency damped, 1 + log tf). This is what translators' tools offer as a fuzzy match.

    >>> pairs = {"source": ["Open file", "Close"], "target": ["打开文件", "关闭"]}
    >>> TranslationMemory(Dataset.from_dict(pairs)).translate(["Open files", "Closed", "xyz"])
    ['打开文件', '关闭', '']
    """

    def __init__(self, items: Dataset) -> None:
        """Store the pairs of ``items``, columns ``source`` and ``target``: the training split.

        Raises:
            UserError: there is no pair.
        """
        if not len(items):
            raise UserError("A translation memory needs at least one pair; none was given.")
        self.sources = list(items["source"])
        self.targets = list(items["target"])
        self._weights = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
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
