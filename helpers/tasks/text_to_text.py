"""Classification as text in, text out: T5's way with an encoder-decoder.

The model reads the text after a prefix and writes the class's name. Its answer is the name to which
it gives the highest probability, so it can never write something that is no class. Source: Raffel
et al. 2020 (T5, arXiv 1910.10683), section 2.4. Shapes: b texts, t tokens, c classes, w tokens of
the longest class name.
"""

from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import BaseModelOutput, SequenceClassifierOutput

from helpers import UserError
from helpers.sources import weights
from helpers.tasks.batches import IGNORED
from helpers.tasks.classification import TextClassification


class NameWriter(nn.Module):
    """An encoder-decoder whose answer is one of the class names.

    >>> NameWriter.__mro__[1].__name__
    'Module'
    """

    def __init__(self, backbone: PreTrainedModel, names: torch.Tensor) -> None:
        """Take the model and the names' tokens (c, w), filled up with -100."""
        super().__init__()
        self.backbone = backbone
        self.register_buffer("names", names, persistent=False)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Return, with ``labels`` (b,), the loss of writing their names, in nats a token.

        Without labels return logits (b, c): the log probability of each name, which sums over its
        tokens; text is encoded once for all of them.
        """
        names: Any = self.names
        if labels is not None:
            written = names[labels]
            loss = self.backbone(
                input_ids=input_ids, attention_mask=attention_mask, labels=written
            ).loss
            return SequenceClassifierOutput(loss=loss)
        hidden = self.backbone.get_encoder()(input_ids=input_ids, attention_mask=attention_mask)[0]
        scores = []
        for name in names:
            written = name[name != IGNORED].repeat(len(input_ids), 1)
            logits = self.backbone(
                encoder_outputs=BaseModelOutput(last_hidden_state=hidden),
                attention_mask=attention_mask,
                labels=written,
            ).logits
            found = logits.log_softmax(-1).gather(-1, written.unsqueeze(-1))
            scores.append(found.squeeze(-1).sum(-1))
        return SequenceClassifierOutput(logits=torch.stack(scores, 1))


@dataclass(frozen=True)
class TextToText(TextClassification):
    """Text classification for an encoder-decoder, with the same five methods.

    Attributes:
        prefix: put before every text, as T5 learned its tasks by one.
    """

    prefix: str = "topic: "

    def encode(self, items: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
        """Return ``items`` as token ids with the prefix, cut at ``max_length``, with ``labels``."""
        texts = [self.prefix + text for text in items["text"][:]]
        return super().encode(items.remove_columns("text").add_column("text", texts), tokenizer)

    def build_model(  # type: ignore[override]
        self, name: str, *, pretrained: bool, seed: int, **config: Any
    ) -> NameWriter:
        """Return the encoder-decoder called ``name``, pretrained or the same from scratch.

        Raises:
            UserError: the model has no decoder, or two classes have the same tokens.
        """
        backbone = weights.load_model(
            name, AutoModelForSeq2SeqLM, pretrained=pretrained, seed=seed, **config
        )
        tokenizer = weights.load_tokenizer(name)
        written = tokenizer(self.corpus.label_names)["input_ids"]
        if len(set(map(tuple, written))) < len(written):
            raise UserError(
                f"Two classes of {self.corpus.name} have the same tokens for {name}; rename one."
            )
        longest = max(map(len, written))
        names = [[*ids, *[IGNORED] * (longest - len(ids))] for ids in written]
        return NameWriter(backbone, torch.tensor(names))


def reads_and_writes(name: str) -> bool:
    """Tell whether the model called ``name`` is an encoder-decoder.

    >>> reads_and_writes("minilm")
    False
    """
    config = AutoConfig.from_pretrained(
        weights.resolve(name).location, trust_remote_code=False, local_files_only=True
    )
    return bool(config.is_encoder_decoder)
