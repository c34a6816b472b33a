r"""Replies that are looked up: a fixed set of candidates, and who ranks them.

Which reply of people is right cannot be said, but which one was given can: of each held-out context
(what was said last) the reply that came is to be found among :data:`CANDIDATES` replies, the
others drawn once from the same split. A ranker gives each candidate a score, and
:func:`helpers.evaluation.retrieval.ranks` finds the place of the right one. Source: Henderson et
al. 2019, *A Repository of Conversational Datasets* (1-of-100 accuracy), arXiv 1904.06472.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from sklearn.feature_extraction.text import CountVectorizer
from transformers import AutoModel, PreTrainedTokenizerBase

from helpers import UserError
from helpers.sources import weights
from helpers.sources.dialogues import DialogueCorpus
from helpers.sources.duplicates import words
from helpers.tasks.bi_encoder import BiEncoder

Scores = npt.NDArray[np.float64]

CANDIDATES = 100
"""Replies among which each right one is looked for, itself included; fewer where there are not."""


def bm25_scores(
    questions: Sequence[str], candidates: Sequence[str], *, k1: float = 1.2, b: float = 0.75
) -> Scores:
    r"""Return Okapi BM25 of each candidate for each question, at least 0, (n, m).

    :math:`\sum_{w \in q} \mathrm{idf}(w) \, f (k_1 + 1) / (f + k_1 (1 - b + b \, l / \bar l))`,
    with f how often w occurs in the candidate, l its length in words and idf(w) =
    :math:`\ln(1 + (m - d + 0.5) / (d + 0.5))`, d the candidates with w. Source: Robertson and
    Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009); idf as in Lucene.

    >>> bm25_scores(["cats"], ["cats purr", "dogs bark"]).round(3).tolist()
    [[0.693, 0.0]]
    """
    if not len(questions) or not len(candidates):
        raise UserError(
            f"Ranking needs questions and candidates; there are {len(questions)} and "
            f"{len(candidates)}."
        )
    counter = CountVectorizer(analyzer=words)
    counts = counter.fit_transform(candidates).toarray().astype(float)
    lengths = counts.sum(1, keepdims=True)
    holding = (counts > 0).sum(0)
    idf = np.log1p((len(counts) - holding + 0.5) / (holding + 0.5))
    weighed = (
        idf * counts * (k1 + 1) / (counts + k1 * (1 - b + b * lengths / max(lengths.mean(), 1e-9)))
    )
    return counter.transform(questions).toarray() @ weighed.T


def draw_candidates(replies: Sequence[str], seed: int, most: int = CANDIDATES) -> npt.NDArray:
    """Return the candidates of each item, (n, m), as numbers of items whose reply is meant.

    Column 0 is the item itself; the others are drawn without replacement from the replies that are
    different (case, punctuation and spaces aside), each counted once. m is ``most``, or what there
    is.

    Args:
        replies: of the n items of a split.
        seed: of the draw; :meth:`ReplyRetrieval.candidates` takes it from the corpus's hash.
        most: candidates of an item.

    Raises:
        UserError: fewer than two different replies.

    >>> draw_candidates(["Yes.", "yes", "No"], seed=0)
    array([[0, 2],
           [1, 2],
           [2, 0]])
    """
    keys: dict[tuple[str, ...], int] = {}
    kinds = np.array([keys.setdefault(tuple(words(text)), len(keys)) for text in replies], int)
    if len(keys) < 2:
        raise UserError(
            f"Replies are looked up among different ones; there {'is' if len(keys) == 1 else 'are'}"
            f" {len(keys)} in {len(replies)} pairs."
        )
    first = np.unique(kinds, return_index=True)[1]
    others = min(most, len(keys)) - 1
    rng = np.random.default_rng(seed)
    drawn = []
    for item, kind in enumerate(kinds):
        chosen = rng.choice(len(keys) - 1, others, replace=False)
        drawn.append([item, *first[chosen + (chosen >= kind)]])
    return np.array(drawn)


@dataclass(frozen=True)
class ReplyRetrieval:
    """Pairs of context and reply as a ranking task.

    Attributes:
        corpus: pairs with fixed splits, see :func:`helpers.sources.dialogues.load_dialogues`.
        max_length: tokens kept of a context, and of a reply, special tokens included.
    """

    corpus: DialogueCorpus
    max_length: int = 32

    def __post_init__(self) -> None:
        """Check the length before any work."""
        if self.max_length < 3:
            raise UserError(
                f"max_length must be at least 3 (two special tokens and one of text), "
                f"not {self.max_length}."
            )

    def items(self, split: str) -> Dataset:
        """Return all pairs of a split, columns ``source``, ``target`` and ``origin``."""
        return self.corpus.splits[split]

    def encode(self, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
        """Return token ids of each text, cut at ``max_length``, unpadded."""
        found = tokenizer(list(texts), truncation=True, max_length=self.max_length)["input_ids"]
        return [list(row) for row in found]

    def candidates(self, split: str) -> npt.NDArray:
        """Return the candidates of each item of a split, see :func:`draw_candidates`."""
        seed = int(self.corpus.fingerprint[:8], 16)
        return draw_candidates(self.items(split)["target"][:], seed)

    def groups(self, split: str) -> list[str] | None:
        """Return the conversation of each item, where pairs come from whole ones; else None."""
        return list(self.items(split)["origin"]) if self.corpus.by_origin else None

    def build_model(self, name: str, *, pretrained: bool, seed: int) -> BiEncoder:
        """Return a bi-encoder on the encoder called ``name``.

        Raises:
            UserError: as :func:`weights.load_model`; ``max_length`` beyond the model's positions.
        """
        backbone = weights.load_model(name, AutoModel, pretrained=pretrained, seed=seed)
        weights.check_inputs(backbone, self.max_length, name)
        return BiEncoder(backbone)
