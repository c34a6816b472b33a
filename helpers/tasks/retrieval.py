r"""Replies that are looked up: BM25, TF-IDF, and a bi-encoder tuned with in-batch negatives.

A ranker gives each of n questions a score for each of m candidate replies, (n, m); the right one is
found by :func:`helpers.evaluation.retrieval.ranks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from torch import nn
from transformers import AutoModel, BatchEncoding, PreTrainedTokenizerBase
from transformers.modeling_outputs import SequenceClassifierOutput

from helpers import UserError
from helpers.sources import weights
from helpers.sources.duplicates import words
from helpers.tasks.heads import mean_pool

Scores = npt.NDArray[np.float64]


def tfidf_scores(
    questions: Sequence[str], candidates: Sequence[str], known: Sequence[str]
) -> Scores:
    """Return cosine similarities of TF-IDF vectors of words, in [0, 1]; rare words of ``known``.

    >>> tfidf_scores(["open a file"], ["close it", "open files"], ["open", "close"]).argmax()
    np.int64(1)
    """
    _check(questions, candidates)
    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True)
    vectorizer.fit([*known, *candidates])
    return (vectorizer.transform(questions) @ vectorizer.transform(candidates).T).toarray()


def bm25_scores(
    questions: Sequence[str], candidates: Sequence[str], *, k1: float = 1.2, b: float = 0.75
) -> Scores:
    r"""Return Okapi BM25 of each candidate for each question, at least 0.

    :math:`\sum_{w \in q} \mathrm{idf}(w) \, f (k_1 + 1) / (f + k_1 (1 - b + b \, l / \bar l))`,
    with f how often w occurs in the candidate, l its length in words and idf(w) =
    :math:`\ln(1 + (m - d + 0.5) / (d + 0.5))`, d the candidates with w. Source: Robertson and
    Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009); idf as in Lucene.

    >>> bm25_scores(["cats"], ["cats purr", "dogs bark"]).round(3).tolist()
    [[0.693, 0.0]]
    """
    _check(questions, candidates)
    counter = CountVectorizer(analyzer=words)
    counts = counter.fit_transform(candidates).toarray().astype(float)
    lengths = counts.sum(1, keepdims=True)
    holding = (counts > 0).sum(0)
    idf = np.log1p((len(counts) - holding + 0.5) / (holding + 0.5))
    weighed = (
        idf * counts * (k1 + 1) / (counts + k1 * (1 - b + b * lengths / max(lengths.mean(), 1e-9)))
    )
    return counter.transform(questions).toarray() @ weighed.T


class BiEncoder(nn.Module):
    """One encoder for questions and replies; their score is the cosine of the mean token vectors.

    In a batch of b pairs the replies of the other pairs are the wrong candidates of each question
    (in-batch negatives), so the loss is the cross-entropy over b candidates. Sources: Reimers and
    Gurevych 2019 (Sentence-BERT); Henderson et al. 2017, arXiv 1705.00652 (in-batch negatives). The
    scale 20 is sentence-transformers' default.
    """

    def __init__(self, backbone: Any, scale: float = 20.0):
        """Wrap an encoder."""
        super().__init__()
        self.backbone, self.scale = backbone, scale
        self.config = backbone.config

    def embed(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return vectors of length 1, (b, d)."""
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        return nn.functional.normalize(mean_pool(hidden.last_hidden_state, attention_mask), dim=-1)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        reply_ids: torch.Tensor,
        reply_mask: torch.Tensor,
        labels: torch.Tensor,
    ) -> SequenceClassifierOutput:
        """Return logits (b, b) and their cross-entropy.

        ``labels`` (b,) number the replies: an equal reply to another question is no wrong one, and
        is left out of the candidates.
        """
        logits = self.scale * (
            self.embed(input_ids, attention_mask) @ self.embed(reply_ids, reply_mask).T
        )
        own = torch.arange(len(logits), device=logits.device)
        same = (labels[:, None] == labels[None, :]) & (own[:, None] != own[None, :])
        logits = logits.masked_fill(same, float("-inf"))
        return SequenceClassifierOutput(nn.functional.cross_entropy(logits, own), logits)


@dataclass(frozen=True)
class Retrieval:
    """Pairs of question and reply as a ranking task; ``max_length`` tokens of each are kept."""

    max_length: int = 64

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return token ids of both sides, unpadded; ``labels`` number the different replies."""
        number: dict[str, int] = {}
        sides = [
            tokenizer(list(items[side]), truncation=True, max_length=self.max_length)["input_ids"]
            for side in ("source", "target")
        ]
        labels = [number.setdefault(text, len(number)) for text in items["target"]]
        return Dataset.from_dict({"input_ids": sides[0], "reply_ids": sides[1], "labels": labels})

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Any:
        """Return what pads both sides, each to its own longest."""

        def pad(rows: list[dict[str, Any]]) -> BatchEncoding:
            asked = tokenizer.pad(
                [{"input_ids": row["input_ids"]} for row in rows], return_tensors="pt"
            )
            told = tokenizer.pad(
                [{"input_ids": row["reply_ids"]} for row in rows], return_tensors="pt"
            )
            asked["reply_ids"], asked["reply_mask"] = told["input_ids"], told["attention_mask"]
            asked["labels"] = torch.tensor([row["labels"] for row in rows])
            return asked

        return pad

    def build_model(self, name: str, *, pretrained: bool, seed: int, **config: Any) -> BiEncoder:
        """Return a bi-encoder on the encoder called ``name``.

        Raises:
            UserError: as :func:`weights.load_model`; ``max_length`` beyond the model's positions.
        """
        backbone = weights.load_model(name, AutoModel, pretrained=pretrained, seed=seed, **config)
        weights.check_inputs(backbone, self.max_length, name)
        return BiEncoder(backbone)

    @torch.inference_mode()
    def scores(
        self,
        model: BiEncoder,
        tokenizer: PreTrainedTokenizerBase,
        questions: Sequence[str],
        candidates: Sequence[str],
        batch_size: int = 32,
    ) -> Scores:
        """Return cosines of questions and candidates, (n, m), in [-1, 1]."""
        _check(questions, candidates)
        model.eval()
        vectors = []
        for texts in (questions, candidates):
            parts = []
            for start in range(0, len(texts), batch_size):
                batch = tokenizer(
                    list(texts[start : start + batch_size]),
                    truncation=True,
                    max_length=self.max_length,
                    padding=True,
                    return_token_type_ids=False,
                    return_tensors="pt",
                ).to(model.backbone.device)
                parts.append(model.embed(**batch).double().cpu().numpy())
            vectors.append(np.concatenate(parts))
        return vectors[0] @ vectors[1].T


def _check(questions: Sequence[str], candidates: Sequence[str]) -> None:
    if not len(questions) or not len(candidates):
        raise UserError(
            f"Ranking needs questions and candidates; there are {len(questions)} and "
            f"{len(candidates)}."
        )
