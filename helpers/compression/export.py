"""Models as ONNX files: run by onnxruntime, which fuses operators, without torch.

Shapes: b texts, t tokens, c classes. Both may differ from call to call.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from datasets import Dataset
from torch import nn

from helpers import UserError
from helpers.tasks.batches import batches_by_length

INPUTS = ("input_ids", "attention_mask")


class OnnxClassifier:
    """A classifier in an ONNX file, answering as a torch classifier does.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path | str, threads: int = 1) -> None:
        """Load the file; ``threads`` compute, and sleep rather than spin while they wait.

        Raises:
            UserError: no such file, or not a model.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"There is no ONNX file {self.path}.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                self.path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            first = str(error).splitlines()[0]
            raise UserError(f"{self.path} cannot be loaded as an ONNX model ({first}).") from error

    def logits(self, batch: Mapping[str, Any]) -> np.ndarray:
        """Return logits (b, c) for ``input_ids`` and ``attention_mask`` (b, t)."""
        feed = {name: np.asarray(batch[name], dtype=np.int64) for name in INPUTS}
        return np.asarray(self._session.run(None, feed)[0])

    def predict(self, items: Dataset, collator: Any, batch_size: int = 32) -> np.ndarray:
        """Return the logits (n, c) of encoded items, in their order, like lengths in a batch."""
        rows = items.to_list()
        results: list[np.ndarray] = [np.empty(0)] * len(rows)
        for chosen in batches_by_length([len(row["input_ids"]) for row in rows], batch_size):
            logits = self.logits(collator([rows[i] for i in chosen]))
            for i, row in zip(chosen, logits, strict=True):
                results[i] = row
        return np.stack(results)


class _Logits(nn.Module):
    """Gives logits alone, the one output of the file."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def export_onnx(model: nn.Module, path: Path | str, output: str = "logits") -> OnnxClassifier:
    """Write a classifier as one ONNX file, weights inside, and load it: the same logits (1e-4).

    Args:
        model: takes ``input_ids`` and ``attention_mask``, returns ``logits``; stays as it is.
        path: the file; replaced if it is there.
        output: what the file calls its one output.

    Raises:
        UserError: an operator that ONNX does not have.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = torch.ones(2, 8, dtype=torch.int64)
    free = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    training = model.training
    model.eval()
    try:
        with silence():
            program: Any = torch.onnx.export(
                _Logits(model).eval(),
                (ids, torch.ones_like(ids)),
                input_names=INPUTS,
                output_names=[output],
                dynamic_shapes=(free, free),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise UserError(
            f"{type(model).__name__} cannot be exported to ONNX: {lines[-1] if lines else error!r}"
        ) from error
    finally:
        model.train(training)
    file = program.model_proto
    # The exporter notes where in which source file each operator came from: bytes, and the paths of
    # this machine.
    for part in (file, file.graph, *file.graph.node, *file.graph.value_info):
        del part.metadata_props[:]
    onnx.save(file, path)
    return OnnxClassifier(path)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep what exporters and quantizers print, log and warn of out of a notebook, for a while."""
    below = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(below)
