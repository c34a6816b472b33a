"""Fine-tuning and prediction: one place for the loop, the device, features and their cost.

The loop is the Trainer's of ``transformers`` (batches grouped by length, padded to their longest
text). Frozen features are computed once (:func:`extract_features`) and a probe is fitted to them by
logistic regression (:func:`fit_probe`); no epoch passes through the encoder again.
"""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from helpers import UserError, nearest
from helpers.evaluation.probes import as_layer, probe
from helpers.tasks.batches import batches_by_length
from helpers.training.costs import choose_device, training_flops
from helpers.training.optimizers import OPTIMIZERS, MuonAdamW
from helpers.transfer.strategies import Strategy, depth, layers_of


@dataclass(frozen=True)
class Training:
    """How long and how fast to train; a run passes all of it as notebook parameters.

    Attributes:
        learning_rate: peak step size, in (0, 1); rises over the first tenth of the steps, then
            falls linearly to 0.
        batch_size: texts a step.
        epochs: passes over the training items, at most.
        max_steps: stop after so many steps, whatever ``epochs`` says; None does not.
        optimizer: "adamw", or "muon", see :class:`helpers.training.optimizers.MuonAdamW`.
    """

    learning_rate: float = 2e-4
    batch_size: int = 8
    epochs: int = 4
    max_steps: int | None = None
    optimizer: str = "adamw"

    def __post_init__(self) -> None:
        """Refuse an optimizer that there is not."""
        if self.optimizer not in OPTIMIZERS:
            raise UserError(
                f"There is no optimizer '{self.optimizer}'.{nearest(self.optimizer, OPTIMIZERS)}"
            )

    def steps(self, n_items: int) -> int:
        """Return the number of optimizer steps on ``n_items`` training items.

        >>> Training(batch_size=8, epochs=4).steps(20)
        12
        >>> Training(batch_size=8, epochs=4, max_steps=5).steps(20)
        5
        """
        steps = self.epochs * -(-n_items // self.batch_size)
        return steps if self.max_steps is None else min(steps, self.max_steps)


@dataclass(frozen=True)
class Tuned:
    """What one fine-tuning did.

    Attributes:
        losses: (steps,) training loss of every step, nats per item.
        trained_parameters: how many numbers learned.
        tokens: how many tokens (padding not counted) the model was trained on.
        flops: estimate, see :func:`training_flops`.
    """

    losses: np.ndarray
    trained_parameters: int
    tokens: int
    flops: float


def fine_tune(
    model: nn.Module,
    items: Dataset,
    collator: Any,
    strategy: Strategy,
    training: Training,
    *,
    seed: int,
    device: str = "auto",
    callbacks: Sequence[TrainerCallback] = (),
    by_length: bool = True,
) -> Tuned:
    """Train ``model`` in place on encoded ``items``; leave it in evaluation mode.

    Args:
        model: returns ``loss`` and ``logits`` for a batch with ``labels``.
        items: encoded items (``input_ids``, ``attention_mask``, ``labels``).
        collator: makes a batch of a list of items.
        strategy: which parameters learn.
        training: length, batch and step size.
        seed: order of the batches and dropout.
        device: see :func:`choose_device`.
        callbacks: called by the Trainer as training goes on, to look at the model, say.
        by_length: like lengths share a batch; otherwise batches are drawn at random.

    Raises:
        UserError: no items, a loss that is no number any more, step sizes per layer with Muon.
    """
    if len(items) == 0:
        raise UserError("There are no training items; fine-tuning needs at least one.")
    strategy.apply(model)
    steps = training.steps(len(items))
    recorder = _LossRecorder()
    own = _optimizer(model, strategy, training)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            learning_rate=training.learning_rate,
            lr_scheduler_type="linear",
            warmup_steps=round(0.1 * steps),
            per_device_train_batch_size=training.batch_size,
            max_steps=steps,
            train_sampling_strategy="group_by_length" if by_length else "random",
            weight_decay=0.01,
            seed=seed,
            data_seed=seed,
            save_strategy="no",
            logging_steps=1,
            logging_nan_inf_filter=False,
            include_num_input_tokens_seen="non_padding",
            report_to=[],
            disable_tqdm=True,
            log_level="error",
            use_cpu=choose_device(device).type == "cpu",
            dataloader_pin_memory=False,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=items,
            data_collator=collator,
            callbacks=[recorder, *callbacks],
            optimizers=(own, None),
        )
        trainer.pop_callback(PrinterCallback)  # a notebook's output must not hold every log
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.train()
        tokens = int(trainer.state.num_input_tokens_seen)
    model.eval()
    losses = np.array(recorder.losses)
    if not np.isfinite(losses).all():
        raise UserError(
            f"The training loss is not a number after step {int(np.isfinite(losses).argmin())}; "
            f"take a smaller learning_rate than {training.learning_rate:g}."
        )
    learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Tuned(losses, learned, tokens, training_flops(model, tokens))


def _optimizer(
    model: nn.Module, strategy: Strategy, training: Training
) -> torch.optim.Optimizer | None:
    """Return the optimizer where the Trainer's own will not do: Muon, or a step size per layer."""
    if training.optimizer == "muon":
        if strategy.decay != 1:
            raise UserError(
                f"Strategy '{strategy.name}' needs a step size per layer, which muon has not; "
                "take optimizer=adamw."
            )
        return MuonAdamW(model, training.learning_rate)
    if strategy.decay == 1:
        return None
    layers = layers_of(model)
    pulled = set(Trainer.get_decay_parameter_names(None, model))  # type: ignore[arg-type]
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((depth(name, layers), name in pulled), []).append(parameter)
    return torch.optim.AdamW(
        {
            "params": parameters,
            "lr": training.learning_rate * strategy.rate_share(at, layers),
            "weight_decay": 0.01 * decays,  # of all but biases and norms, as the Trainer has it
        }
        for (at, decays), parameters in groups.items()
    )


def predict(
    model: nn.Module, items: Dataset, collator: Any, *, batch_size: int = 32, device: str = "auto"
) -> np.ndarray:
    """Return the logits (n, c) of encoded items, in the items' order."""
    return _forward(model, items, collator, batch_size, device, features=False)


def extract_features(
    model: nn.Module, items: Dataset, collator: Any, *, batch_size: int = 32, device: str = "auto"
) -> np.ndarray:
    """Return the pooled vectors (n, d) of encoded items: computed once, used for every probe."""
    return _forward(model, items, collator, batch_size, device, features=True)


@torch.inference_mode()
def _forward(
    model: nn.Module,
    items: Dataset,
    collator: Any,
    batch_size: int,
    device: str,
    *,
    features: bool,
) -> np.ndarray:
    """Run a model over items sorted by length (little padding); give the results in their order."""
    target = choose_device(device)
    model = model.to(target).eval()
    columns = ["input_ids", "attention_mask", "labels"]
    rows = items.select_columns(columns).to_list()
    results: list[np.ndarray] = [np.empty(0)] * len(rows)
    for chosen in batches_by_length([len(row["input_ids"]) for row in rows], batch_size):
        batch = collator([rows[i] for i in chosen]).to(target)
        batch.pop("labels")  # a prediction never sees them
        out = model.features(**batch) if features else model(**batch).logits  # type: ignore[operator]
        for i, row in zip(chosen, out.float().cpu().numpy(), strict=True):
            results[i] = row
    return np.stack(results)


def fit_probe(
    model: nn.Module, features: np.ndarray, labels: np.ndarray, *, regularization: float = 1.0
) -> None:
    """Fit the head of ``model`` to features (n, d), labels (n,) by logistic regression, in place.

    The multinomial likelihood with an L2 penalty is convex, so the solver finds its one minimum; a
    class without an item keeps logit -1e4 and is never predicted.

    Args:
        model: has a linear layer ``head`` of shape (c, d).
        features: from :func:`extract_features` of the same model.
        labels: classes, 0 to c - 1.
        regularization: inverse penalty C of scikit-learn's ``LogisticRegression``, above 0.

    Raises:
        UserError: fewer than two classes among the labels.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        raise UserError(
            f"A probe needs items of at least two classes; the {len(labels)} given are all of one."
        )
    solver = probe(regularization).fit(features, labels)
    head: Any = model.head
    coefficients, intercepts = as_layer(solver, len(head.bias))
    with torch.no_grad():
        head.weight.copy_(torch.as_tensor(coefficients))
        head.bias.copy_(torch.as_tensor(intercepts))


class _LossRecorder(TrainerCallback):
    """Keeps the loss of every step, which the Trainer only logs."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))
