"""Quantization: weights, and where asked activations, as 8- or 4-bit integers; by onnxruntime.

A weight w is stored as the integer round(w / s) with one step s a column (*per channel*), so it is
off by at most s/2. Weights that are multiplied with integers have 7 bits: older processors add such
products in 16 bits, which 8-bit weights overflow. Activations are cut to integers by steps worked
out for each batch (*dynamic*) or once, from texts (*static calibration*); *weight-only* leaves them
as they are. Source of the scheme: Jacob et al. 2018, arXiv 1712.05877. The functions read a float32
file of :func:`helpers.compression.export.export_onnx` and write another.
"""

import copy
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime import quantization
from torch import nn

from helpers import UserError
from helpers.compression.export import INPUTS, OnnxClassifier, silence

CALIBRATION = {
    "minmax": quantization.CalibrationMethod.MinMax,
    "entropy": quantization.CalibrationMethod.Entropy,
    "percentile": quantization.CalibrationMethod.Percentile,
}
"""How static calibration cuts outliers off: not at all, by information lost, by quantile."""


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


def static_int8(
    source: Path | str,
    out: Path | str,
    batches: Iterable[Mapping[str, Any]],
    method: str = "minmax",
) -> OnnxClassifier:
    """Quantize weights and activations with steps worked out beforehand from ``batches``.

    Args:
        source: the float32 file.
        out: the file to write.
        batches: ``input_ids`` and ``attention_mask`` (b, t) of texts like those to come, none of
            them from the test split.
        method: "minmax", "entropy" or "percentile", see :data:`CALIBRATION`.

    Raises:
        UserError: no such file, no batch, or an unknown method.
    """
    _there(source)
    if method not in CALIBRATION:
        raise UserError(f"There is no calibration '{method}'; there are {', '.join(CALIBRATION)}.")
    listed = [{name: np.asarray(b[name], dtype=np.int64) for name in INPUTS} for b in batches]
    if not listed:
        raise UserError("Static quantization needs calibration texts; give at least one batch.")
    with silence():
        quantization.quantize_static(
            source,
            out,
            _Batches(listed),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=CALIBRATION[method],
        )
    return OnnxClassifier(out)


def weight_only(
    source: Path | str, out: Path | str, bits: int = 8, block: int = 32
) -> OnnxClassifier:
    """Quantize the layers' matrices alone, ``block`` weights a step; activations stay float32.

    Word vectors stay too, which are half of a small model. Saves memory traffic, not arithmetic.

    Raises:
        UserError: no such file, or bits other than 4 and 8.
    """
    _there(source)
    if bits not in (4, 8):
        raise UserError(f"Weight-only quantization takes 4 or 8 bits, not {bits}.")
    with silence():
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

        quantizer = MatMulNBitsQuantizer(
            onnx.load(source), bits=bits, block_size=block, is_symmetric=True
        )
        quantizer.process()
        quantizer.model.save_model_to_file(str(out))
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


class _Batches(quantization.CalibrationDataReader):
    """Hands calibration batches over one by one."""

    def __init__(self, batches: list[dict[str, np.ndarray]]) -> None:
        self._left = iter(batches)

    def get_next(self) -> Any:
        return next(self._left, None)


def _there(source: Path | str) -> None:
    if not Path(source).is_file():
        raise UserError(f"There is no ONNX file {source}; export the model first.")
