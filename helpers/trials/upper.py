"""The upper layers of an encoder alone, on what the frozen layers below gave once.

Where the lower layers do not learn and no dropout is in them, their vectors of a text are the same
in every step. So they are computed once and kept; a step then costs the upper layers only.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers import UserError
from helpers.tasks.heads import EncoderWithHead
from helpers.training.loop import Row, read


class KeptVectors(nn.Module):
    """Stands where embeddings and lower layers were: a token's number is a place in a table.

    >>> KeptVectors(torch.tensor([[0.5], [0.7]]))(torch.tensor([[1, 0]])).tolist()
    [[[0.699999988079071], [0.5]]]
    """

    def __init__(self, table: torch.Tensor) -> None:
        """Take the vectors (n, d) of all tokens of all texts, one behind the other."""
        super().__init__()
        self.table: torch.Tensor
        self.register_buffer("table", table, persistent=False)

    def forward(self, input_ids: torch.Tensor, **rest: Any) -> torch.Tensor:
        """Return the vectors at the places ``input_ids`` (b, t): (b, t, d)."""
        return nn.functional.embedding(input_ids, self.table)


class _Below(nn.Module):
    """Gives every token's vector after the layers that there are, for ``read``."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.backbone(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state
        return vectors


@contextlib.contextmanager
def kept_below(
    model: EncoderWithHead, upper: int, rows: Mapping[str, Sequence[Row]], **how: Any
) -> Iterator[dict[str, list[Row]]]:
    """Leave ``model`` only its ``upper`` last layers, standing on kept vectors of all ``rows``.

    What is trained meanwhile is trained in the model itself; behind the block it is whole again.

    Args:
        model: a BERT with a head.
        upper: layers that stay, from 1 to one less than there are.
        rows: by whatever they are called; the model can read no others within the block.
        how: ``precision`` and ``device`` as :func:`helpers.training.loop.read`.

    Yields:
        The rows with places in the table for token ids.

    Raises:
        UserError: another architecture, or another number of layers.
    """
    backbone: Any = model.backbone
    layers = getattr(getattr(backbone, "encoder", None), "layer", None)
    if layers is None or not hasattr(backbone, "embeddings"):
        raise UserError(
            f"The lower layers of {type(backbone).__name__} cannot be read once and kept: this is "
            "for BERT and encoders built like it."
        )
    if not 1 <= upper < len(layers):
        raise UserError(
            f"Of {len(layers)} layers, the last {upper} cannot learn above kept ones; write a "
            f"number from 1 to {len(layers) - 1}."
        )
    embeddings = backbone.embeddings
    try:
        backbone.encoder.layer = layers[:-upper]
        table, places = _read_once(_Below(backbone), rows, how)
        backbone.embeddings = KeptVectors(table)
        backbone.encoder.layer = layers[-upper:]
        yield places
    finally:
        backbone.embeddings, backbone.encoder.layer = embeddings, layers


def _read_once(
    below: nn.Module, rows: Mapping[str, Sequence[Row]], how: Mapping[str, Any]
) -> tuple[torch.Tensor, dict[str, list[Row]]]:
    """Return the vectors of all tokens, and the rows with places among them."""
    tables: list[np.ndarray] = []
    places: dict[str, list[Row]] = {}
    start = 0
    for name, each in rows.items():
        # Labels of one a token make `read` cut the padding off.
        per_token = [(ids, np.zeros(len(ids), dtype=np.int64)) for ids, _ in each]
        vectors = read(below, per_token, features=True, **how)
        tables += vectors
        places[name] = []
        for found, (_, label) in zip(vectors, each, strict=True):
            places[name].append((np.arange(start, start + len(found)), label))
            start += len(found)
    return torch.from_numpy(np.concatenate(tables)), places
