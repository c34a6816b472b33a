"""What is delivered: something that gives every class of a text a probability.

Shapes: n texts, c classes, d numbers a text.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from helpers.baselines.bag_of_words import bag_of_words
from helpers.baselines.static_embeddings import text_vectors

Floats = npt.NDArray[Any]
NEVER = -1e4
"""The logit of a class that no labelled text has: its probability is 0, and it is a number."""

AT_ONCE = 4096
"""So many texts are worked on together: this bounds the memory."""


class Model(Protocol):
    """Anything that labels texts."""

    @property
    def kind(self) -> str:
        """Which of the kinds that a folder may hold."""

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return the probability of each class for each text, (n, c)."""


@dataclass(frozen=True)
class LargestClass:
    """The classes' shares among the labels, for every text alike."""

    shares: Floats
    kind: str = "largest"

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return the same row for each text, (n, c).

        >>> LargestClass(np.array([0.75, 0.25])).probabilities(["a", "b"]).tolist()
        [[0.75, 0.25], [0.75, 0.25]]
        """
        return np.tile(self.shares, (len(texts), 1))


@dataclass(frozen=True)
class Linear:
    """Logits (n, c) of numbers (n, d): ``x @ weight.T + bias``; weight (c, d), bias (c,)."""

    weight: Floats
    bias: Floats

    @classmethod
    def of(cls, fitted: LogisticRegression, n_classes: int) -> "Linear":
        """Return a regression's weights in 32 bits, one row for every class.

        With two classes the library keeps one row, the difference; the softmax of 0 and z is its
        sigmoid. A class that was not among the labels gets :data:`NEVER`.

        >>> fitted = LogisticRegression().fit([[-1.0], [1.0]], [0, 2])
        >>> Linear.of(fitted, 3).probabilities(np.array([[1.0]])).round(2).tolist()
        [[0.34, 0.0, 0.66]]
        """
        rows, bias = fitted.coef_, fitted.intercept_
        if len(fitted.classes_) == 2:
            rows, bias = np.vstack([0 * rows, rows]), np.append(0.0, bias)
        weight = np.zeros((n_classes, rows.shape[1]), dtype=np.float32)
        whole = np.full(n_classes, NEVER, dtype=np.float32)
        weight[fitted.classes_], whole[fitted.classes_] = rows, bias
        return cls(weight, whole)

    @classmethod
    def constant(cls, place: int, n_classes: int, width: int) -> "Linear":
        """Return what always says one class.

        >>> Linear.constant(1, 2, 3).probabilities(np.ones((1, 3))).tolist()
        [[0.0, 1.0]]
        """
        bias = np.full(n_classes, NEVER, dtype=np.float32)
        bias[place] = 0
        return cls(np.zeros((n_classes, width), dtype=np.float32), bias)

    def softened(self, temperature: float) -> "Linear":
        """Return what divides the logits by ``temperature``.

        >>> Linear(np.ones((2, 3)), np.zeros(2)).softened(4.0).weight[0].tolist()
        [0.25, 0.25, 0.25]
        """
        return Linear(self.weight / np.float32(temperature), self.bias / np.float32(temperature))

    def probabilities(self, x: Any) -> Floats:
        """Return the softmax of the logits, (n, d) to (n, c); ``x`` may be sparse."""
        return np.asarray(softmax(np.asarray(x @ self.weight.T + self.bias, dtype=float), axis=1))

    def by_parts(self, numbers: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> Floats:
        """Return :meth:`probabilities` of the numbers of texts, worked out part by part, (n, c)."""
        parts = [self.probabilities(numbers(part)) for part in parts_of(texts)]
        return np.concatenate([np.zeros((0, len(self.bias))), *parts])


def vectorizer(unit: str, most: int | None = None, **known: Any) -> TfidfVectorizer:
    """Return TF-IDF over words, or over runs of 2 to 5 characters within words.

    Words are those of :func:`helpers.baselines.bag_of_words.bag_of_words`; term frequencies are
    damped.

    Args:
        unit: "words" or "characters".
        most: features kept, the most frequent ones; None: all.
        known: ``vocabulary``, where it was learned before.

    >>> sorted(vectorizer("words").fit(["The car", "a 北京"]).vocabulary_)
    ['car', 'the', '京', '北', '北京']
    """
    if unit == "words":
        return TfidfVectorizer(analyzer=bag_of_words, sublinear_tf=True, max_features=most, **known)
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, max_features=most, **known
    )


@dataclass(frozen=True)
class BagOfWords:
    """Logistic regression on TF-IDF weights; ``kind`` says of what."""

    counter: TfidfVectorizer
    linear: Linear
    kind: str

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return the probability of each class, (n, c)."""
        return self.linear.by_parts(self.counter.transform, texts)


@dataclass(frozen=True)
class StaticVectors:
    """Logistic regression on the mean of a text's static embeddings, scaled to length 1.

    No network is run: a text is looked up. The same as sentence-transformers' StaticEmbedding,
    Normalize and Dense.

    Attributes:
        table: a vector for every token, (V, k).
        pieces: cuts texts into tokens, without special ones and at any length.
        linear: the classes' weights.
    """

    table: Floats
    pieces: Tokenizer
    linear: Linear
    kind: str = "static"

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of texts, (n, k)."""
        cut = self.pieces.encode_batch(list(texts), add_special_tokens=False)
        return text_vectors(self.table, [each.ids for each in cut])

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return the probability of each class, (n, c)."""
        return self.linear.by_parts(self.vectors, texts)


def pieces_of(tokenizer: Any) -> Tokenizer:
    """Return what cuts texts into a tokenizer's tokens, however long they are, and nothing more."""
    pieces = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    pieces.no_truncation()
    pieces.no_padding()
    return pieces


def parts_of(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield at most :data:`AT_ONCE` texts at a time."""
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]
