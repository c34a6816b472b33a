"""An encoder with one new linear layer on it: what every classifier of texts or tokens here is.

The layer is called ``head`` in every task, so that a strategy finds it. Saved and read as one
folder of safetensors.
"""

from pathlib import Path
from typing import Self

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel, PreTrainedModel

from helpers import UserError
from helpers.sources import weights


class EncoderWithHead(nn.Module):
    """The common part: ``backbone``, ``dropout`` and ``head``; a subclass says what goes in."""

    def __init__(self, backbone: PreTrainedModel, n_classes: int, dropout: float = 0.1) -> None:
        """Put a new linear head on ``backbone``; seed torch first if it must be repeatable."""
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(backbone.config.hidden_size, n_classes)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def save(self, folder: Path | str) -> None:
        """Write encoder and head as safetensors; :meth:`load` gives the same logits again."""
        with weights.quiet():  # no progress bar for one file
            self.backbone.save_pretrained(folder)
        kind = {"class": type(self).__name__}
        save_file(self.head.state_dict(), Path(folder) / "head.safetensors", kind)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the folder holds no ``head.safetensors``, or that of another class.
        """
        path = Path(folder) / "head.safetensors"
        if not path.is_file():
            raise UserError(
                f"{folder} holds no head.safetensors; give a folder that this class saved."
            )
        with safe_open(path, framework="pt") as file:
            kind = (file.metadata() or {}).get("class", cls.__name__)
        if kind != cls.__name__:
            raise UserError(f"{folder} holds a {kind}, not a {cls.__name__}; read it with that.")
        head = load_file(path)
        model = cls(weights.load_model(str(folder), AutoModel), n_classes=len(head["bias"]))
        model.head.load_state_dict(head)
        return model.eval()
