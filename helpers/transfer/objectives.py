"""What a stage of a strategy minimizes: the task's loss, or that and something beside it.

An :class:`Objective` is two functions: one refuses a target that lacks what the objective needs,
the other makes what is trained of the model. A strategy carries one; nothing else interprets it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from helpers import UserError

# What is imported inside functions needs `datasets`: strategies are carried out without it, too.


class Stage(NamedTuple):
    """Where an objective is used.

    ``target`` is a :class:`helpers.transfer.tuning.Target`, ``model`` its classifier, ``rows`` the
    encoded labelled texts, ``collator`` batches them; ``amount`` is the strategy's own number,
    ``seed`` of everything random.
    """

    target: Any
    model: Any
    rows: Any
    collator: Any
    amount: float
    seed: int


class Learning(NamedTuple):
    """What a stage trains: a network that gives ``loss`` for batches of ``rows``.

    ``callbacks`` watch the training; with ``by_length`` like lengths share a batch.
    """

    net: nn.Module
    rows: Any
    collator: Any
    callbacks: Sequence[Any] = ()
    by_length: bool = True


def _needs_nothing(target: Any, model: Any, strategy: str) -> None:
    """Take any target."""


@dataclass(frozen=True)
class Objective:
    """What is minimized.

    Attributes:
        name: in the field's words.
        build: makes of a stage what is trained.
        check: refuses a (target, model, name of the strategy) that lacks something.
    """

    name: str
    build: Callable[[Stage], Learning]
    check: Callable[[Any, Any, str], None] = _needs_nothing


def _task(stage: Stage) -> Learning:
    return Learning(stage.model, stage.rows, stage.collator)


def _r_drop(stage: Stage) -> Learning:
    from helpers.transfer.regularization import RDrop

    return Learning(RDrop(stage.model, stage.amount), stage.rows, stage.collator)


def _joint(stage: Stage) -> Learning:
    from helpers.tasks.heads import MeanPooledClassifier
    from helpers.transfer.joint import JointObjective, PairCollator, pair_rows

    source, rows, seed = stage.target.source, stage.rows, stage.seed
    head = MeanPooledClassifier(stage.model.backbone, source.n_classes)
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed + 1)
        nn.init.normal_(head.head.weight, std=0.02)
    objective = JointObjective(stage.model, stage.amount, source_model=head)
    most = min(stage.target.source_items, len(source.corpus.splits["train"]))
    its = source.encode(source.items("train", most, seed), stage.target.tokenizer)
    # Few target rows come round again with other source rows until each of those was used.
    again = rows.select(np.resize(np.arange(len(rows)), max(len(rows), len(its))))
    pairs = pair_rows(its, again, seed=seed)
    # By length, a text's copies would fill whole batches.
    return Learning(objective, pairs, PairCollator(stage.collator), by_length=False)


def _joint_rising(stage: Stage) -> Learning:
    from helpers.transfer.joint import RisingWeight

    made = _joint(stage)
    return made._replace(callbacks=(RisingWeight(made.net),))  # type: ignore[arg-type]


def _needs_a_source(target: Any, model: Any, strategy: str) -> None:
    from helpers.sources.loading import positions

    if target.source is None:
        raise UserError(
            f"Strategy '{strategy}' needs a labelled source beside the target: name one as source, "
            "or leave the strategy out."
        )
    limit = positions(model.backbone)
    if limit and target.source.max_length > limit:
        raise UserError(
            f"The source's max_length {target.source.max_length} is more than {limit} positions."
        )


def _masked_words(stage: Stage) -> Learning:
    from datasets import Dataset

    from helpers.tasks.batches import DynamicMasking, RightPadding
    from helpers.tasks.language_modeling import is_causal
    from helpers.training import pretraining

    target = stage.target
    reader = pretraining.with_language_head(stage.model.backbone, stage.seed)
    # As the same task encodes them: the words that the labels will be learned from.
    unread = Dataset.from_dict(
        {"text": target.unlabelled["text"], "label": [0] * len(target.unlabelled)}
    )
    encoded = target.task.encode(unread, target.tokenizer).remove_columns("labels")
    if is_causal(reader):
        encoded = encoded.add_column("labels", encoded["input_ids"][:])
        return Learning(reader, encoded, RightPadding(target.tokenizer))
    masking = DynamicMasking(target.tokenizer, seed=stage.seed, tries=100)
    return Learning(reader, encoded, masking)


def _needs_texts(target: Any, model: Any, strategy: str) -> None:
    if not target.unlabelled:
        raise UserError(f"Strategy '{strategy}' needs unlabelled texts of the target.")


TASK = Objective("task", _task)
R_DROP = Objective("r_drop", _r_drop)
JOINT = Objective("joint", _joint, _needs_a_source)
JOINT_RISING = Objective("joint", _joint_rising, _needs_a_source)
MASKED_WORDS = Objective("masked words", _masked_words, _needs_texts)
