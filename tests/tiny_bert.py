"""The one tiny BERT of all tests: random weights of a seed, in another shape where a test asks."""

import torch
from transformers import BertConfig, BertModel

SHAPE = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 32,
}  # fmt: skip
BYTES = {
    "vocab_size": 400, "max_position_embeddings": 40, "bos_token_id": 0, "eos_token_id": 0,
    "pad_token_id": 1,
}  # fmt: skip
"""For texts that a byte-level tokenizer encodes."""


def bert(kind=BertModel, seed=0, pooler=False, dropout=0.1, **changes):
    """Return the model; ``changes`` are of its configuration."""
    torch.manual_seed(seed)
    drops = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    more = {"add_pooling_layer": pooler} if kind is BertModel else {}
    return kind(BertConfig(**SHAPE | drops | changes), **more)
