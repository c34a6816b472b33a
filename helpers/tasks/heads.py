"""An encoder with one new linear layer on it: what every classifier of texts or tokens here is.

The layer is called ``head`` in every task, so that a strategy finds it. Saved and read as one
folder of safetensors.
"""

from pathlib import Path
from typing import Self

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput, TokenClassifierOutput

from helpers import UserError
from helpers.sources.loading import quiet

IGNORED = -100
"""The label of a position that no loss counts."""


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
        with quiet():  # no progress bar for one file
            self.backbone.save_pretrained(folder)
        kind = {"class": type(self).__name__}
        save_file(self.head.state_dict(), Path(folder) / "head.safetensors", kind)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the folder holds no ``head.safetensors``, or that of another class.
        """
        from helpers.sources import weights  # finds the folder that a name stands for

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


def mean_pool(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Return the mean token vector of every text, padding left out: (b, t, d), (b, t) -> (b, d).

    >>> mean_pool(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]))
    tensor([[2.]])
    """
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)


def standardized_mean(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Return :func:`mean_pool` with mean 0 and variance 1 over d: (b, t, d), (b, t) -> (b, d)."""
    pooled = mean_pool(hidden, attention_mask)
    return nn.functional.layer_norm(pooled, pooled.shape[-1:])


class MeanPooledClassifier(EncoderWithHead):
    """An encoder, the mean of its token vectors, and one linear layer on it.

    The pooled vector is standardized (layer norm without weights), so that a linear head sees unit
    variance whatever the encoder's scale. The frozen-feature probe and full fine-tuning use the
    same vector and the same head: what differs between them is only which parameters learn.
    Source of mean pooling: Reimers & Gurevych 2019 (Sentence-BERT, arXiv 1908.10084).
    """

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the pooled vector of every text: (b, t), (b, t) -> (b, d).

        Padding does not count: its positions have weight zero in the mean.
        """
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        return standardized_mean(hidden.last_hidden_state, attention_mask)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Return logits (b, c) and, where ``labels`` (b,) are given, the mean cross-entropy."""
        logits = self.head(self.dropout(self.features(input_ids, attention_mask)))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


class TokenClassifier(EncoderWithHead):
    """An encoder and one linear layer on each of its token vectors.

    It is what ``AutoModelForTokenClassification`` gives. Source: Devlin et al. 2019 (BERT), §5.3.
    """

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> TokenClassifierOutput:
        """Return logits (b, t, c) and, where ``labels`` (b, t) are given, the mean cross-entropy.

        The mean is over labelled tokens; a label of -100 does not count.
        """
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        logits = self.head(self.dropout(hidden.last_hidden_state))
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
            )
        return TokenClassifierOutput(loss=loss, logits=logits)


class LastTokenClassifier(MeanPooledClassifier):
    """A causal model and one linear layer on the vector of each text's last token.

    Only the last token has seen the whole text. It is what the library's
    ``GPT2ForSequenceClassification`` does; padding stands behind the last token and is told by the
    attention mask, so no padding token has to be known.
    """

    def features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the vector of the last token of every text: (b, t), (b, t) -> (b, d)."""
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        last = attention_mask.sum(1) - 1
        return hidden.last_hidden_state[torch.arange(len(last), device=last.device), last]
