"""What a practitioner holds against any neural result: the majority class and a bag of words.

Both learn from the same drawn items as the models do and see no other label.
"""

import itertools
import re
import warnings
from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

# Chinese, kana, Thai, Lao, Burmese, Khmer: written without spaces between words.
_SPACELESS = "\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORD = re.compile(rf"[{_SPACELESS}]+|[^\W{_SPACELESS}]{{2,}}")


def bag_of_words(text: str) -> list[str]:
    """Return what TF-IDF counts: words of two letters or more, in lower case.

    Where a script has no spaces, characters and pairs of neighbours stand for words.

    >>> bag_of_words("The BBC, a 北京人")
    ['the', 'bbc', '北', '京', '人', '北京', '京人']
    """
    words: list[str] = []
    for found in _WORD.findall(text.lower()):
        if re.match(f"[{_SPACELESS}]", found):
            words += [*found, *map("".join, itertools.pairwise(found))]
        else:
            words.append(found)
    return words


def tfidf_logistic(
    train: Dataset, test: Dataset, regularization: float = 10.0, *, balanced: bool = False
) -> np.ndarray:
    """Return the classes (n,) that logistic regression on TF-IDF weights predicts for ``test``.

    Words and their document frequencies come from the training items alone; term frequencies are
    damped (1 + log tf). A single training class is predicted throughout, and the most frequent one
    where the training texts have no word.

    Args:
        train: items with ``text`` and ``label``.
        test: items with ``text``.
        regularization: inverse L2 penalty C of scikit-learn's ``LogisticRegression``, above 0.
        balanced: weigh each class by the inverse of its frequency, so that rare ones count.

    >>> train = Dataset.from_dict({"text": ["red apple", "old car"], "label": [0, 1]})
    >>> tfidf_logistic(train, train)
    array([0, 1])
    """
    found = tfidf_probabilities(
        train["text"], train["label"], test["text"], regularization, balanced=balanced
    )
    return found.argmax(1)


def tfidf_probabilities(
    texts: Sequence[str],
    labels: Sequence[int],
    unseen: Sequence[str],
    regularization: float = 10.0,
    *,
    balanced: bool = False,
) -> np.ndarray:
    """Return the probability of every class for each unseen text, (n, c); see `tfidf_logistic`.

    Args:
        texts: to learn from.
        labels: their classes, 0 to c - 1; one that does not occur has probability 0.
        unseen: n texts.
        regularization: as `tfidf_logistic`.
        balanced: as `tfidf_logistic`.

    >>> tfidf_probabilities(["red apple", "old car"], [0, 1], ["apple"])[0].argmax()
    np.int64(0)
    """
    counts = np.bincount(labels)
    result = np.zeros((len(unseen), len(counts)))
    if len(set(labels)) == 1 or not any(map(bag_of_words, texts)):
        result[:, counts.argmax()] = 1.0
        return result
    model = make_pipeline(
        TfidfVectorizer(analyzer=bag_of_words, sublinear_tf=True),
        LogisticRegression(
            C=regularization, max_iter=2000, class_weight="balanced" if balanced else None
        ),
    )
    with warnings.catch_warnings():
        # Few texts of many classes are a label budget here, no mistaken regression.
        warnings.filterwarnings("ignore", "The number of unique classes")
        model.fit(texts, labels)
    result[:, model.classes_] = model.predict_proba(unseen)
    return result
