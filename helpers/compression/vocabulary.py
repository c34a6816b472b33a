"""A smaller vocabulary: only the tokens that the texts use, and the pieces that spell the rest."""

import copy
import json
from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from helpers import UserError


def trim_vocabulary(
    model: Any, tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]
) -> tuple[Any, PreTrainedTokenizerBase]:
    """Return a copy of the model with fewer word vectors, and the tokenizer that goes with it.

    Kept are the tokens that occur in ``texts``, special tokens, and single characters. The texts
    are split as before and have the same logits. In other texts a word that fell away is spelled
    with shorter pieces, which may cost accuracy: score on texts that had no say in the choice.

    Args:
        model: a classifier with a ``backbone``; stays as it is.
        tokenizer: the model's, with a WordPiece vocabulary (BERT's).
        texts: decide which tokens stay; the training texts, say.

    Raises:
        UserError: a vocabulary of another kind, or no text.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    spec = json.loads(backend.to_str()) if backend is not None else {"model": {}}
    kind = spec["model"].get("type")
    if kind != "WordPiece":
        raise UserError(f"Only WordPiece vocabularies (BERT's) can be trimmed, not {kind}.")
    listed = list(texts)
    if not listed:
        raise UserError("Trimming a vocabulary needs at least one text.")
    used = {i for ids in tokenizer(listed)["input_ids"] for i in ids} | set(
        tokenizer.all_special_ids
    )
    prefix = spec["model"]["continuing_subword_prefix"]
    by_id = sorted(spec["model"]["vocab"].items(), key=lambda item: item[1])
    kept = [(t, i) for t, i in by_id if i in used or len(t.removeprefix(prefix)) == 1]
    new = {token: at for at, (token, _) in enumerate(kept)}
    return (
        _with_rows(model, [i for _, i in kept], new.get(str(tokenizer.pad_token))),
        _renumbered(spec, new, tokenizer),
    )


def _renumbered(
    spec: dict[str, Any], new: dict[str, int], tokenizer: PreTrainedTokenizerBase
) -> PreTrainedTokenizerBase:
    """Return a tokenizer with the vocabulary ``new``; every id that its file holds follows."""
    spec["model"]["vocab"] = new
    spec["padding"] = spec["truncation"] = None
    for token in spec["added_tokens"]:
        token["id"] = new[token["content"]]
    post: dict[str, Any] = spec["post_processor"] or {}
    for name, token in post.get("special_tokens", {}).items():  # a template
        token["ids"] = [new[name]]
    for end in ("cls", "sep"):  # BERT's own form
        if end in post:
            post[end][1] = new[post[end][0]]
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(spec)),
        model_max_length=tokenizer.model_max_length,
        **{name: str(token) for name in names if (token := getattr(tokenizer, name)) is not None},
    )


def _with_rows(model: Any, rows: list[int], padding: int | None) -> Any:
    twin = copy.deepcopy(model)
    old = twin.backbone.get_input_embeddings().weight.detach()
    embedding = nn.Embedding(len(rows), old.shape[1], padding_idx=padding)
    with torch.no_grad():
        embedding.weight.copy_(old[rows])
    twin.backbone.set_input_embeddings(embedding)
    twin.backbone.config.vocab_size = len(rows)
    twin.backbone.config.pad_token_id = padding
    return twin
