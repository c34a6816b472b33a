"""Static embeddings: one vector a token, whatever stands beside it, distilled from an encoder.

They tell how much of what a pretrained network knows is in its words alone. The recipe is that of
Model2Vec (Tulkens & van Dongen 2024, github.com/MinishLab/model2vec): the encoder reads each token
of its vocabulary by itself, principal components make the vectors shorter, and frequent tokens
count for less. Its package asks for an older transformers than this project's, so the recipe
stands here. Shapes: V tokens, d hidden width, k dimensions, n texts.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[Any]

SIF = 1e-4
"""A token of probability p counts a / (a + p), with this a. Source: Arora et al. 2017, *A simple
but tough-to-beat baseline for sentence embeddings*; how frequent a token is, its rank says (Zipf),
since vocabularies begin with what is frequent."""

_UNUSED = re.compile(r"\[unused\d+\]")
_AT_ONCE = 1024


@torch.inference_mode()
def token_table(
    encoder: Any,
    tokenizer: Any,
    dimensions: int,
    precision: str = "float32",
    most: int | None = None,
) -> Floats:
    """Return a vector for every token of a vocabulary, (V, k) in 32 bits.

    Special tokens, and those that stand for none, have zeros. k is ``dimensions``, or fewer where
    the network or its vocabulary is small.

    Args:
        encoder: body of a network, in evaluation mode; it is read where it is.
        tokenizer: its.
        dimensions: numbers a token.
        most: only so many tokens, the last ones, get a vector, to see how long it takes; None: all.
        precision: "bfloat16" reads in that, twice as fast where the device multiplies in it.
    """
    around = tokenizer("")["input_ids"]
    middle = (len(around) + 1) // 2  # special tokens that every text gets: [CLS] here, [SEP] there
    words = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = {*tokenizer.all_special_ids}
    chosen = [i for i, word in enumerate(words) if i not in special and not _UNUSED.match(word)]
    chosen = chosen[-(most or len(chosen)) :]
    device = next(encoder.parameters()).device
    found = []
    for start in range(0, len(chosen), _AT_ONCE):
        ids = torch.tensor(
            [[*around[:middle], i, *around[middle:]] for i in chosen[start : start + _AT_ONCE]]
        )
        ids = ids.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            hidden = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        found.append(hidden.float().mean(1).cpu().numpy())
    return weighted(np.concatenate(found), chosen, len(words), dimensions)


def weighted(vectors: Floats, places: Sequence[int], size: int, dimensions: int) -> Floats:
    """Return token vectors, shortened by their principal components and weighted by their rank.

    Args:
        vectors: (m, d), in the order of the vocabulary.
        places: of each in the vocabulary, (m,).
        size: V; the rows of other tokens are zeros.
        dimensions: k at most.

    >>> table = weighted(np.array([[3.0, 0.0], [0.0, 3.0], [0.0, 0.0]]), [1, 2, 3], 5, 2)
    >>> table.shape, table[0].tolist(), table[4].tolist()
    ((5, 2), [0.0, 0.0], [0.0, 0.0])
    """
    most = min(dimensions, *vectors.shape)
    # Threads that wait for each other take ten times as long.
    with threadpool_limits(1, user_api="blas"):
        short = PCA(most, svd_solver="covariance_eigh").fit_transform(vectors)
    share = 1 / np.arange(2, len(short) + 2)
    weight = SIF / (SIF + share / share.sum())
    table = np.zeros((size, most), dtype=np.float32)
    table[list(places)] = short * weight[:, None]
    return table


def text_vectors(table: Floats, rows: Sequence[npt.NDArray[Any] | Sequence[int]]) -> Floats:
    """Return the mean of each text's token vectors, scaled to length 1: (V, k) to (n, k).

    A text without a token that has a vector is zeros.

    >>> text_vectors(np.array([[0.0, 0.0], [3.0, 4.0]]), [[0, 1, 1], [0]]).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    found = np.stack([table[np.asarray(row, dtype=np.int64)].sum(0) for row in rows])
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
