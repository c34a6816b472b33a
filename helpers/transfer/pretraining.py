"""Pretraining from raw text: a new model, its held-out curve, its cost, its checkpoint.

The loop is :func:`helpers.transfer.finetuning.fine_tune`, the same as everywhere: pretraining is
training from scratch on a task without labels. Letters: L layers, d width, V vocabulary, P
positions, t tokens of a row.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from datasets import Dataset
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerCallback,
)

from helpers import UserError, nearest
from helpers.tasks.bytepairs import boundaries
from helpers.tasks.language_modeling import DocumentLosses, LanguageModeling, document_losses
from helpers.transfer.finetuning import Training, Tuned, fine_tune
from helpers.transfer.strategies import FROM_SCRATCH

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


@dataclass(frozen=True)
class Estimate:
    """What a model costs, from its shape alone.

    Attributes:
        parameters: numbers that learn (the output matrix is the embedding, counted once).
        megabytes: of its file in half precision, 2 bytes a number.
        flops_per_token: floating-point operations of one training step, per token.
    """

    parameters: int
    megabytes: float
    flops_per_token: float


def estimate(config: PreTrainedConfig, tokens: int) -> Estimate:
    r"""Return what a GPT-2 or BERT of this configuration costs on rows of ``tokens`` tokens.

    Parameters: $L(12d^2+13d)$ in the layers, $Vd + Pd$ in the embeddings, and what the ends have.
    Operations: a forward pass multiplies and adds once for each weight of a matrix, the output
    matrix included, and $2td$ times for attention in each layer; a backward pass costs twice
    that: $6(12Ld^2+Vd)+12Ltd$ per token. Source: Kaplan et al. 2020, arXiv 2001.08361, table 1
    (which leaves the output matrix out; with small models it is a large part).

    >>> config = GPT2Config(vocab_size=100, n_positions=32, n_embd=16, n_layer=2, n_head=2)
    >>> estimate(config, tokens=8)
    Estimate(parameters=8704, megabytes=0.017408, flops_per_token=49536.0)
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
    return Estimate(parameters, 2 * parameters / 1e6, flops)


def measured_flops(model: PreTrainedModel, tokens: int) -> float:
    """Count the floating-point operations per token of one training step on a row of ``tokens``.

    Counted by torch, operation by operation, on a copy of the model with eager attention
    (fused kernels do the same arithmetic but are not in torch's list everywhere).
    """
    twin = copy.deepcopy(model).cpu()
    twin.set_attn_implementation("eager")
    ids = torch.zeros((1, tokens), dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        twin(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward()
    return counter.get_total_flops() / tokens


@dataclass(frozen=True)
class Look:
    """One look at the model on held-out documents.

    Attributes:
        step: optimizer steps done.
        tokens: tokens trained on until then, padding not counted.
        losses: of every held-out document.
        note: what the caller's ``note`` gave, a sample of text, say.
    """

    step: int
    tokens: int
    losses: DocumentLosses
    note: Any = None


@dataclass(frozen=True)
class Pretrained:
    """What one pretraining did: the training itself, and the looks along the way."""

    tuned: Tuned
    looks: list[Look] = field(default_factory=list)


def pretrain(
    model: PreTrainedModel,
    task: LanguageModeling,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    held_out: Dataset,
    training: Training,
    *,
    seed: int,
    looks: int = 5,
    stop_after: int | None = None,
    note: Callable[[PreTrainedModel], Any] | None = None,
    device: str = "auto",
) -> Pretrained:
    """Train ``model`` in place on documents; look at held-out ones along the way.

    Args:
        model: of the task's objective.
        task: how documents become rows and batches.
        tokenizer: fits the model.
        train: documents to learn from.
        held_out: documents of another split; nothing is learned from them.
        training: length, rows a step and step size.
        seed: order of the rows, and masks.
        looks: how many times to look, the first before any step and the last at the end, at least
            2. Looking changes nothing in the training.
        stop_after: stop after so many steps of the same schedule, to check a checkpoint's first
            losses without making it again.
        note: called with the model at each look; must leave torch's random state as it was.
        device: see :func:`helpers.transfer.finetuning.choose_device`.

    Raises:
        UserError: fewer tokens than one block in all; as :meth:`LanguageModeling.check` and
            :func:`fine_tune`.
    """
    if looks < 2:
        raise UserError(
            f"looks must be at least 2 (before the first step, at the end), not {looks}."
        )
    task.check(model, tokenizer)
    rows = task.encode(train, tokenizer)
    found = sum(map(len, rows["input_ids"]))
    if found < task.block_size:
        raise UserError(
            f"The training documents have {found} tokens in all, less than one block of "
            f"{task.block_size}: give more text or a smaller block_size."
        )
    held_rows = task.encode(held_out, tokenizer)
    collator = task.collator(tokenizer, seed=seed)
    fixed = task.collator(tokenizer, seed=0)  # the same masks at every look
    seen: list[Look] = []

    def look(step: int, tokens: int) -> None:
        losses = document_losses(model, held_out, held_rows, fixed)
        seen.append(Look(step, tokens, losses, note(model) if note else None))

    steps = training.steps(len(rows))
    last = min(steps, stop_after or steps)
    when = {round(i * steps / (looks - 1)) for i in range(looks)} | {last}
    tuned = fine_tune(
        model,
        rows,
        collator,
        FROM_SCRATCH,
        training,
        seed=seed,
        device=device,
        callbacks=[_Watcher(when, last, look)],
    )
    return Pretrained(tuned, seen)


class _Watcher(TrainerCallback):
    """Calls ``look(step, tokens)`` at the steps it was given; step 0 is before the first."""

    def __init__(self, when: set[int], last: int, look: Callable[[int, int], None]) -> None:
        self.when, self.last, self.look = when, last, look

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if 0 in self.when:
            self.look(0, 0)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step in self.when:
            self.look(state.global_step, int(state.num_input_tokens_seen))
        control.should_training_stop |= state.global_step >= self.last


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
