"""A tokenizer learned from raw text: byte-level byte-pair encoding, as GPT-2 and RoBERTa use.

The alphabet is the 256 bytes, so no text is unknown and decoding gives back what was encoded, byte
for byte. Then the most frequent neighbouring pair is merged into a new token, again and again,
until the vocabulary is full. Sources: Sennrich et al. 2016 (arXiv 1508.07909); Radford et al. 2019
(GPT-2), which took bytes as the alphabet.
"""

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from helpers import UserError

END = "<|endoftext|>"
"""Stands before and after every document, as in GPT-2."""
PAD = "<pad>"
MASK = "<mask>"
SMALLEST = 256 + 3
"""The bytes and the three special tokens: no vocabulary can be smaller."""


def train_bytepairs(
    texts: Iterable[str], vocabulary: int, *, positions: int = 1024
) -> PreTrainedTokenizerFast:
    """Return a tokenizer learned from ``texts``; equal texts give an equal tokenizer.

    Padding has a token of its own. (GPT-2's tokenizer has none; whoever lets the end token stand in
    for it also hides the real ends of documents from the loss.)

    Args:
        texts: what to learn from: the training split, never the held-out ones.
        vocabulary: tokens in all, special ones included; fewer where the texts run out of pairs.
        positions: the longest row that the models will take; only a warning depends on it.

    Raises:
        UserError: ``vocabulary`` is below 259, or no text has a character.

    >>> tokenizer = train_bytepairs(["news of the new newspaper"] * 3, vocabulary=263)
    >>> tokenizer.tokenize("new news")
    ['new', 'Ġnew', 's']
    >>> tokenizer.decode(tokenizer("新闻 ok")["input_ids"])
    '新闻 ok'
    """
    if vocabulary < SMALLEST:
        raise UserError(
            f"vocabulary must be at least {SMALLEST} (256 bytes and 3 special tokens), "
            f"not {vocabulary}."
        )
    texts = with_characters(texts)
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=[END, PAD, MASK],
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=END,
        eos_token=END,
        pad_token=PAD,
        mask_token=MASK,
        model_max_length=positions,
        clean_up_tokenization_spaces=False,
    )


def with_characters(texts: Iterable[str]) -> list[str]:
    """Return the texts that a tokenizer can learn from: those that are not empty.

    Raises:
        UserError: no text has a character.
    """
    found = [text for text in texts if text]
    if not found:
        raise UserError("There is no text to learn a tokenizer from; give at least one.")
    return found


def token_ids(texts: list[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Return the ids of each text, without special tokens, whole (nothing is cut).

    A text that happens to contain "<|endoftext|>" is text: it is split into its bytes' tokens and
    does not become the mark that ends a document.

    Raises:
        UserError: a text is empty.

    >>> tokenizer = train_bytepairs(["abc"], vocabulary=259)
    >>> [len(ids) for ids in token_ids(["abc", "<pad>"], tokenizer)]
    [3, 5]
    """
    for i, text in enumerate(texts):
        if not text:
            raise UserError(f"Document {i} is empty; leave out documents without text.")
    if not texts:
        return []
    return tokenizer(
        texts,
        add_special_tokens=False,
        return_attention_mask=False,
        split_special_tokens=True,
        verbose=False,
    )["input_ids"]


def boundaries(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """Return the ids of the tokens that stand before and after a document.

    Raises:
        UserError: the tokenizer has no such tokens.

    >>> boundaries(train_bytepairs(["abc"], vocabulary=259))
    (0, 0)
    """
    pairs = (
        (tokenizer.bos_token_id, tokenizer.eos_token_id),
        (tokenizer.eos_token_id, tokenizer.eos_token_id),
        (tokenizer.cls_token_id, tokenizer.sep_token_id),
    )
    for first, last in pairs:
        if first is not None and last is not None:
            return first, last
    raise UserError("The tokenizer has no token that ends a document (eos or sep).")


def check_fit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer that has more tokens than the model has embeddings.

    Raises:
        UserError: it does; the model would look up rows that do not exist.
    """
    embeddings: Any = model.get_input_embeddings()
    known = embeddings.weight.shape[0]
    if len(tokenizer) > known:
        raise UserError(
            f"The tokenizer has {len(tokenizer)} tokens, {type(model).__name__} knows only {known}:"
            " take the tokenizer that belongs to the model."
        )
