"""Arms that learn small tasks from a few labels each, with and without practice on others.

The texts are 20 Newsgroups as vectors of a frozen encoder (:mod:`helpers.trials.tasks.vectors`). A
draw parts the groups anew, whole fields (comp, rec, sci, …) together, so that no class of the test
and no sibling of one was practised on; it has new random weights too. A scored item is an
*episode*: a few classes of the test, a few labelled texts of each, some texts of each to be
classified. No text is in two episodes of a draw. Settings are found on the tuning draw with the
corpus's validation texts, which no scored episode has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.sources.sampling import TUNING, mean_overlap
from helpers.tasks.episodes import Episode, episodes, separate_episodes, split_classes
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs
from helpers.trials.tasks.base import Folders
from helpers.trials.tasks.episodes import EPISODES as EPISODES
from helpers.trials.tasks.episodes import PRACTISED
from helpers.trials.trial import Trial

INNER_STEPS = 10
"""Steps of gradient descent on the labels of an episode, of every method that takes steps."""

LEARNERS = tuple(PRACTISED)
"""Arms that practise."""


def class_parts(names: Sequence[str], draw: int) -> tuple[list[int], list[int]]:
    """Return the classes to practise on and those of the test, whole fields together.

    >>> names = ["a.x", "a.y", "b.x", "b.y", "c.x", "c.y", "c.z", "d.x"]
    >>> practice, test = class_parts(names, draw=0)
    >>> len(practice) + len(test), len(test) >= 5
    (8, True)
    """
    fields = [name.partition(".")[0] for name in names]
    split = split_classes(names, 0, 0, 5, seed=draw - TUNING, groups=fields)
    return split.train, split.test


def tests_of(
    labels: np.ndarray, names: Sequence[str], draw: int, n: int, **shape: int
) -> list[Episode]:
    """Return the episodes that a draw is scored on; no text is in two of them.

    Args:
        labels: class of every training text and, behind them, of every test text.
        names: of the classes.
        draw: from 0.
        n: how many.
        shape: ``ways``, ``shots`` and ``queries``.
    """
    return separate_episodes(labels, class_parts(names, draw)[1], n=n, seed=draw - TUNING, **shape)


def overlap(
    labels: np.ndarray, names: Sequence[str], draws: Sequence[int], n: int, **shape: int
) -> float:
    """Return the share of labelled texts that two draws have in common, the mean over pairs.

    Args as for :func:`tests_of`.
    """
    return mean_overlap(
        np.concatenate([task.support for task in tests_of(labels, names, draw, n, **shape)])
        for draw in draws
    )


def _scored(trial: Trial, inputs: Inputs) -> tuple[np.ndarray, list[Episode]]:
    """Return the vectors of the texts that are scored on, (n, d), and the episodes.

    They are training and test texts of classes that no arm has practised on; on the tuning draw
    validation texts, which come round again in several episodes.
    """
    shape = {name: trial.options[name] for name in ("ways", "shots", "queries")}
    names, draw = inputs["names"], trial.draw
    if trial.split == "validation":
        test, seed = class_parts(names, draw)[1], draw - TUNING
        made = episodes(inputs["validation.labels"], test, n=trial.items, seed=seed, **shape)
        return _wide(inputs["validation.features"]), made
    labels, features = (
        np.concatenate([inputs[f"{split}.{what}"] for split in ("train", "test")])
        for what in ("labels", "features")
    )
    return _wide(features), tests_of(labels, names, draw, trial.items, **shape)


def _wide(features: np.ndarray) -> np.ndarray:
    """Return vectors in 64 bits, or kinds of processors differ."""
    return features.astype(np.float64)


def right_of(outcomes: Mapping[int, Outcome]) -> np.ndarray:
    """Return the share of right answers in every episode, (draws, episodes), in [0, 1]."""
    return np.stack(
        [each.items["right"] / each.items["asked"].astype(float) for each in outcomes.values()]
    )


def _outcome(trial: Trial, inputs: Inputs, answer: Callable[..., torch.Tensor]) -> Outcome:
    from helpers.transfer.meta import episode_accuracies

    features, tasks = _scored(trial, inputs)
    asked = np.array([len(task.query) for task in tasks], np.uint8)
    right = np.rint(episode_accuracies(answer, torch.from_numpy(features), tasks) * asked)
    return Outcome({"right": right.astype(np.uint8), "asked": asked})


def _practice(trial: Trial, inputs: Inputs) -> tuple[torch.Tensor, list[Episode]]:
    """Return the vectors of training texts and the episodes to practise on."""
    shape = {name: trial.options[name] for name in ("ways", "shots", "queries")}
    classes = class_parts(inputs["names"], trial.draw)[0]
    tasks = episodes(
        inputs["train.labels"], classes, n=trial.options["tasks"],
        seed=1000 + trial.draw - TUNING, **shape,
    )  # fmt: skip
    return torch.from_numpy(_wide(inputs["train.features"])), tasks


def constant(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Say the first class of every text: what there is without any learning."""

    def answer(support: Any, labels: Any, query: torch.Tensor) -> torch.Tensor:
        return torch.eye(trial.options["ways"])[:1].expand(len(query), -1)

    return _outcome(trial, inputs, answer)


def nearest_mean(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Say the class whose labelled texts have the nearest mean; nothing is learned."""
    from helpers.transfer.meta import nearest_centroid

    return _outcome(trial, inputs, nearest_centroid)


def fresh_head(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Fit a new linear head to the labels of each episode, to its optimum: plain fine-tuning."""
    from helpers.evaluation.probes import probe

    def answer(support: torch.Tensor, labels: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        fitted = probe(trial.options["regularization"]).fit(support.numpy(), labels.numpy())
        return torch.from_numpy(fitted.predict_proba(query.numpy()))

    return _outcome(trial, inputs, answer)


def prototypical(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Practise a linear map, at first the identity, under which class means are near."""
    from helpers.transfer.meta import learn_prototypes

    features, tasks = _practice(trial, inputs)
    width = features.shape[1]
    embed = nn.Linear(width, width, dtype=features.dtype)
    nn.init.eye_(embed.weight)
    nn.init.zeros_(embed.bias)
    answer = learn_prototypes(embed, features, tasks, rate=trial.options["rate"])
    return _outcome(trial, inputs, answer)


def _stepping(
    trial: Trial, inputs: Inputs, practise: Callable[..., nn.Module], *, head_only: bool = False
) -> Outcome:
    """Practise a small network, then let it take steps on the labels of each episode."""
    from helpers.transfer.meta import SmallNetwork, fine_tuning

    features, tasks = _practice(trial, inputs)
    inner: dict[str, Any] = {"steps": INNER_STEPS, "rate": trial.options["rate"]}
    if head_only:
        inner["head_only"] = True
    net = SmallNetwork(features.shape[1], trial.options["ways"], seed=trial.draw + 1)
    practise(net.to(features.dtype), features, tasks, **inner)
    return _outcome(trial, inputs, fine_tuning(net, **inner))


def reptile(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Practise by Reptile: move towards where the steps on each task end."""
    from helpers.transfer import meta

    return _stepping(trial, inputs, meta.reptile)


def fomaml(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Practise by first-order MAML: learn where to start from, by what the steps lead to."""
    from helpers.transfer import meta

    return _stepping(trial, inputs, meta.first_order_maml)


def anil(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Practise by ANIL: first-order MAML in which an episode moves the head alone."""
    from helpers.transfer import meta

    return _stepping(trial, inputs, meta.first_order_maml, head_only=True)
