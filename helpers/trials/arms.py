"""Running one trial: its arm is looked up and done, and what it cost is said."""

import datetime
import os
import platform
import time
from dataclasses import replace

import torch
import transformers

from helpers import UserError, nearest
from helpers.base.provenance import cpu_model
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs
from helpers.trials.tasks import task_of
from helpers.trials.tasks.base import Arm, Folders
from helpers.trials.trial import Trial


def arm_of(trial: Trial) -> Arm:
    """Return what the trial's arm does.

    Raises:
        UserError: the task has no such arm.
    """
    known = task_of(trial.task).arms()
    if trial.arm not in known:
        raise UserError(
            f"There is no arm '{trial.arm}' of {trial.task}.{nearest(trial.arm, known)}"
        )
    return known[trial.arm]


def run(
    trial: Trial, inputs: Inputs, folders: Folders, device: torch.device, commit: str = ""
) -> Outcome:
    """Run one trial: look its arm up, do it, and say what it cost and where it ran.

    On a processor it takes one thread, so that the outcome does not hang on how many trials run
    beside it.

    Raises:
        UserError: an unknown arm; whatever the arm refuses.
    """
    chosen = arm_of(trial)
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    else:
        torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    try:
        outcome = chosen(trial, inputs, folders, device)
    finally:
        torch.set_num_threads(threads)
    cost = dict(outcome.cost) | {"seconds": round(time.perf_counter() - started, 2)}
    if device.type == "cuda":
        cost["device_megabytes"] = round(torch.cuda.max_memory_allocated() / 1e6, 1)
    return replace(outcome, cost=cost, origin=origin(device, commit))


def origin(device: torch.device, commit: str = "") -> dict[str, str | int]:
    """Return where an outcome comes from: device, threads, versions, date, commit."""
    name = cpu_model() if device.type == "cpu" else torch.cuda.get_device_name(0)
    return {
        "device": name,
        "threads": 1 if device.type == "cpu" else 0,
        "torch": torch.__version__.partition("+")[0],
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "commit": commit or os.environ.get("TRANSFER_COMMIT", ""),
    }
