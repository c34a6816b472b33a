"""Training a language model while looking at held-out documents: the curve, not only its end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

from helpers import UserError
from helpers.tasks.language_modeling import DocumentLosses, LanguageModeling, document_losses
from helpers.transfer.finetuning import Training, Tuned, fine_tune
from helpers.transfer.strategies import FROM_SCRATCH, Strategy


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
class Watched:
    """What one training did: the training itself, and the looks along the way."""

    tuned: Tuned
    looks: list[Look] = field(default_factory=list)


def train_and_watch(
    model: PreTrainedModel,
    task: LanguageModeling,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    held_out: Dataset,
    training: Training,
    *,
    seed: int,
    strategy: Strategy = FROM_SCRATCH,
    looks: int = 5,
    stop_after: int | None = None,
    note: Callable[[PreTrainedModel], Any] | None = None,
    device: str = "auto",
) -> Watched:
    """Train ``model`` in place on documents; look at held-out ones along the way.

    Args:
        model: of the task's objective.
        task: how documents become rows and batches.
        tokenizer: fits the model.
        train: documents to learn from.
        held_out: documents of another split; nothing is learned from them.
        training: length, rows a step and step size.
        seed: order of the rows, and masks.
        strategy: which parameters learn; what the model starts from is the model's own.
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
        strategy,
        training,
        seed=seed,
        device=device,
        callbacks=[_Watcher(when, last, look)],
    )
    return Watched(tuned, seen)


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
