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
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    texts: Iterable[str],
    *,
    keep: Iterable[str] = (),
) -> tuple[Any, PreTrainedTokenizerBase]:
    """Return a copy of the model with fewer word vectors, and the tokenizer that goes with it.

    Kept are the tokens that occur in ``texts``, special tokens, single characters (bytes, in BPE)
    and, in BPE, whatever those tokens are merged from. Ids keep their order. The texts
    are split as before and have the same logits. In other texts a word that fell away is spelled
    with shorter pieces, which may cost accuracy: score on texts that had no say in the choice.

    Args:
        model: a classifier with a ``backbone``; stays as it is.
        tokenizer: the model's, with WordPiece (BERT's) or byte-level BPE (GPT-2's).
        texts: decide which tokens stay; the training texts, say.

        keep: tokens that stay in any case, as the vocabulary writes them.

    Raises:
        UserError: a vocabulary of another kind, no text, or a token to keep that there is not.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    spec = json.loads(backend.to_str()) if backend is not None else {"model": {}}
    kind = spec["model"].get("type")
    bytewise = kind == "BPE" and '"ByteLevel"' in json.dumps(spec["pre_tokenizer"])
    if kind != "WordPiece" and not bytewise:
        raise UserError(f"Only WordPiece and byte-level BPE can be trimmed, not {kind}.")
    listed, kept = list(texts), set(keep)
    if not listed:
        raise UserError("Trimming a vocabulary needs at least one text.")
    vocabulary = dict(spec["model"]["vocab"])
    vocabulary |= {token["content"]: token["id"] for token in spec["added_tokens"]}
    if unknown := sorted(kept - set(vocabulary)):
        raise UserError(f"The vocabulary has no token '{unknown[0]}' to keep.")
    used = {i for ids in tokenizer(listed)["input_ids"] for i in ids}
    prefix = spec["model"].get("continuing_subword_prefix") or ""
    kept |= {token["content"] for token in spec["added_tokens"]} | set(tokenizer.all_special_tokens)
    kept |= {t for t, i in vocabulary.items() if i in used or len(t.removeprefix(prefix)) == 1}
    if bytewise:
        kept = _with_parts(kept, spec["model"]["merges"])
    in_order = sorted(kept, key=vocabulary.__getitem__)
    new = {token: at for at, token in enumerate(in_order)}
    return (
        _with_rows(model, [vocabulary[token] for token in in_order], new.get(tokenizer.pad_token)),
        _renumbered(spec, new, tokenizer),
    )


def _with_parts(kept: set[str], merges: list[Any]) -> set[str]:
    """Return ``kept`` and, for each token, both halves of every merge that makes it, and theirs.

    With them a kept token is merged as before: no step on the way to it is missing.
    """
    halves: dict[str, set[str]] = {}
    for first, second in merges:
        halves.setdefault(first + second, set()).update((first, second))
    reached: set[str] = set()
    waiting = list(kept)
    while waiting:
        token = waiting.pop()
        if token not in reached:
            reached.add(token)
            waiting.extend(halves.get(token, ()))
    return reached


def _renumbered(
    spec: dict[str, Any], new: dict[str, int], tokenizer: PreTrainedTokenizerBase
) -> PreTrainedTokenizerBase:
    """Return a tokenizer with the vocabulary ``new``; every id that its file holds follows."""
    old = spec["model"]["vocab"]
    spec["model"]["vocab"] = {token: at for token, at in new.items() if token in old}
    if "merges" in spec["model"]:
        spec["model"]["merges"] = [
            [first, second]
            for first, second in spec["model"]["merges"]
            if {first, second, first + second} <= new.keys()
        ]
    spec["padding"] = spec["truncation"] = None
    for token in spec["added_tokens"]:
        token["id"] = new[token["content"]]
    post: dict[str, Any] = spec["post_processor"] or {}
    for name, token in post.get("special_tokens", {}).items():  # a template
        token["ids"] = [new[name]]
    for end in ("cls", "sep"):  # BERT's own form
        if end in post:
            post[end][1] = new[post[end][0]]
    names = [f"{name}_token" for name in ("pad", "unk", "cls", "sep", "mask", "bos", "eos")]
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
    config = twin.backbone.config
    config.vocab_size, config.pad_token_id = len(rows), padding
    at = {old_id: new_id for new_id, old_id in enumerate(rows)}
    for name in ("bos_token_id", "eos_token_id"):
        if getattr(config, name, None) is not None:
            setattr(config, name, at.get(getattr(config, name)))
    return twin
