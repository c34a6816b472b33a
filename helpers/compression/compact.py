"""A model's numbers in one file, as small as they can be without changing any.

A matrix with many zeros is kept as a map, one bit a weight, and the weights that are left; all
others as they are, 32 bits a number. So zeros that pruning made do save bytes on a disk. The file
is a safetensors file; its size is what ``cost["bytes"]`` of a trial says.
"""

from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from helpers import UserError
from helpers.base.files import replacing_file

MAP, LEFT = "#map", "#left"
"""Endings of the two parts of a matrix that is kept without its zeros."""

Network = TypeVar("Network", bound=nn.Module)


def save_compact(model: nn.Module, file: Path | str, facts: dict[str, str] | None = None) -> int:
    """Write all numbers of ``model`` to ``file``, whole or not at all; return the file's bytes.

    A matrix of n weights with z zeros takes n / 8 + 4 (n - z) bytes instead of 4 n where that is
    less. :func:`load_compact` gives the same numbers back, each to the last bit.

    Args:
        model: 32-bit floats; stays as it is.
        file: replaced if it is there.
        facts: written into the file's header.

    Raises:
        UserError: no room on the disk.
    """
    parts: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        values = tensor.detach().cpu().contiguous()
        kept = values != 0
        if 32 * int(kept.sum()) + values.numel() < 32 * values.numel():
            parts[name + MAP] = torch.from_numpy(np.packbits(kept.flatten().numpy()))
            parts[name + LEFT] = values[kept]
        else:
            parts[name] = values
    with replacing_file(Path(file)) as temporary:
        save_file(parts, temporary, facts or {})
    return Path(file).stat().st_size


def load_compact(model: Network, file: Path | str) -> Network:
    """Put what :func:`save_compact` wrote into a model of the same shape, and return it.

    Raises:
        UserError: no such file, a damaged one, or one of another model.

    >>> import tempfile
    >>> layer = nn.Linear(4, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = save_compact(layer, Path(folder, "layer.safetensors"))
    ...     twin = load_compact(nn.Linear(4, 2), Path(folder, "layer.safetensors"))
    >>> torch.equal(twin.weight, layer.weight)
    True
    """
    try:
        parts = load_file(file)
        state = {name: tensor for name, tensor in parts.items() if not name.endswith((MAP, LEFT))}
        shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
        for name in (each.removesuffix(MAP) for each in parts if each.endswith(MAP)):
            size = shapes[name].numel()
            kept = np.unpackbits(parts[name + MAP].numpy(), count=size).astype(bool)
            values = torch.zeros(size)
            values[torch.from_numpy(kept)] = parts[name + LEFT]
            state[name] = values.view(shapes[name])
        model.load_state_dict(state)
    except (SafetensorError, OSError, KeyError, RuntimeError, ValueError):
        raise UserError(f"{file} is cut short or holds the weights of another model.") from None
    return model
