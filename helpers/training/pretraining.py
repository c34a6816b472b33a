"""Pretraining from raw text: a new model, and what it costs.

The loop is :func:`helpers.transfer.held_out_curve.train_and_watch`: pretraining is training from
scratch on a task without labels. Letters: L layers, d width, V vocabulary, P
positions, t tokens of a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from helpers import UserError, nearest
from helpers.tasks.bytepairs import boundaries
from helpers.training.costs import measured_flops as measured_flops

ARCHITECTURES = ("gpt2", "bert")


def configuration(
    architecture: str,
    tokenizer: PreTrainedTokenizerBase,
    *,
    layers: int,
    width: int,
    heads: int,
    positions: int,
    dropout: float = 0.0,
) -> PreTrainedConfig:
    """Return the configuration of a small GPT-2 or BERT for a tokenizer.

    ``dropout`` is best left off where a text is seen only a few times; with many passes it delays
    overfitting, which the held-out loss would show.

    Raises:
        UserError: an unknown architecture, a width that the heads cannot share, or a dropout
            outside [0, 1).
    """
    if architecture not in ARCHITECTURES:
        raise UserError(
            f"There is no architecture '{architecture}'.{nearest(architecture, ARCHITECTURES)}"
        )
    if min(layers, width, heads, positions) < 1 or width % heads:
        raise UserError(
            f"A width of {width} cannot be shared by {heads} heads in {layers} layers; width must "
            "be a multiple of heads, and all of them at least 1."
        )
    if not 0 <= dropout < 1:
        raise UserError(f"dropout must be at least 0 and below 1, not {dropout:g}.")
    first, last = boundaries(tokenizer)
    special: dict[str, Any] = {"bos_token_id": first, "eos_token_id": last}
    special["pad_token_id"] = tokenizer.pad_token_id
    if architecture == "gpt2":
        return GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=positions,
            n_embd=width,
            n_layer=layers,
            n_head=heads,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            **special,
        )
    return BertConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=positions,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        **special,
    )


def new_model(config: PreTrainedConfig, seed: int) -> PreTrainedModel:
    """Return a model with random weights from ``seed``; torch's own random state stays."""
    kind: Any = GPT2LMHeadModel if config.model_type == "gpt2" else BertForMaskedLM
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        model = kind(config).eval()
    if config.model_type == "gpt2":
        model.loss_type = (
            "ForCausalLM"  # the library's default for it, said so that it does not warn
        )
    return model


def with_language_head(backbone: PreTrainedModel, seed: int) -> PreTrainedModel:
    """Return a language model on ``backbone`` itself, so that training it trains the backbone.

    Masked words for an encoder, the next word for a causal model; what the head has of its own is
    random from ``seed``, its output matrix is the backbone's embedding.

    Raises:
        UserError: an architecture that has neither head.
    """
    for kind in (AutoModelForMaskedLM, AutoModelForCausalLM):
        if type(backbone.config) not in kind._model_mapping:
            continue
        with torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed)
            model = kind.from_config(backbone.config, dtype=torch.float32)
        setattr(model, model.base_model_prefix, backbone)
        model.tie_weights()
        return model
    raise UserError(
        f"{type(backbone).__name__} can neither fill in masked words nor predict the next one."
    )


@dataclass(frozen=True)
class ModelCost:
    """What a model costs, from its shape alone.

    Attributes:
        parameters: numbers that learn (the output matrix is the embedding, counted once).
        megabytes: of its file in half precision, 2 bytes a number.
        flops_per_token: floating-point operations of one training step, per token.
    """

    parameters: int
    megabytes: float
    flops_per_token: float


def estimate(config: PreTrainedConfig, tokens: int) -> ModelCost:
    r"""Return what a GPT-2 or BERT of this configuration costs on rows of ``tokens`` tokens.

    Parameters: $L(12d^2+13d)$ in the layers, $Vd + Pd$ in the embeddings, and what the ends have.
    Operations: a forward pass multiplies and adds once for each weight of a matrix, the output
    matrix included, and $2td$ times for attention in each layer; a backward pass costs twice
    that: $6(12Ld^2+Vd)+12Ltd$ per token. Source: Kaplan et al. 2020, arXiv 2001.08361, table 1
    (which leaves the output matrix out; with small models it is a large part).

    >>> config = GPT2Config(vocab_size=100, n_positions=32, n_embd=16, n_layer=2, n_head=2)
    >>> estimate(config, tokens=8)
    ModelCost(parameters=8704, megabytes=0.017408, flops_per_token=49536.0)
    """
    layers, width, vocabulary = config.num_hidden_layers, config.hidden_size, config.vocab_size
    matrices = 12 * layers * width**2 + vocabulary * width
    parameters = layers * (12 * width**2 + 13 * width) + vocabulary * width
    parameters += config.max_position_embeddings * width
    if config.model_type == "gpt2":
        parameters += 2 * width  # the last layer norm
    else:
        # Segment embeddings and their norm; the head's dense layer, its norm and its biases.
        parameters += 4 * width + width**2 + 3 * width + vocabulary
        matrices += width**2
    flops = 6.0 * matrices + 12.0 * layers * tokens * width
    return ModelCost(parameters, 2 * parameters / 1e6, flops)


def text_seen(train: Dataset, most_bytes: int) -> Sequence[str]:
    """Return the first documents of ``train`` that together hold at most ``most_bytes`` bytes.

    At least one: what a compressor may read before, to be held against the model fairly.

    >>> text_seen(Dataset.from_dict({"text": ["abc", "de", "f"]}), most_bytes=5)
    ['abc', 'de']
    """
    texts: list[str] = []
    size = 0
    for text in train["text"]:
        size += len(text.encode())
        if texts and size > most_bytes:
            break
        texts.append(text)
    return texts
