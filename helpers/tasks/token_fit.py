"""How well a tokenizer fits texts: what it does not know, and what is cut off."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from helpers.sources.duplicates import words


@dataclass(frozen=True)
class TokenFit:
    """Fit of a tokenizer to texts.

    Attributes:
        tokens_a_word: mean, at least about 1; a Chinese character counts as a word.
        unknown: share of tokens that stand for "unknown", in [0, 1].
        cut: share of texts that lose tokens at the length allowed, in [0, 1].
    """

    tokens_a_word: float
    unknown: float
    cut: float


def token_fit(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> TokenFit:
    """Return the fit of a tokenizer; ``max_length`` counts special tokens too.

    Byte-level tokenizers know everything: what is foreign to them shows as many tokens a word.

    >>> from helpers.sources.weights import load_tokenizer
    >>> fit = token_fit(["The model learns.", "词"], load_tokenizer("minilm"), 5)
    >>> round(fit.tokens_a_word, 2), fit.cut
    (1.25, 0.5)
    """
    # verbose: its advice about lengths is what this function measures
    bare = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    special = tokenizer.num_special_tokens_to_add()
    tokens = [token for row in bare for token in row]
    # Byte-level tokenizers call their one special token "unknown" as well.
    unknown = None if tokenizer.unk_token_id == tokenizer.eos_token_id else tokenizer.unk_token_id
    spoken = sum(len(words(text)) for text in texts if re.search(r"\w", text))
    return TokenFit(
        tokens_a_word=len(tokens) / max(1, spoken),
        unknown=tokens.count(unknown) / max(1, len(tokens)),
        cut=sum(len(row) + special > max_length for row in bare) / len(bare),
    )
