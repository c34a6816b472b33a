"""Networks that several trials start from: trained once a draw, kept as safetensors, shared.

A trial of compression starts from the fine-tuned network of its draw, and so do all trials of that
draw. The first that needs it trains it and puts the weights beside the outcomes; the others read
them. A kill loses the training in hand only: the file is put in place by a rename. Two processes
that want one network do not train it twice: the second waits for the first at a lock, which the
system opens when a process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from helpers import UserError
from helpers.trials.tasks import task_of
from helpers.trials.trial import Trial

if TYPE_CHECKING:
    import torch

PARENT = "parent_"
"""Marks those options of a trial that are its parent's."""

SHARED = ("batch_tokens", "dropout", "general_labels", "max_length", "pooling", "precision")
"""Options that a trial and its parent have in common."""

TAUGHT = ("hard", "layers", "learning_rate", "steps", "temperature", "unlabelled")
"""Options that decide a student, besides its teacher's."""

FOLDER = "networks"

_place: Path | None = None


def keep_in(folder: Path | None) -> None:
    """Keep networks of this process in ``folder``; None keeps none."""
    global _place
    _place = folder


def of_origins(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of what a trial starts from as options of the trial that starts there.

    The first is its parent; others come behind the parent, as its own steps would.

    >>> of_origins({"fine_tuned": {"steps": 240}, "distilled": {"steps": 120}})
    {'parent_steps': 240, 'steps': 120}
    """
    parent, *others = found.values()
    options = {PARENT + name: value for name, value in parent.items()}
    for other in others:
        options |= other
    return options


def parent_of(trial: Trial) -> Trial:
    """Return the trial whose network this one starts from: an arm of the same draw.

    >>> setting = {"parent_steps": 240, "max_length": 64, "sparsity": 0.5}
    >>> pruned = Trial("classification", "mine", "0" * 64, "pruned_50", 64, 0, 100,
    ...                setting=tuple(setting.items()))
    >>> parent_of(pruned).arm, parent_of(pruned).setting
    ('fine_tuned', (('max_length', 64), ('steps', 240)))
    """
    options = trial.options
    own = {name: value for name, value in options.items() if name in SHARED}
    of_parent = {
        name.removeprefix(PARENT): value
        for name, value in options.items()
        if name.startswith(PARENT)
    }
    arm = task_of(trial.task).setup(trial.arm).starts_from[0]
    return replace(trial, arm=arm, setting=tuple((own | of_parent).items()))


def first_student(trial: Trial) -> Trial:
    """Return the trial whose student a smaller one is made of: distilled on the same draw."""
    kept = {
        name: value
        for name, value in trial.options.items()
        if name in SHARED or name in TAUGHT or name.startswith(PARENT)
    }
    return replace(trial, arm="distilled", setting=tuple(kept.items()))


def needed(trial: Trial) -> list[Trial]:
    """Return the trials whose networks must be trained, or kept, before this one is scored.

    >>> needed(Trial("classification", "mine", "0" * 64, "majority", 64, 0, 100))
    []
    """
    options = trial.options
    if PARENT + "steps" not in options:
        return []
    taught = task_of(trial.task).is_student(trial.arm)
    return [parent_of(trial), *([first_student(trial)] if taught else [])]


def file_of(trial: Trial, folder: Path) -> Path:
    """Return where the network of a trial is kept."""
    return folder / f"{trial.key}.safetensors"


def network(
    trial: Trial,
    blank: Callable[[], torch.nn.Module],
    train: Callable[[torch.nn.Module], dict[str, Any]],
    device: torch.device,
) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Return the trained network of a trial, and the facts of its training.

    Args:
        trial: whose network it is.
        blank: gives the network before its training, always the same one.
        train: trains it in place and says what is to be remembered of it, as JSON can hold it.
        device: where it is trained; one that was trained elsewhere, or with other versions, is not
            taken.
    """
    import torch
    import transformers

    from helpers.compression.compact import load_compact, save_compact

    model = blank()
    if _place is None:
        return model, train(model)
    file = file_of(trial, _place)
    origin = {
        "device": device.type,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    with _alone(file):
        facts = _facts(file)
        if facts is not None and facts["origin"] == origin:
            try:
                return load_compact(model, file).eval(), facts["training"]
            except UserError:
                model = blank()  # a damaged file is made anew
        training = train(model)
        save_compact(model, file, {"facts": json.dumps({"origin": origin, "training": training})})
    return model.eval(), training


def _facts(file: Path) -> dict[str, Any] | None:
    """Return what a kept network's file says of itself; None where there is none that is whole."""
    try:
        with safe_open(file, framework="pt") as opened:
            found: dict[str, Any] = json.loads((opened.metadata() or {})["facts"])
            return found
    except (SafetensorError, OSError, KeyError, ValueError):
        return None


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Wait until no other process trains this network, and keep others waiting."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with (file.parent / f".{file.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
