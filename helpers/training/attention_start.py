"""A start for a small BERT: heads that look at neighbouring tokens before anything is learned.

A masked model is asked for few tokens a row, so on a small budget most of its training goes by
before its heads have found that the tokens beside a gap tell most about it; until then its loss
stays where token frequencies alone are. Here the heads begin there. Everything learns on from
that start, and the model is an ordinary BERT.
"""

import math
from typing import Any

import torch
from transformers import PreTrainedModel

from helpers import UserError

OFFSETS = (-1, 1, -2, 2, -3, 3, -4, 4)  # token looked at, counted from the token that looks
POSITION_SIZE = 1.2  # of a position's vector, in sizes of a random token vector
SHARPNESS = 1.5  # of queries and keys; a head then puts most of its weight on one neighbour


@torch.no_grad()
def look_at_neighbours(model: PreTrainedModel) -> PreTrainedModel:
    r"""Set positions, queries and keys of a new BERT so that head h looks ``OFFSETS[h]`` away.

    Positions become sinusoids of frequencies $\omega_i$ from 2.5 down to 1/80 (Vaswani et al.
    2017, arXiv 1706.03762, section 3.5, with faster ones). Keys copy the fastest of them; queries
    copy them turned by $\omega_i o$, so that a query at t meets the key at s with
    $\sum_i\cos(\omega_i(s-t-o))$, largest at $s=t+o$. Structured starts for attention:
    Cordonnier et al. 2020, arXiv 1911.03584; Trockman and Kolter 2023, arXiv 2305.09828.

    Returns:
        The same model, changed in place: positions, and query and key weights of each layer.

    Raises:
        UserError: not a BERT, or heads of an odd width.

    >>> from transformers import BertConfig, BertForMaskedLM
    >>> shape = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    >>> _ = torch.manual_seed(0)
    >>> config = BertConfig(vocab_size=9, intermediate_size=64, **shape, hidden_dropout_prob=0.0)
    >>> model = look_at_neighbours(BertForMaskedLM(config).eval())
    >>> model.set_attn_implementation("eager")
    >>> seen = model(torch.full((1, 12), 5), output_attentions=True).attentions[0][0]
    >>> seen[:, 6].argmax(-1).tolist()  # token 6 looks at its left and at its right neighbour
    [5, 7]
    """
    if model.config.model_type != "bert":
        raise UserError(
            f"Only BERT has heads that may look both ways; this is a '{model.config.model_type}'. "
            "Let its heads begin at random."
        )
    config: Any = model.config
    base: Any = model.base_model
    width, heads = config.hidden_size, config.num_attention_heads
    head = width // heads
    if head % 2 or width % 2:
        raise UserError(
            f"Heads of width {head} cannot pair a sine with a cosine; an even width is needed."
        )
    frequencies = 2.5 * torch.exp(torch.arange(0, width, 2) * (-math.log(200.0) / width))
    angles = torch.arange(config.max_position_embeddings)[:, None] * frequencies
    size = config.initializer_range * POSITION_SIZE * math.sqrt(2)  # a sinusoid's root mean square
    positions = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
    base.embeddings.position_embeddings.weight.copy_(size * positions)
    for layer in base.encoder.layer:
        attention = layer.attention.self
        attention.key.weight.copy_(torch.eye(head, width).repeat(heads, 1) * SHARPNESS)
        turned = [_turn(frequencies[: head // 2] * OFFSETS[h % 8], width) for h in range(heads)]
        attention.query.weight.copy_(torch.cat(turned) * SHARPNESS)
    return model


def _turn(angles: torch.Tensor, width: int) -> torch.Tensor:
    """Return the (2n, width) matrix that turns the first n pairs (sine, cosine) by n angles."""
    pairs = [[[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]] for a in angles.tolist()]
    turn = torch.zeros(2 * len(pairs), width)
    turn[:, : 2 * len(pairs)] = torch.block_diag(*map(torch.tensor, pairs))
    return turn
