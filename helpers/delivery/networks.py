"""What is delivered of an encoder or a fine-tuned network: it reads the texts.

Shapes: n texts, b of a batch, t tokens, c classes, d numbers a text.
"""

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax

from helpers.delivery.models import Floats, Linear, parts_of
from helpers.tasks.heads import mean_pool
from helpers.training.loop import Row, read

NEAR = 0.2
"""A lead of one logit over the next that rounding to bfloat16 may turn round."""


@dataclass(frozen=True)
class FrozenVectors:
    """Logistic regression on an encoder's mean token vectors, scaled to length 1.

    The same as sentence-transformers' Transformer, Pooling, Normalize and Dense. Source: Reimers &
    Gurevych 2019 (Sentence-BERT, arXiv 1908.10084).

    Attributes:
        vectors: texts to (n, d), of length 1.
        linear: the classes' weights.
        encoder: the network, to be saved; None where only vectors are at hand.
        tokenizer: the encoder's.
        max_length: tokens kept of a text.
    """

    vectors: Callable[[Sequence[str]], Floats]
    linear: Linear
    encoder: Any = None
    tokenizer: Any = None
    max_length: int = 128
    kind: str = "frozen"

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return the probability of each class, (n, c)."""
        return self.linear.by_parts(self.vectors, texts)


@dataclass(frozen=True)
class FineTuned:
    """A network of the library with its own classification head, all of it trained.

    Attributes:
        network: in 32 bits.
        tokenizer: the network's.
        max_length: tokens kept of a text.
        precision: in which texts are read: "bfloat16" is quicker, and what it leaves open is read
            again in 32 bits.
    """

    network: Any
    tokenizer: Any
    max_length: int = 128
    precision: str = "float32"
    kind: str = "fine_tuned"

    @functools.cached_property
    def rounded(self) -> Any:
        """A copy with its weights in bfloat16, which reads in three quarters of autocast's time.

        What changes the network afterwards does not change it.
        """
        return copy.deepcopy(self.network).to(torch.bfloat16)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return the probability of each class, (n, c)."""
        quick = self.network if self.precision == "float32" else self.rounded
        parts = []
        for part in parts_of(texts):
            rows = training_rows(part, self.tokenizer, self.max_length)
            logits = np.stack(read(quick, rows)).astype(float)
            near = unsure(logits)
            if quick is not self.network and len(near):
                logits[near] = read(self.network, [rows[i] for i in near])
            parts.append(softmax(logits, axis=1))
        return np.concatenate([np.zeros((0, self.network.config.num_labels)), *parts])


def unsure(logits: Floats) -> npt.NDArray[np.int64]:
    """Return the texts whose two largest logits lie so near that rounding may decide, (n, c).

    In bfloat16 a logit of MiniLM is off by 0.02 on the mean; those texts are read again in 32 bits,
    so that the answer is the one that any other tool gives.

    >>> unsure(np.array([[2.0, 1.9, 0.0], [3.0, 0.0, 0.0]]))
    array([0])
    """
    if logits.shape[1] < 2:
        return np.empty(0, dtype=np.int64)
    second, first = np.partition(logits, -2, axis=1)[:, -2:].T
    return np.flatnonzero(first - second < NEAR)


class MeanVectors(torch.nn.Module):
    """An encoder whose answer is its mean token vector, scaled to length 1."""

    def __init__(self, encoder: Any) -> None:
        """Take the encoder."""
        super().__init__()
        self.encoder = encoder

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return (b, d) of token ids (b, t)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return torch.nn.functional.normalize(mean_pool(hidden.float(), attention_mask), dim=1)


def mean_vectors(
    encoder: Any, tokenizer: Any, max_length: int, precision: str = "float32"
) -> Callable[[Sequence[str]], Floats]:
    """Return the function from texts to their mean token vectors, (n, d), of length 1."""
    net = MeanVectors(encoder)

    def vectors(texts: Sequence[str]) -> Floats:
        rows = training_rows(texts, tokenizer, max_length)
        return np.stack(read(net, rows, precision=precision, features=True))

    return vectors


def training_rows(
    texts: Sequence[str], tokenizer: Any, max_length: int, labels: Sequence[int] | None = None
) -> list[Row]:
    """Return texts as the training loop's rows: token ids, cut at ``max_length``, and class."""
    ids = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return [
        (np.asarray(row or [0]), np.asarray(label))
        for row, label in zip(ids, labels if labels is not None else [0] * len(ids), strict=True)
    ]


def precision_of(device: str) -> str:
    """Return "bfloat16" where the device multiplies in it, else "float32"."""
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    fast = device == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "bfloat16" if fast else "float32"
