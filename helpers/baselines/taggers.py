"""What a tagger has to beat: a list of the names it has seen, and a linear model of neighbours.

Both learn from the same sentences as the models do and see no other label. Sentences are items of
:class:`helpers.tasks.tagging.TokenTagging` (``text`` and ``tags``); predictions are valid BIO tags,
one list a sentence.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from datasets import Dataset
from scipy import sparse
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import SGDClassifier

from helpers.tasks.tags import Span, best_path, from_bio, to_bio


def dictionary(train: Dataset, test: Dataset, least: float = 0.5) -> list[list[str]]:
    """Tag what is written like an entity of ``train``: the longest from left to right.

    A string has the type that it most often has in ``train`` (the first in the alphabet of
    several). It is used only where that works on ``train`` itself: where it is matched there, at
    least the share ``least`` of the matches are that entity. Otherwise 江 alone, once a person,
    would be one in every 长江.

    Args:
        train: sentences to collect from.
        test: sentences to tag.
        least: in [0, 1]; 0 uses every string.

    >>> train = Dataset.from_dict({"text": ["江泽民到北京"], "tags": [["B-PER", "I-PER", "I-PER",
    ...                                                           "O", "B-LOC", "I-LOC"]]})
    >>> dictionary(train, Dataset.from_dict({"text": ["北京好"]}))
    [['B-LOC', 'I-LOC', 'O']]
    """
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    gold = [from_bio(tags) for tags in train["tags"][:]]
    for text, spans in zip(train["text"][:], gold, strict=True):
        for start, end, name in spans:
            seen[text[start:end]][name] += 1
    names = {
        string: min(counts, key=lambda name: (-counts[name], name))
        for string, counts in seen.items()
    }
    matched: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for text, spans in zip(train["text"][:], gold, strict=True):
        for span in _matches(text, names):
            matched[text[span.start : span.end]] += 1
            right[text[span.start : span.end]] += span in spans
    names = {key: name for key, name in names.items() if right[key] >= least * matched[key]}
    return [to_bio(len(text), _matches(text, names)) for text in test["text"][:]]


def _matches(text: str, names: dict[str, str]) -> Iterator[Span]:
    """Yield the longest match at each place, going on behind it."""
    longest = max(map(len, names), default=0)
    at = 0
    while at < len(text):
        for size in range(min(longest, len(text) - at), 0, -1):
            name = names.get(text[at : at + size])
            if name is not None:
                yield Span(at, at + size, name)
                at += size
                break
        else:
            at += 1


def linear_tagger(
    train: Dataset,
    test: Dataset,
    *,
    strength: float = 1e-6,
    passes: int = 10,
    seed: int = 0,
) -> list[list[str]]:
    """Tag by logistic regression on the characters around each, decoded to valid tags.

    A character is described by itself, two neighbours on each side, the four pairs among them and
    what kinds of characters they are; these strings are hashed into 2¹⁸ columns. Averaged
    stochastic gradient descent fits one class against the rest. Each character is judged alone;
    :func:`helpers.tasks.tags.best_path` then finds the most probable tags that are valid, as for
    the neural models. There is no learned transition (no conditional random field).

    Args:
        train: sentences to learn from; where they have one tag only, that is predicted.
        test: sentences to tag.
        strength: of the L2 penalty, above 0.
        passes: over the characters of ``train``.
        seed: their order.

    >>> train = Dataset.from_dict({"text": ["在北京", "在上海"],
    ...                            "tags": [["O", "B-LOC", "I-LOC"]] * 2})
    >>> linear_tagger(train, Dataset.from_dict({"text": ["在上京"]}))
    [['O', 'B-LOC', 'I-LOC']]
    """
    tags = np.array([tag for each in train["tags"][:] for tag in each])
    if len(set(tags)) == 1:
        return [[str(tags[0])] * len(text) for text in test["text"][:]]
    model = SGDClassifier(
        loss="log_loss",
        alpha=strength,
        max_iter=passes,
        tol=None,
        average=True,
        random_state=seed,
    )
    model.fit(_described(train["text"][:]), tags)
    scores = np.log(np.maximum(model.predict_proba(_described(test["text"][:])), 1e-12))
    ends = np.cumsum([len(text) for text in test["text"][:]])
    names = [str(name) for name in model.classes_]
    return [best_path(each, names) for each in np.split(scores, ends[:-1])]


def _described(texts: Sequence[str]) -> sparse.csr_matrix:
    """Return the features of all characters of all texts, (characters, 2¹⁸)."""
    hasher = FeatureHasher(2**18, input_type="string", alternate_sign=False)
    return hasher.transform(row for text in texts for row in _features(text))


def _features(text: str) -> Iterator[list[str]]:
    padded = f"\0\0{text}\0\0"
    kinds = "".join(map(_kind, padded))
    for at in range(2, len(text) + 2):
        yield [
            *(f"{place}={padded[at + place]}" for place in range(-2, 3)),
            *(f"{place}+{padded[at + place : at + place + 2]}" for place in range(-2, 2)),
            f"kinds={kinds[at - 1 : at + 2]}",
        ]


def _kind(character: str) -> str:
    """Return d for digits, l for Latin letters, h for Chinese characters, p for the rest."""
    if character.isdigit():
        return "d"
    if "\u4e00" <= character <= "\u9fff":
        return "h"
    return "l" if character.isalpha() and ord(character) not in range(0x2E80, 0xFF00) else "p"
