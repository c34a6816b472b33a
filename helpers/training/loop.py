"""Training and reading a network on rows of tokens: the one loop of all trials.

It needs torch and numpy alone, so that a trial runs on a machine that has nothing else. A *row* is
a pair of token ids and labels: one class for a text, or one label for each token (-100: none).
Batches hold about equally many tokens, padding included, so a step costs the same whatever the
lengths of its texts. Shapes: b rows in a batch, t tokens, c classes.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from helpers import UserError

Row = tuple[np.ndarray, np.ndarray]
"""Token ids (t,), and labels: () for a text's class, (t,) for one a token."""

IGNORED = -100
POOL = 16
"""So many batches are drawn together and sorted by length: little padding, and still random."""


@dataclass(frozen=True)
class Trained:
    """What one training did.

    Attributes:
        losses: (steps,) training loss of every step, nats per text or per labelled token.
        tokens: tokens trained on, padding not counted.
        points: what ``look`` returned, by the number of steps done before it.
    """

    losses: np.ndarray
    tokens: int
    points: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """Rows of another kind that share every step, and how the two losses become one.

    Attributes:
        rows: as the training rows; a step sees about as many tokens of these as of those.
        join: gets the mean loss of a batch of these rows, then that of the training rows.
    """

    rows: Sequence[Row]
    join: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def token_batches(
    lengths: Sequence[int], budget: int, generator: np.random.Generator
) -> Iterator[list[int]]:
    """Yield the rows of each batch of one pass, at most ``budget`` tokens each, padding included.

    Rows come in random order; those that are drawn together are sorted by length before they are
    cut into batches. A row longer than the budget is a batch of its own.

    >>> batches = list(token_batches([5, 1, 9, 2], 10, np.random.default_rng(0)))
    >>> sorted(row for batch in batches for row in batch)
    [0, 1, 2, 3]
    """
    order = generator.permutation(len(lengths))
    sizes = np.asarray(lengths)[order]
    pool = max(1, int(POOL * budget / max(1.0, float(sizes.mean()))))
    for start in range(0, len(order), pool):
        drawn = order[start : start + pool]
        found: list[list[int]] = [[]]
        longest = 0
        for row in drawn[np.argsort(np.asarray(lengths)[drawn], kind="stable")]:
            longest = max(longest, lengths[row])
            if found[-1] and longest * (len(found[-1]) + 1) > budget:
                found.append([])
                longest = lengths[row]
            found[-1].append(int(row))
        for at in generator.permutation(len(found)):
            yield found[at]


def row_batches(n: int, size: int, generator: np.random.Generator) -> Iterator[list[int]]:
    """Yield the rows of each batch of one pass, ``size`` each, in random order.

    What does not fill a batch is left out of the pass, unless it is all there is.

    >>> [len(batch) for batch in row_batches(7, 3, np.random.default_rng(0))]
    [3, 3]
    """
    order = generator.permutation(n).tolist()
    for start in range(0, max(1, n - size + 1), size):
        yield order[start : start + size]


def pad(rows: Sequence[Row], device: torch.device, filler: int = 0) -> dict[str, torch.Tensor]:
    """Return ``input_ids``, ``attention_mask`` (b, t) and ``labels`` (b,) or (b, t) of rows.

    >>> batch = pad([(np.array([5, 6]), np.array(1)), (np.array([7]), np.array(0))],
    ...             torch.device("cpu"))
    >>> batch["input_ids"].tolist(), batch["labels"].tolist()
    ([[5, 6], [7, 0]], [1, 0])
    """
    longest = max(len(ids) for ids, _ in rows)
    ids = np.full((len(rows), longest), filler, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for at, (row, _) in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
    if rows[0][1].ndim:
        labels = np.full((len(rows), longest), IGNORED, dtype=np.int64)
        for at, (_, row) in enumerate(rows):
            labels[at, : len(row)] = row
    else:
        labels = np.array([int(label) for _, label in rows], dtype=np.int64)
    arrays = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def rate_at(step: int, steps: int) -> float:
    """Return the share of the peak learning rate in a step: a tenth of warm-up, then to zero.

    >>> [round(rate_at(step, 10), 2) for step in (0, 1, 5, 9)]
    [1.0, 1.0, 0.56, 0.11]
    """
    warm = round(0.1 * steps)
    if step < warm:
        return (step + 1) / warm
    return (steps - step) / max(1, steps - warm)


def train(
    model: nn.Module,
    rows: Sequence[Row],
    *,
    steps: int,
    learning_rate: float,
    batch_tokens: int = 0,
    batch_rows: int = 0,
    seed: int,
    precision: str = "float32",
    device: torch.device | None = None,
    weight_decay: float = 0.01,
    look_at: Sequence[int] = (),
    look: Callable[[nn.Module], Any] | None = None,
    beside: Beside | None = None,
    rate_of: Callable[[str], float] | None = None,
) -> Trained:
    """Train the parameters of ``model`` that require a gradient, in place; leave it in eval mode.

    AdamW (Loshchilov & Hutter 2019), a tenth of the steps of warm-up and a linear fall to zero, the
    gradients of matrices clipped at a common norm of 1 (those of biases and norms stay as they
    are), no weight decay on biases and norms.

    Args:
        model: returns ``loss`` for a batch with ``labels``.
        rows: training rows.
        steps: of the optimizer, at least 1.
        learning_rate: peak, in (0, 1).
        batch_tokens: tokens of a batch, padding included, see :func:`token_batches`.
        batch_rows: rows of a batch instead, see :func:`row_batches`: where the rows of a batch are
            held against each other, their number counts and they must not be sorted by length.
        seed: order of the rows, and dropout.
        precision: "float32", or "bfloat16" for the matrix products (parameters stay in 32 bits).
        device: where to train; None: where the model is.
        weight_decay: of matrices.
        look_at: numbers of steps after which ``look`` is called (0: before the first).
        look: called with the model in evaluation mode; what it returns is kept.
        rate_of: share of the learning rate, by the name of a parameter; None: all have the same.
        beside: rows of another kind, which take half of the tokens of each step; None: none.

    Raises:
        UserError: no rows, no steps, no size of a batch, or a loss that is no number any more.
    """
    if max(batch_rows, batch_tokens) < 1:
        raise UserError("Training needs batch_tokens or batch_rows of at least 1.")
    if not rows or (beside and not beside.rows):
        raise UserError("There are no training rows; training needs at least one.")
    if steps < 1:
        raise UserError(f"Training needs at least 1 step, not {steps}.")
    device = device or next(model.parameters()).device
    model.to(device)
    optimizer = _adamw(model, learning_rate, weight_decay, device, rate_of)
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    generator = np.random.default_rng([seed, 1])
    lengths = [len(ids) for ids, _ in rows]
    losses, points, tokens, done = [], {}, 0, 0
    budget = batch_tokens // 2 if beside else batch_tokens
    others = _endless(beside.rows, budget, seed) if beside else iter([])
    chosen = set(look_at) if look else set()

    def looked() -> None:
        if done in chosen and look is not None:
            model.eval()
            points[done] = look(model)

    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(seed)
        looked()
        while done < steps:
            batches = (
                row_batches(len(rows), batch_rows, generator)
                if batch_rows
                else token_batches(lengths, budget, generator)
            )
            for batch in batches:
                model.train()
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate * rate_at(done, steps) * group["share"]
                with autocast(device, precision), _attention(device):
                    loss = model(**pad([rows[row] for row in batch], device)).loss
                    if beside:
                        others_now = next(others)
                        tokens += sum(len(ids) for ids, _ in others_now)
                        loss = beside.join(model(**pad(others_now, device)).loss, loss)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(matrices, 1.0)
                optimizer.step()
                losses.append(loss.detach())
                tokens += sum(lengths[row] for row in batch)
                done += 1
                looked()
                if done == steps:
                    break
    model.eval()
    found = torch.stack(losses).float().cpu().numpy()
    if not np.isfinite(found).all():
        raise UserError(
            f"The training loss is not a number after step {int(np.isfinite(found).argmin())}; "
            f"take a smaller learning_rate than {learning_rate:g}."
        )
    return Trained(found, tokens, points)


def _endless(rows: Sequence[Row], budget: int, seed: int) -> Iterator[list[Row]]:
    """Yield batches of rows, pass after pass, by a generator of their own."""
    generator = np.random.default_rng([seed, 2])
    lengths = [len(ids) for ids, _ in rows]
    while True:
        for batch in token_batches(lengths, budget, generator):
            yield [rows[row] for row in batch]


def _adamw(
    model: nn.Module,
    learning_rate: float,
    weight_decay: float,
    device: torch.device,
    rate_of: Callable[[str], float] | None = None,
) -> torch.optim.AdamW:
    """Return AdamW, fused; vectors (biases, norms) do not decay.

    A group has the parameters of one ``share`` of the learning rate that decay, or do not.
    """
    shares: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            shares.setdefault(rate_of(name) if rate_of else 1.0, []).append(parameter)
    groups = [
        {
            "params": [p for p in learning if (p.ndim > 1) == matrices],
            "weight_decay": weight_decay if matrices else 0.0,
            "share": share,
        }
        for share, learning in shares.items()
        for matrices in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=device.type in ("cpu", "cuda"))


def autocast(device: torch.device, precision: str) -> Any:
    """Return the context in which matrix products have this precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _attention(device: torch.device) -> Any:
    """Return the context of a training step: on a processor attention as plain products.

    The backward pass of the fused attention takes a third of a step there (MiniLM, 64 tokens,
    bfloat16: 1.2 to 1.5 times as long a step as with plain products); reading is faster with it.
    """
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else contextlib.nullcontext()


@torch.inference_mode()
def read(
    model: nn.Module,
    rows: Sequence[Row],
    *,
    precision: str = "float32",
    device: torch.device | None = None,
    budget: int = 8192,
    features: bool = False,
) -> list[np.ndarray]:
    """Return what ``model`` says of every row: (c,) of a text, (t, c) of tokens, 32-bit floats.

    Args:
        model: gives ``logits`` for ``input_ids`` and ``attention_mask``.
        rows: their labels are not looked at.
        precision: as :func:`train`.
        device: where to read; None: where the model is.
        budget: tokens of a batch, padding included.
        features: the vectors before the head instead, as ``model.features`` gives them.
    """
    device = device or next(model.parameters()).device
    model.to(device).eval()
    lengths = [len(ids) for ids, _ in rows]
    results: list[np.ndarray] = [np.empty(0)] * len(rows)
    order = sorted(range(len(rows)), key=lengths.__getitem__)
    per_token = bool(rows) and rows[0][1].ndim > 0
    while order:
        longest = lengths[order[-1]]
        size = max(1, math.floor(budget / longest))
        chosen, order = order[-size:], order[:-size]
        batch = pad([rows[row] for row in chosen], device)
        batch.pop("labels")
        with autocast(device, precision):
            out = model.features(**batch) if features else model(**batch).logits  # type: ignore[operator]
        for row, answer in zip(chosen, out.float().cpu().numpy(), strict=True):
            results[row] = answer[: lengths[row]] if per_token else answer
    return results
