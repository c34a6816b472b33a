"""What may be done with labels, by name, and running one trial."""

import datetime
import os
import platform
import time
from dataclasses import replace

import torch
import transformers

from helpers import UserError, nearest
from helpers.base.provenance import cpu_model
from helpers.trials import (
    compressed,
    domains,
    few_shot,
    language,
    networks,
    rankers,
    references,
    strategies,
    translating,
)
from helpers.trials.networks import Arm, Folders
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs
from helpers.trials.trial import Trial

ARMS: dict[str, dict[str, Arm]] = {
    "classification": {
        "majority": references.majority,
        "tfidf": references.tfidf,
        "tfidf_whole": references.tfidf,
        "frozen": networks.frozen,
        "fine_tuned": networks.fine_tuned,
        "from_scratch": networks.from_scratch,
        **strategies.ARMS,
        "uncompressed": compressed.uncompressed,
        "int8": compressed.int8,
        "pruned_50": compressed.pruned,
        "pruned_80": compressed.pruned,
        "three_layers": compressed.fewer_layers,
        "distilled": compressed.distilled,
        "small": compressed.small,
    },
    "tagging": {
        "dictionary": references.dictionary,
        "linear": references.linear,
        "untrained": networks.untrained,
        "frozen": networks.frozen_tagger,
        "fine_tuned": networks.fine_tuned,
        "from_scratch": networks.from_scratch,
    },
    "domains": {
        "majority": domains.majority,
        "source_only": domains.source_only,
        "target_only": domains.target_only,
        "pooled": domains.joint,
        "joint": domains.joint,
        "coral": domains.coral,
        "importance": domains.importance,
        "self_training": domains.self_training,
    },
    "episodes": {
        "constant": few_shot.constant,
        "nearest_mean": few_shot.nearest_mean,
        "fresh_head": few_shot.fresh_head,
        "prototypical": few_shot.prototypical,
        "reptile": few_shot.reptile,
        "fomaml": few_shot.fomaml,
        "anil": few_shot.anil,
    },
    "translation": {
        "copy": translating.copy,
        "glossary": translating.glossary,
        "memory": translating.memory,
        "fine_tuned": translating.fine_tuned,
        "from_scratch": translating.from_scratch,
    },
    "language_modeling": {
        "unigram": language.unigram,
        "untuned": language.untuned,
        "fine_tuned": language.fine_tuned,
        "from_scratch": language.from_scratch,
        "source_continued": language.source_continued,
        "two_phase": language.two_phase,
        "joint": language.joint,
    },
    "retrieval": {
        "random": rankers.random_order,
        "bm25": rankers.bm25,
        "frozen": rankers.frozen,
        "fine_tuned": rankers.fine_tuned,
        "from_scratch": rankers.from_scratch,
    },
}
"""Each takes a trial, its inputs, the models' folders and a device, and gives an outcome."""


def arm_of(trial: Trial) -> Arm:
    """Return what the trial's arm does.

    Raises:
        UserError: the task has no such arm.
    """
    known = ARMS[trial.task]
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
