"""Text that a causal model writes: greedy or sampled, batched, seeded.

The decoding is the library's ``generate``. What is added here is what is easily got wrong: prompts
are padded on the **left**, so that every prompt ends where the new tokens begin; padding is hidden
from attention and does not count as a position; and the random numbers come from a seed.
"""

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from helpers import UserError
from helpers.sources.loading import positions
from helpers.tasks.bytepairs import boundaries, check_fit, token_ids


def left_padded(rows: list[list[int]], filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and attention mask, each (b, t), with the padding before the rows.

    >>> left_padded([[5, 6], [7]], filler=0)
    (tensor([[5, 6], [0, 7]]), tensor([[1, 1], [0, 1]]))
    """
    longest = max(map(len, rows))
    ids = [[filler] * (longest - len(row)) + row for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def continue_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[str],
    *,
    new_tokens: int = 40,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    batch_size: int = 16,
) -> list[str]:
    """Return what the model writes after each prompt (the prompt itself left out).

    Args:
        model: with a causal head; computes where it lies, in evaluation mode.
        tokenizer: the model's own.
        prompts: texts; an empty one asks for the beginning of a document.
        new_tokens: at most so many; a text ends earlier where the model ends the document.
        temperature: 0 always takes the likeliest token (greedy); 1 samples from the model's
            probabilities; in between they are sharpened.
        top_p: sampling only from the likeliest tokens that together have this probability.
        seed: of the sampling. Equal prompts in equal batches give equal texts; torch's own random
            state stays as it was.
        batch_size: prompts at a time.

    Raises:
        UserError: a model that cannot generate, a number out of range, a tokenizer that does not
            fit, or a prompt that with its continuation is longer than the model's positions.
    """
    if not new_tokens >= 1 or not temperature >= 0 or not 0 < top_p <= 1:
        raise UserError(
            "Generation needs new_tokens of at least 1, a temperature of at least 0 and top_p in "
            f"(0, 1], not {new_tokens}, {temperature:g} and {top_p:g}."
        )
    if not model.can_generate():
        raise UserError(
            f"{type(model).__name__} has no causal head and cannot write text; take a model like "
            "GPT-2."
        )
    check_fit(model, tokenizer)
    first, last = boundaries(tokenizer)
    rows = [[first, *(token_ids([text], tokenizer)[0] if text else [])] for text in prompts]
    limit = positions(model)
    longest = max(map(len, rows), default=0)
    if limit is not None and longest + new_tokens > limit:
        raise UserError(
            f"A prompt of {longest} tokens and {new_tokens} new ones are more than the {limit} "
            f"positions of {type(model).__name__}."
        )
    filler = last if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    written = continue_rows(
        model,
        rows,
        new_tokens=new_tokens,
        last=last,
        filler=filler,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
        batch_size=batch_size,
    )
    return [str(tokenizer.decode(row, skip_special_tokens=True)) for row in written]


@torch.inference_mode()
def continue_rows(
    model: PreTrainedModel,
    rows: list[list[int]],
    *,
    new_tokens: int,
    last: int,
    filler: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    batch_size: int = 16,
) -> list[list[int]]:
    """Return the token ids that the model writes after each row of ids, fillers at the end and all.

    Keys and values of earlier tokens are kept, so a new token costs one position.

    Args:
        model: with a causal head; computes where it lies, in evaluation mode.
        rows: ids of the prompts; of like length they make little padding.
        new_tokens: at most so many.
        last: id that ends a text.
        filler: id that stands behind a text's end, and before short prompts.
        temperature: as :func:`continue_texts`, like all that follow.
        top_p: share of the probability that is sampled from.
        seed: of the sampling.
        batch_size: prompts at a time.
    """
    sampling = {"temperature": temperature, "top_p": top_p, "top_k": 0} if temperature else {}
    settings = GenerationConfig(
        max_new_tokens=new_tokens,
        do_sample=bool(temperature),
        pad_token_id=filler,
        eos_token_id=last,
        use_cache=True,
        **sampling,
    )
    was_training = model.training
    model.eval()
    found: list[list[int]] = []
    devices = [model.device.index or 0] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        for start in range(0, len(rows), batch_size):
            ids, mask = left_padded(rows[start : start + batch_size], filler)
            written = model.generate(  # type: ignore[operator]
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                generation_config=settings,
            )
            found += written[:, ids.shape[1] :].tolist()
    model.train(was_training)
    return found
