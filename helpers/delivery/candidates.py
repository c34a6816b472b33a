"""What may be delivered, from cheap to dear, each with the settings that are tried of it.

A candidate learns from n labelled texts with each of several settings at once (what they share is
done once) and gives one model a setting. Shapes: n texts, c classes.
"""

import functools
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from helpers.baselines.static_embeddings import token_table
from helpers.delivery import models, networks
from helpers.delivery.clock import second_time
from helpers.sources.variants import variant
from helpers.sources.weights import check_positions, load_model, load_tokenizer
from helpers.trials.tasks.classification import DIMENSIONS

Labels = npt.NDArray[np.int64]
Setting = Mapping[str, float]

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
"""Inverse L2 penalties C that are tried, from strong to weak."""

TOKENS = 1024
"""Tokens of a vocabulary on which the speed of reading it is measured."""

SAMPLE = 400
"""Texts on which speed is measured."""

MOST_WEIGHTS = 20_000_000
"""Weights of a linear model over a vocabulary, at most: 80 MB."""


class Candidate(Protocol):
    """One way of making a model.

    ``too_sure`` says whether its probabilities must be softened, see
    :func:`helpers.delivery.choose.temperature`.
    """

    name: str
    too_sure: bool

    def fit(
        self, texts: Sequence[str], labels: Labels, n_classes: int, settings: Sequence[Setting]
    ) -> Sequence[models.Model]:
        """Return one model a setting."""

    def plan(
        self, texts: Sequence[str], labels: Labels, n_classes: int, seconds: float, passes: float
    ) -> tuple[Sequence[Setting], int]:
        """Return the settings to try and how many texts to learn from, to keep within a time.

        Args:
            texts: all labelled texts.
            labels: their classes.
            n_classes: c.
            seconds: what may be used.
            passes: how often all of the texts are learned from with every setting.
        """


class Largest:
    """The largest class, whatever the text."""

    name = "largest class"
    too_sure = False

    def fit(
        self, texts: Sequence[str], labels: Labels, n_classes: int, settings: Sequence[Setting]
    ) -> Sequence[models.Model]:
        """Return the classes' shares among the labels.

        >>> model, = Largest().fit(["a", "b", "c"], np.array([0, 1, 1]), 2, [{}])
        >>> model.probabilities(["d"]).round(2).tolist()
        [[0.33, 0.67]]
        """
        return [models.LargestClass(np.bincount(labels, minlength=n_classes) / len(labels))]

    def plan(
        self, texts: Sequence[str], labels: Labels, n_classes: int, seconds: float, passes: float
    ) -> tuple[Sequence[Setting], int]:
        """Return all of them."""
        return [{}], len(texts)


class Bag:
    """TF-IDF of words or of characters, and logistic regression."""

    settings: Sequence[Setting] = tuple({"C": c} for c in STRENGTHS)
    too_sure = False

    def __init__(self, unit: str) -> None:
        """Take "words" or "characters"."""
        self.unit = unit
        self.name = f"TF-IDF of {unit}"

    def fit(
        self, texts: Sequence[str], labels: Labels, n_classes: int, settings: Sequence[Setting]
    ) -> Sequence[models.Model]:
        """Learn the vocabulary once, and weights for each setting.

        >>> bag = Bag("words")
        >>> model, = bag.fit(["red apple", "old car"], np.array([0, 1]), 2, [{"C": 10.0}])
        >>> model.probabilities(["an apple"]).argmax()
        np.int64(0)
        """
        counter = models.vectorizer(self.unit, most=max(1000, MOST_WEIGHTS // n_classes))
        try:
            x = counter.fit_transform(texts)
        except ValueError:  # no text has a word
            shares = np.bincount(labels, minlength=n_classes) / len(labels)
            return [models.LargestClass(shares)] * len(settings)
        found = regressions(x, labels, n_classes, settings)
        return [models.BagOfWords(counter, linear, self.unit) for linear in found]

    def plan(
        self, texts: Sequence[str], labels: Labels, n_classes: int, seconds: float, passes: float
    ) -> tuple[Sequence[Setting], int]:
        """Time a fit with all settings of a sample, and of a larger one where there is time.

        The difference says what a further text takes: what any fit costs is not counted for each.
        """
        sizes, times = [0], [0.0]
        for size in (SAMPLE, 10 * SAMPLE):
            if size > SAMPLE and (len(texts) < size or 20 * times[-1] > 0.2 * seconds):
                break
            few = slice(0, size)
            started = time.monotonic()
            self.fit(texts[few], labels[few], n_classes, self.settings)
            sizes.append(min(size, len(texts)))
            times.append(time.monotonic() - started)
        each = max(1e-6, (times[-1] - times[-2]) / (sizes[-1] - sizes[-2]))
        left = max(0.0, seconds - sum(times))
        return self.settings, min(len(texts), int(left / each / passes))


def can_be_static(encoder: str) -> bool:
    """Tell whether an encoder's tokenizer is one that a single file can hold."""
    return bool(load_tokenizer(variant(encoder).name).is_fast)


class Static:
    """An encoder's static embeddings, and logistic regression: a text is looked up, not read."""

    settings: Sequence[Setting] = tuple(
        {"C": c} for c in (10.0, 100.0, 1000.0, 10_000.0, 100_000.0)
    )
    too_sure = False

    def __init__(self, encoder: str, precision: str) -> None:
        """Name the encoder; its vocabulary is read when there is a text to look up.

        Raises:
            UserError: no such model.
        """
        self.encoder, self.precision = encoder, precision
        self.name = f"static embeddings of {encoder}"
        self.tokenizer = load_tokenizer(variant(encoder).name)

    @functools.cached_property
    def network(self) -> Any:
        """The encoder."""
        return load_body_of(self.encoder).eval()

    @functools.cached_property
    def table(self) -> models.Floats:
        """A vector for every token, (V, k): the encoder reads its vocabulary once."""
        return token_table(self.network, self.tokenizer, DIMENSIONS, self.precision)

    def fit(
        self, texts: Sequence[str], labels: Labels, n_classes: int, settings: Sequence[Setting]
    ) -> Sequence[models.Model]:
        """Look the texts up and learn weights for each setting."""
        blank = models.Linear.constant(0, n_classes, self.table.shape[1])
        empty = models.StaticVectors(self.table, models.pieces_of(self.tokenizer), blank)
        parts = [empty.vectors(part) for part in models.parts_of(texts)]
        found = regressions(np.concatenate(parts), labels, n_classes, settings)
        return [replace(empty, linear=linear) for linear in found]

    def plan(
        self, texts: Sequence[str], labels: Labels, n_classes: int, seconds: float, passes: float
    ) -> tuple[Sequence[Setting], int]:
        """Time the reading of the vocabulary, and the fit with all settings of a sample."""
        some = (self.network, self.tokenizer, DIMENSIONS, self.precision, TOKENS)
        reading = second_time(lambda: token_table(*some))
        if reading * len(self.tokenizer) / TOKENS > 0.5 * seconds:
            return self.settings, 0
        started = time.monotonic()
        self.table  # noqa: B018 - what it takes is measured
        left = seconds - (time.monotonic() - started)
        few = slice(0, min(SAMPLE, len(texts)))
        started = time.monotonic()
        self.fit(texts[few], labels[few], n_classes, self.settings)
        each = max(1e-6, (time.monotonic() - started) / max(1, few.stop))
        return self.settings, min(len(texts), max(0, int(left / each / passes)))


class Frozen:
    """An encoder's mean vectors, and logistic regression; each text is read once."""

    settings: Sequence[Setting] = tuple({"C": c} for c in (*STRENGTHS, 10_000.0))
    too_sure = False

    def __init__(self, encoder: str, max_length: int, precision: str) -> None:
        """Load the encoder of that name, ``name:2`` for its first two layers.

        Raises:
            UserError: no such model, or fewer positions than ``max_length``.
        """
        self.encoder, self.max_length, self.precision = encoder, max_length, precision
        self.name = f"frozen {encoder}"
        chosen = variant(encoder)
        self.tokenizer = load_tokenizer(chosen.name)
        self.network = load_body_of(encoder)
        check_positions(self.network, max_length, encoder)
        self.read = networks.mean_vectors(self.network, self.tokenizer, max_length, precision)
        self.kept: dict[str, models.Floats] = {}

    def vectors(self, texts: Sequence[str]) -> models.Floats:
        """Return the vectors of texts, (n, d); those read before come from memory."""
        new = [text for text in dict.fromkeys(texts) if text not in self.kept]
        for part in models.parts_of(new):
            self.kept.update(zip(part, self.read(part), strict=True))
        return np.stack([self.kept[text] for text in texts])

    def fit(
        self, texts: Sequence[str], labels: Labels, n_classes: int, settings: Sequence[Setting]
    ) -> Sequence[models.Model]:
        """Read the texts and learn weights for each setting."""
        found = regressions(self.vectors(texts), labels, n_classes, settings)
        return [
            networks.FrozenVectors(
                self.vectors, linear, self.network, self.tokenizer, self.max_length
            )
            for linear in found
        ]

    def plan(
        self, texts: Sequence[str], labels: Labels, n_classes: int, seconds: float, passes: float
    ) -> tuple[Sequence[Setting], int]:
        """Time the reading of a sample, and the fit with all settings of it."""
        few = slice(0, min(SAMPLE, len(texts) // 2))
        started = time.monotonic()
        self.vectors(texts[few])
        reading = time.monotonic() - started
        started = time.monotonic()
        self.fit(texts[few], labels[few], n_classes, self.settings)
        fitting = time.monotonic() - started
        each = (reading + passes * fitting) / max(1, few.stop)
        return self.settings, min(len(texts), few.stop + int(seconds / each))


def load_body_of(encoder: str) -> Any:
    """Return the body of a model by name, ``name:2`` with its first two layers."""
    from transformers import AutoModel

    chosen = variant(encoder)
    return load_model(chosen.name, AutoModel, pretrained=not chosen.random, **chosen.config)


def regressions(
    x: Any, labels: Labels, n_classes: int, settings: Sequence[Setting]
) -> list[models.Linear]:
    """Return multinomial logistic regression for each C, each started where the last one ended.

    Args:
        x: (n, d) numbers, sparse or not.
        labels: (n,) classes, 0 to c - 1; some may be missing.
        n_classes: c.
        settings: with "C", best from small to large: then each start is near.

    >>> x = np.array([[0.0], [1.0]])
    >>> weak, strong = regressions(x, np.array([0, 1]), 2, [{"C": 1.0}, {"C": 100.0}])
    >>> bool(strong.weight[1, 0] > weak.weight[1, 0] > 0)
    True
    """
    if len(set(labels.tolist())) == 1:
        return [models.Linear.constant(labels[0], n_classes, x.shape[1])] * len(settings)
    model = LogisticRegression(max_iter=300, tol=1e-5, warm_start=True)
    found = []
    # Its products are small: two threads that wait for each other took ten times as long.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # Stopped early is stopped near the best: the settings are compared by what they predict.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Few texts of many classes are what is there, no mistaken regression.
        warnings.filterwarnings("ignore", "The number of unique classes")
        for setting in settings:
            model.set_params(C=setting["C"]).fit(x, labels)
            found.append(models.Linear.of(model, n_classes))
    return found
