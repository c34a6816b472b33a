"""A delivered network as one ONNX file that gives the classes' probabilities; in 8 bits on request.

The file needs neither torch nor this project, only a tokenizer, which stands in the model's folder:
``input_ids`` and ``attention_mask`` (b, t) in, ``probabilities`` (b, c) out, in the order of
``labels``. Shapes: b texts, t tokens, c classes.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers import UserError
from helpers.base.files import replacing_file, write_atomically
from helpers.compression.export import OnnxClassifier, export_onnx
from helpers.compression.quantization import dynamic_int8
from helpers.delivery import folder, networks
from helpers.training.loop import pad

FILES = {False: "onnx/model.onnx", True: "onnx/model_int8.onnx"}
"""Names of the file in the model's folder, those that the hub's tools look for."""

HEADING = "## ONNX"


@dataclass(frozen=True)
class Agreement:
    """How a file answers beside the model that it was made of.

    Attributes:
        texts: how many were answered by both.
        same: share of equal answers, in [0, 1].
        off: largest difference of a probability, in [0, 1].
    """

    texts: int
    same: float
    off: float


class _Probabilities(nn.Module):
    """A delivered network, from tokens to probabilities; ``logits`` is what the exporter reads."""

    def __init__(self, model: networks.FrozenVectors | networks.FineTuned) -> None:
        super().__init__()
        if isinstance(model, networks.FineTuned):
            self.network, self.last = model.network, None
            return
        self.network = networks.MeanVectors(model.encoder)
        weight, bias = (torch.from_numpy(x) for x in (model.linear.weight, model.linear.bias))
        self.last = nn.Linear(weight.shape[1], weight.shape[0])
        self.last.load_state_dict({"weight": weight, "bias": bias})

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        if self.last is None:
            logits = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        else:
            logits = self.last(self.network.features(input_ids, attention_mask))
        return SimpleNamespace(logits=logits.softmax(-1))


def export(place: Path | str, *, int8: bool = False) -> Path:
    """Write the ONNX file of a delivered model into its folder, and a line about it into its card.

    Args:
        place: a folder that :func:`helpers.delivery.folder.save` wrote.
        int8: weights, and activations batch by batch, as 8-bit integers: about a quarter of the
            bytes, and answers that may differ.

    Returns:
        The file.

    Raises:
        UserError: no such folder; a model that is no network; an operator that ONNX does not have.
    """
    place = Path(place).expanduser()
    model, facts = folder.load(place)
    if not isinstance(model, networks.FrozenVectors | networks.FineTuned):
        raise UserError(
            f"The model in {place} is {facts['kind']}, which is no network: there is nothing to "
            "write as ONNX. `python -m helpers predict` reads the folder as it is."
        )
    file = place / FILES[int8]
    with tempfile.TemporaryDirectory() as name, replacing_file(file) as target:
        whole = Path(name) / "model.onnx"
        export_onnx(_Probabilities(model), whole, "probabilities")
        if int8:
            dynamic_int8(whole, target)
        else:
            target.write_bytes(whole.read_bytes())
    card = place / "README.md"
    before = card.read_text(encoding="utf-8").split(HEADING)[0].rstrip()
    there = [FILES[kind] for kind in (False, True) if (place / FILES[kind]).is_file()]
    write_atomically(
        card,
        f"{before}\n\n{HEADING}\n\n{' and '.join(f'`{each}`' for each in there)}: `input_ids` and "
        "`attention_mask` (whole numbers, a row a text) in, `probabilities` out, in the order of "
        "`labels`.\n",
    )
    return file


def export_agreement(place: Path | str, file: Path, texts: Sequence[str]) -> Agreement:
    """Return how an exported file answers beside the model of its folder, on texts.

    Raises:
        UserError: what cannot be read, no text.
    """
    if not texts:
        raise UserError("There is no text to compare the file by.")
    model, _ = folder.load(place)
    assert isinstance(model, networks.FrozenVectors | networks.FineTuned)
    theirs = model.probabilities(texts)
    session = OnnxClassifier(file)
    rows = networks.training_rows(texts, model.tokenizer, model.max_length)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
    found = np.empty_like(theirs)
    for start in range(0, len(order), 16):
        chosen = order[start : start + 16]
        batch = pad([rows[i] for i in chosen], torch.device("cpu"))
        found[chosen] = session.logits(batch)
    same = float((found.argmax(1) == theirs.argmax(1)).mean())
    return Agreement(len(texts), same, float(np.abs(found - theirs).max()))
