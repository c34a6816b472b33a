"""Carrying out a strategy on a classification task at a given cost.

Strategies differ in what a step costs: a frozen bottom saves the backward pass, a second pass or a
source batch doubles it. So they are compared at equal *cost*: the length of each stage is worked
out from the operations of its own step, measured on the model. Features under a frozen encoder are
computed once and the head is fitted to them.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from helpers.tasks.classification import TextClassification
from helpers.tasks.heads import MeanPooledClassifier
from helpers.training import step_costs
from helpers.transfer import adapters, finetuning, objectives, regularization
from helpers.transfer.strategies import LINEAR_PROBE, Strategy


@dataclass(frozen=True)
class Target:
    """What is to be learned, from which model, and what else a strategy may use.

    Attributes:
        task: the target.
        model: name of the pretrained model.
        tokenizer: the model's.
        config: changes of its configuration, ``num_hidden_layers=2``, say.
        source: a related labelled task, for the joint objective.
        source_items: how many of its training items are used, at most, drawn by the run's seed.
        unlabelled: texts of the target without labels, for more pretraining.
    """

    task: TextClassification
    model: str
    tokenizer: PreTrainedTokenizerBase
    config: dict[str, Any] = field(default_factory=dict)
    source: TextClassification | None = None
    source_items: int = 512
    unlabelled: Dataset | None = None

    def check(self, strategy: Strategy, model: MeanPooledClassifier | None = None) -> None:
        """Refuse a strategy that this target or model cannot take, before any training.

        ``model``: what :func:`prepare` gave, if it is there already.

        Raises:
            UserError: a joint objective without a source, more pretraining without texts, an
                architecture that an adapter does not know, more layers unfrozen than there are.
        """
        model = prepare(self, strategy, seed=0) if model is None else model
        for stage in (strategy, *(each for _, each in strategy.stages(model))):
            stage.objective.check(self, model, strategy.name)


@dataclass(frozen=True)
class Effort:
    """How much a strategy may cost, and its numbers that a search decides.

    Attributes:
        flops: floating-point operations of all its steps together, about.
        learning_rate: largest step size.
        batch_size: texts in a step.
        regularization: inverse penalty C of a probe.
        seconds: wall time of all steps in place of ``flops``; two runs then differ.
    """

    flops: float
    learning_rate: float
    batch_size: int = 8
    regularization: float = 100.0
    seconds: float | None = None


@dataclass(frozen=True)
class TuneResult:
    """What carrying out a strategy gave.

    Attributes:
        model: in evaluation mode, with whatever the strategy put into it.
        losses: of every step, stage after stage.
        trained_parameters: numbers that learned at some stage.
        steps: of each stage; 0 for a stage on cached features.
        tokens: of the target trained on, padding not counted; a source's come on top.
        flops: spent, see :func:`helpers.training.step_costs.step_cost`.
        megabytes: memory of its most costly step.
        seconds: wall time, features and all steps.
    """

    model: MeanPooledClassifier
    losses: np.ndarray
    trained_parameters: int
    steps: tuple[int, ...]
    tokens: int
    flops: float
    megabytes: float
    seconds: float


def prepare(target: Target, strategy: Strategy, *, seed: int) -> MeanPooledClassifier:
    """Return the model that a strategy starts from: weights loaded, its change put in.

    Raises:
        UserError: an architecture that the change does not know.
    """
    model = target.task.build_model(
        target.model, pretrained=strategy.pretrained, seed=seed, **target.config
    )
    strategy.prepare(model, seed)
    return model


def merge_changes(model: MeanPooledClassifier) -> MeanPooledClassifier:
    """Make a plain model of a tuned one, in place: low-rank changes merged, weight noise off.

    The logits stay (to rounding). Bottleneck adapters cannot be merged and stay.
    """
    merge: Any = getattr(model.backbone, "merge_and_unload", None)
    if merge is not None:
        model.backbone = merge()
    regularization.remove_weight_noise(model)
    return model


def save(model: MeanPooledClassifier, folder: Path | str) -> None:
    """Settle a tuned model and write it as safetensors; :func:`load` gives the same logits again.

    >>> load("nowhere")
    Traceback (most recent call last):
    ...
    helpers.UserError: nowhere holds no head.safetensors; give a folder that this class saved.
    """
    merge_changes(model).save(folder)
    (Path(folder) / "adapters.safetensors").unlink(missing_ok=True)  # of a model saved before
    if hasattr(model, "adapters"):
        adapters.save_bottlenecks(model, folder)


def load(folder: Path | str) -> MeanPooledClassifier:
    """Read what :func:`save` wrote.

    Raises:
        UserError: the folder holds no classifier, or adapters that do not fit it.
    """
    model = MeanPooledClassifier.load(folder)
    adapters.load_bottlenecks(model, folder)
    return model.eval()


def full_step(
    target: Target, train: Dataset, batch_size: int, unit: str = "flops", device: str = "auto"
) -> float:
    """Return what a step costs in which everything learns: the unit that budgets are in.

    In operations ("flops"), or in "seconds" on this machine's ``device``, now.
    """
    model = target.task.build_model(target.model, pretrained=True, seed=0, **target.config)
    rows = target.task.encode(train, target.tokenizer)
    collate = target.task.collator(target.tokenizer)
    if unit == "seconds":
        batch = step_costs.typical_batch(rows, collate, batch_size)
        return step_costs.step_seconds(model, batch, finetuning.choose_device(device))
    return step_costs.average_cost(model, rows, collate, batch_size).flops


def tune(
    target: Target,
    strategy: Strategy,
    train: Dataset,
    effort: Effort,
    *,
    seed: int,
    device: str = "auto",
) -> TuneResult:
    """Carry out ``strategy`` on the labelled texts ``train``, at the cost of ``effort``.

    Args:
        target: task, model, and what else may be used.
        strategy: which parameters learn, in which order, with which objective.
        train: labelled texts of the target.
        effort: its cost and its numbers.
        seed: of new weights, batches and dropout.
        device: see :func:`finetuning.choose_device`.

    Raises:
        UserError: as :meth:`Target.check` and :func:`finetuning.fine_tune`.
    """
    begin = time.perf_counter()
    model = prepare(target, strategy, seed=seed)
    target.check(strategy, model)
    rows = target.task.encode(train, target.tokenizer)
    collator = target.task.collator(target.tokenizer)
    left = effort.flops if effort.seconds is None else effort.seconds
    flops, tokens, memory = 0.0, 0, 0.0
    learned: set[str] = set()
    losses: list[np.ndarray] = []
    steps: list[int] = []
    for number, (share, stage) in enumerate(strategy.stages(model)):
        if share == 0 or stage.name == LINEAR_PROBE.name:
            learned |= set(stage.apply(model))
            start = time.perf_counter()
            spent = _fit_head(model, rows, collator, effort, device)
            left -= spent if effort.seconds is None else time.perf_counter() - start
            flops += spent
            tokens += sum(map(len, rows["input_ids"]))
            steps.append(0)
            continue
        amount = float(stage.amount or 0)
        net, items, collate, callbacks, by_length = stage.objective.build(
            objectives.Stage(target, model, rows, collator, amount, seed)
        )
        stage.apply(net)
        learned |= {name for name, p in model.named_parameters() if p.requires_grad}
        price = step_costs.average_cost(net, items, collate, effort.batch_size)
        each = price.flops
        if effort.seconds is not None:
            batch = step_costs.typical_batch(items, collate, effort.batch_size)
            each = step_costs.step_seconds(net, batch, finetuning.choose_device(device))
        steps.append(max(1, round(share * left / each)))
        training = finetuning.Training(
            effort.learning_rate, effort.batch_size, steps[-1], max_steps=steps[-1]
        )
        tuned = finetuning.fine_tune(
            net, items, collate, stage, training,
            seed=seed + 1000 * number, device=device, callbacks=callbacks, by_length=by_length,
        )  # fmt: skip
        losses.append(tuned.losses)
        flops += steps[-1] * price.flops
        tokens += tuned.tokens
        memory = max(memory, price.megabytes)
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    return TuneResult(
        model=model.eval(),
        losses=np.concatenate(losses) if losses else np.empty(0),
        trained_parameters=sum(size for name, size in sizes.items() if name in learned),
        steps=tuple(steps),
        tokens=tokens,
        flops=flops,
        megabytes=memory or 4e-6 * sum(sizes.values()),
        seconds=time.perf_counter() - begin,
    )


def _fit_head(
    model: MeanPooledClassifier, rows: Dataset, collator: Any, effort: Effort, device: str
) -> float:
    """Fit the head on features computed once; return the operations of the forward passes."""
    features = finetuning.extract_features(model, rows, collator, device=device)
    finetuning.fit_probe(
        model, features, np.array(rows["labels"][:]), regularization=effort.regularization
    )
    batch = collator([step_costs.middle_row(rows)])
    batch.pop("labels")
    per_token = step_costs.forward_flops(model, batch) / batch["attention_mask"].sum().item()
    return float(per_token * sum(map(len, rows["input_ids"])))
