"""Low-rank adapters (LoRA) put into a model by ``peft``: few numbers learn, the rest is frozen."""

import warnings
from typing import Any

import peft
import torch
from transformers import PreTrainedModel

from helpers import UserError


def add_lora(model: PreTrainedModel, rank: int, *, alpha: int | None = None, seed: int = 0) -> Any:
    r"""Return the model with a low-rank change beside each of its attention's input matrices.

    A frozen matrix $W$ becomes $W + \frac{\alpha}{r} BA$ with $B$ (d_out, r) zero and $A$
    (r, d_in) random: at first nothing is changed, and only $A$ and $B$ learn. Source: Hu et al.
    2022, *LoRA* (ICLR).

    Args:
        model: changed in place; an architecture that ``peft`` knows (GPT-2, Llama, BERT, …).
        rank: r, at least 1.
        alpha: scale of the change; twice the rank where it is None.
        seed: of A; torch's own random state stays.

    Raises:
        UserError: a rank below 1, or an architecture whose attention peft does not know.

    >>> from transformers import GPT2Config, GPT2LMHeadModel
    >>> model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=9))
    >>> sum(p.numel() for p in add_lora(model, rank=2).parameters() if p.requires_grad)
    64
    """
    if rank < 1:
        raise UserError(f"The rank of LoRA must be at least 1, not {rank}.")
    settings = peft.LoraConfig(
        r=rank,
        lora_alpha=alpha or 2 * rank,
        fan_in_fan_out=model.config.model_type == "gpt2",  # its matrices are stored transposed
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.random.default_generator.manual_seed(seed)
        try:
            return peft.get_peft_model(model, settings)
        except ValueError as error:
            raise UserError(
                f"LoRA does not know the attention of {type(model).__name__} "
                f"(model_type '{model.config.model_type}'); fine-tune it without."
            ) from error
