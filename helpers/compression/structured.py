"""Structured pruning: whole layers and positions go, so that the model really is smaller.

For encoders built as BERT is (layers with ``attention.self``, ``attention.output``,
``intermediate`` and ``output``). All functions change the model in place.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn

from helpers import UserError


def drop_layers(model: Any, keep: Sequence[int]) -> nn.Module:
    """Keep only these layers, in their order; the configuration says so.

    Source: Sajjad et al. 2020, *Poor man's BERT*, arXiv 2004.03844.

    Raises:
        UserError: no layer, one that there is not, or one twice.
    """
    layers = _layers(model)
    if not keep or sorted(set(keep)) != list(keep) or not 0 <= keep[0] <= keep[-1] < len(layers):
        raise UserError(
            f"The layers kept must be some of 0 to {len(layers) - 1} in rising order, "
            f"not {list(keep)}."
        )
    model.backbone.encoder.layer = nn.ModuleList([layers[at] for at in keep])
    model.backbone.config.num_hidden_layers = len(keep)
    return model


def keep_positions(model: Any, length: int) -> nn.Module:
    """Keep the vectors of the first ``length`` positions; the configuration says so.

    Texts cut at ``length`` tokens, special ones included, have the same logits; longer ones cannot
    be read any more.

    Raises:
        UserError: fewer than one position, or more than there are.
    """
    _layers(model)
    embeddings = model.backbone.embeddings
    there = embeddings.position_embeddings.num_embeddings
    if not 1 <= length <= there:
        raise UserError(
            f"The model has {there} positions; length must be from 1 to {there}, not {length}."
        )
    kept = embeddings.position_embeddings.weight.detach()[:length].clone()
    embeddings.position_embeddings = nn.Embedding.from_pretrained(kept, freeze=False)
    for name in ("position_ids", "token_type_ids"):
        setattr(embeddings, name, getattr(embeddings, name)[:, :length])
    model.backbone.config.max_position_embeddings = length
    return model


def _layers(model: Any) -> Any:
    layers = getattr(getattr(getattr(model, "backbone", None), "encoder", None), "layer", None)
    if layers is None or not hasattr(layers[0], "intermediate"):
        raise UserError(
            "Structured pruning knows encoders built as BERT is; "
            f"{type(getattr(model, 'backbone', model)).__name__} is not."
        )
    return layers
