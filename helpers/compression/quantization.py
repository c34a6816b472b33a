"""Quantization: weights and activations as 8-bit integers; by onnxruntime and torch.

A weight w is stored as the integer round(w / s) with one step s a column (*per channel*), so it is
off by at most s/2. Weights that are multiplied with integers have 7 bits: older processors add such
products in 16 bits, which 8-bit weights overflow. Activations are cut to integers by steps worked
out for each batch (*dynamic*). Source of the scheme: Jacob et al. 2018, arXiv 1712.05877.
"""

import copy
import warnings
from pathlib import Path

import torch
from onnxruntime import quantization
from torch import nn

from helpers import UserError
from helpers.compression.export import OnnxClassifier, silence


def dynamic_int8(source: Path | str, out: Path | str) -> OnnxClassifier:
    """Quantize weights once and activations batch by batch; word vectors too.

    Needs no data. About a quarter of the bytes. The same file gives the same bytes again.

    Raises:
        UserError: no such file.
    """
    _there(source)
    with silence():
        quantization.quantize_dynamic(
            source,
            out,
            per_channel=True,
            reduce_range=True,
            weight_type=quantization.QuantType.QInt8,
        )
    return OnnxClassifier(out)


def eager_int8(model: nn.Module) -> nn.Module:
    """Return a copy of a torch model whose linear maps are quantized dynamically by torch itself.

    For scale beside onnxruntime; torch calls it deprecated, and its one step a matrix is coarser.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(
            copy.deepcopy(model).eval(), {nn.Linear}, dtype=torch.qint8
        )


def _there(source: Path | str) -> None:
    if not Path(source).is_file():
        raise UserError(f"There is no ONNX file {source}; export the model first.")
