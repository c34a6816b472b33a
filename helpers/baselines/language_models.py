"""What a language model has to beat: models that count, and file compressors.

All in bits per byte of UTF-8 text, so that they stand on one scale with any language model
whatever its tokenizer (see :func:`helpers.tasks.language_modeling.bits_per_byte`).
"""

import gzip
import lzma
import math
from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from helpers.tasks.bytepairs import boundaries, token_ids


def unigram_bytes(train: Sequence[str], test: Sequence[str]) -> float:
    """Return the bits per byte of ``test`` under the byte frequencies of ``train`` (add one).

    The 257th symbol ends a document, which a language model has to predict as well.

    >>> round(unigram_bytes(["ab"] * 10**6, ["ab"]), 2)  # a, b and the end, a third each
    2.38
    """
    counts, found = 1.0 + _symbols(train), _symbols(test)
    bits = -np.log2(counts / counts.sum())
    return float(found @ bits / found[:256].sum())


def _symbols(texts: Sequence[str]) -> np.ndarray:
    """Return how often each byte occurs, and behind them how many texts there are, (257,)."""
    data = np.frombuffer("".join(texts).encode(), np.uint8)
    return np.append(np.bincount(data, minlength=256), len(texts))


def unigram_tokens(
    train: Sequence[str], test: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> tuple[float, float]:
    """Return bits per byte and nats per token of ``test`` under ``train``'s token frequencies.

    What the tokenizer alone is worth: any model that looks at no other token can do no better.
    """
    _, last = boundaries(tokenizer)
    counts, found = np.ones(len(tokenizer)), np.zeros(len(tokenizer))
    for texts, total in ((train, counts), (test, found)):
        for ids in token_ids(list(texts), tokenizer):
            total += np.bincount(ids, minlength=len(tokenizer))
        total[last] += len(texts)
    nats = float(found @ -np.log(counts / counts.sum()))
    size = sum(len(text.encode()) for text in test)
    return nats / math.log(2) / size, nats / float(found.sum())


def gzip_bits(test: Sequence[str]) -> float:
    """Return the bits per byte of ``test`` in one gzip file (level 9), headers included."""
    data = "\n".join(test).encode()
    return 8 * len(gzip.compress(data, 9, mtime=0)) / len(data)


def lzma_bits(test: Sequence[str], known: Sequence[str] = ()) -> float:
    """Return the bits per byte of ``test`` under LZMA, which may have read ``known`` before.

    With ``known`` it is the growth of the file when ``test`` is appended: the fair opponent of a
    model that was trained on those texts.

    >>> text = "".join(map(chr, np.random.default_rng(0).integers(97, 123, 4000)))
    >>> lzma_bits([text], known=[text]) < 0.1 < lzma_bits([text])
    True
    """
    settings = {"format": lzma.FORMAT_RAW, "filters": [{"id": lzma.FILTER_LZMA2, "preset": 9}]}
    data, before = "\n".join(test).encode(), "\n".join([*known, ""]).encode() if known else b""
    size = len(lzma.compress(before + data, **settings))  # type: ignore[arg-type]
    return 8 * (size - len(lzma.compress(before, **settings)) * bool(known)) / len(data)  # type: ignore[arg-type]
