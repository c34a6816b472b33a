"""Structured pruning: whole heads, neurons and layers go, so that the model really is smaller.

For encoders built as BERT is (layers with ``attention.self``, ``attention.output``,
``intermediate`` and ``output``). All functions change the model in place. Shapes: l layers,
h heads, f neurons in a layer.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers.pytorch_utils import prune_linear_layer

from helpers import UserError


def head_importance(
    model: nn.Module, rows: Dataset, collator: Any, batch_size: int = 32
) -> np.ndarray:
    r"""Return how much the loss hangs on each attention head, (l, h), in [0, inf).

    The mean over items of |∂L/∂ξ|, where ξ = 1 multiplies the head's output; each layer divided by
    its ℓ2 norm, as layers differ in the size of their gradients. Source: Michel, Levy & Neubig
    2019, *Are sixteen heads really better than one?* (NeurIPS, arXiv 1905.10650), section 4.1.
    """
    layers = _layers(model)
    heads = [layer.attention.self.num_attention_heads for layer in layers]
    if len(set(heads)) > 1:
        raise UserError(f"Every layer must have as many heads as the others, not {heads}.")
    gates: list[torch.Tensor] = []  # of each layer in turn, (b, h): one an item

    def gate(_module: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        parts = inputs[0].unflatten(-1, (heads[0], -1))  # (b, t, h, d/h)
        gates.append(parts.new_ones(len(parts), heads[0]).requires_grad_())
        return ((parts * gates[-1][:, None, :, None]).flatten(-2),)

    dense = [layer.attention.output.dense for layer in layers]
    hooks = [one.register_forward_pre_hook(gate) for one in dense]
    total = np.zeros((len(layers), heads[0]))
    try:
        for loss in _losses(model, rows, collator, batch_size):
            gradients = torch.autograd.grad(loss, gates)
            total += torch.stack(gradients).abs().sum(1).double().cpu().numpy()
            gates.clear()
    finally:
        for hook in hooks:
            hook.remove()
    return total / np.linalg.norm(total, axis=1, keepdims=True).clip(1e-300)


def least_important(importance: np.ndarray, share: float) -> dict[int, list[int]]:
    """Return the heads to prune, by layer: the same number of each layer, the least important.

    ``importance`` (l, h); round(share·h) heads of each layer. So every layer keeps one width.

    Raises:
        UserError: no head of a layer would be left.

    >>> least_important(np.array([[0.3, 0.1, 0.2], [0.5, 0.9, 0.7]]), 0.34)
    {0: [1], 1: [0]}
    """
    n = importance.shape[1]
    taken = round(share * n)
    if not 0 <= taken < n:
        raise UserError(
            f"Pruning {share:g} of {n} heads would leave {n - taken} in a layer; keep at least one."
        )
    order = np.argsort(importance, axis=1, kind="stable")[:, :taken]
    return {layer: sorted(map(int, heads)) for layer, heads in enumerate(order)}


def prune_heads(model: nn.Module, heads: Mapping[int, Collection[int]]) -> nn.Module:
    """Take attention heads out: rows of query, key and value, columns of the output.

    Args:
        model: stays, but for its attention matrices. BERT's configuration cannot say that a layer
            has fewer heads of the same size, so such a model is exported
            (:mod:`helpers.compression.export`), not saved as a folder.
        heads: of each layer, which heads go.

    Raises:
        UserError: a layer or a head that there is not, or every head of a layer.
    """
    for layer, gone in _checked(model, heads).items():
        attention, size = layer.attention.self, layer.attention.self.attention_head_size
        kept = [h for h in range(attention.num_attention_heads) if h not in set(gone)]
        index: Any = torch.tensor([h * size + i for h in kept for i in range(size)])
        for name in ("query", "key", "value"):
            setattr(attention, name, prune_linear_layer(getattr(attention, name), index))
        output = layer.attention.output
        output.dense = prune_linear_layer(output.dense, index, dim=1)
        attention.num_attention_heads = len(kept)
        attention.all_head_size = len(index)
    return model


def neuron_importance(
    model: nn.Module, rows: Dataset, collator: Any, batch_size: int = 32
) -> np.ndarray:
    r"""Return how much the loss hangs on each neuron between the two maps of a layer, (l, f).

    |Σ a ∂L/∂a| over an item's tokens, summed over items: the first-order change of the item's loss
    if the neuron were silent. Source: Molchanov et al. 2017 (ICLR, arXiv 1611.06440), eq. 6 to 8.
    """
    kept: list[torch.Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        if not output.requires_grad:  # nothing below it learns
            output.requires_grad_()
        kept.append(output)

    layers = _layers(model)
    hooks = [layer.intermediate.register_forward_hook(keep) for layer in layers]
    total = np.zeros((len(layers), layers[0].intermediate.dense.out_features))
    try:
        for loss in _losses(model, rows, collator, batch_size):
            gradients = torch.autograd.grad(loss, kept)
            for at, (a, gradient) in enumerate(zip(kept, gradients, strict=True)):
                total[at] += (a * gradient).sum(1).abs().sum(0).double().detach().cpu().numpy()
            kept.clear()
    finally:
        for hook in hooks:
            hook.remove()
    return total


def prune_neurons(model: Any, importance: np.ndarray, width: int) -> nn.Module:
    """Keep the ``width`` most important neurons of every layer; the configuration says so.

    Raises:
        UserError: fewer than one neuron, or more than there are; importance of another shape.
    """
    layers = _layers(model)
    there = layers[0].intermediate.dense.out_features
    if not 1 <= width <= there:
        raise UserError(
            f"A layer has {there} neurons; width must be from 1 to {there}, not {width}."
        )
    if importance.shape != (len(layers), there):
        raise UserError(
            f"The importance must have the shape {(len(layers), there)}, one number a neuron, "
            f"not {importance.shape}."
        )
    for layer, scores in zip(layers, importance, strict=True):
        index: Any = torch.tensor(np.sort(np.argsort(-scores, kind="stable")[:width]))
        layer.intermediate.dense = prune_linear_layer(layer.intermediate.dense, index)
        layer.output.dense = prune_linear_layer(layer.output.dense, index, dim=1)
    model.backbone.config.intermediate_size = width
    return model


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


def _checked(model: Any, heads: Mapping[int, Collection[int]]) -> dict[Any, Collection[int]]:
    layers = _layers(model)
    for at, gone in heads.items():
        if at not in range(len(layers)):
            raise UserError(f"There is no layer {at}; the model has {len(layers)}, from 0.")
        n = layers[at].attention.self.num_attention_heads
        unknown = sorted(set(gone) - set(range(n)))
        if unknown:
            raise UserError(f"Layer {at} has {n} heads, from 0; there is no head {unknown[0]}.")
        if len(set(gone)) == n:
            raise UserError(f"All {n} heads of layer {at} would go; keep at least one.")
    return {layers[at]: gone for at, gone in heads.items() if gone}


def _losses(
    model: nn.Module, rows: Dataset, collator: Any, batch_size: int
) -> Iterator[torch.Tensor]:
    """Yield the summed loss of each batch, in evaluation mode."""
    if not len(rows):
        raise UserError("Importance needs at least one labelled item.")
    model.eval()
    listed = rows.to_list()
    device = next(model.parameters()).device
    for start in range(0, len(listed), batch_size):
        batch = collator(listed[start : start + batch_size]).to(device)
        yield model(**batch).loss * len(batch["labels"])
