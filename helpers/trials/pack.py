"""Trials taken to a machine that has torch and transformers and nothing else, and back.

A pack is a folder: ``pack.000``, ``pack.001``, … (a zip file in pieces: the worker's modules, the
encoded inputs, the weights in half precision, the list of trials) and ``start.py``, which joins
them and runs the trials. What comes back are zip files of outcomes for ``--merge``.
"""

import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import ROOT, UserError
from helpers.base.files import write_atomically
from helpers.trials.rows import load_inputs, save_inputs
from helpers.trials.store import Store
from helpers.trials.tasks import TASKS, task_of
from helpers.trials.trial import Trial, from_json
from helpers.trials.worker import share_out

PIECE = 30_000_000
"""Bytes of a piece of a pack, at most."""

RETURNED = 16_000_000
"""Bytes of outcomes in one zip file, at most, before it is compressed."""

MODULES = (
    "__init__", "base/__init__", "base/files", "base/processes", "base/provenance",
    "sources/__init__", "sources/loading", "sources/newsgroups", "sources/noise",
    "sources/sampling", "sources/variants",
    "tasks/__init__", "tasks/alignment", "tasks/bi_encoder", "tasks/episodes", "tasks/heads",
    "tasks/row_losses", "tasks/tags",
    "training/__init__", "training/costs", "training/curves", "training/loop",
    "training/row_batches",
    "transfer/__init__", "transfer/objective", "transfer/objectives", "transfer/strategies",
    "trials/__init__", "trials/answers", "trials/arms", "trials/compressed",
    "trials/domain_tagging", "trials/domains", "trials/few_shot", "trials/frozen", "trials/kept",
    "trials/language", "trials/networks", "trials/outcome", "trials/pack",
    "trials/rankers", "trials/references", "trials/rows", "trials/store",
    "trials/strategies", "trials/translating", "trials/trial", "trials/upper",
    "trials/worker",
    "trials/tasks/__init__", "trials/tasks/base", "trials/tasks/vectors",
    *(f"trials/tasks/{name}" for name in TASKS),
)  # fmt: skip
"""What a worker imports; a test runs a pack with nothing else in sight."""

START = '''\
"""Joins the pieces of this pack and runs its trials: python start.py --minutes 10 --jobs 7"""
import pathlib
import runpy
import sys
import zipfile

if __name__ == "__main__":  # the processes that run trials load this file too, and must not
    here = pathlib.Path(__file__).resolve().parent
    whole = here / "pack.zip"
    with whole.open("wb") as joined:
        for piece in sorted(here.glob("pack.[0-9][0-9][0-9]")):
            joined.write(piece.read_bytes())
    with zipfile.ZipFile(whole) as archive:
        archive.extractall(here / "unpacked")
    whole.unlink()
    sys.path.insert(0, str(here / "unpacked"))
    sys.argv[1:1] = [str(here / "unpacked")]
    runpy.run_module("helpers.trials.worker", run_name="__main__", alter_sys=True)
'''


def write_pack(trials: Sequence[Trial], folder: Path) -> tuple[int, int]:
    """Write a pack of those of ``trials`` that can travel; return how many, and its bytes.

    Raises:
        UserError: none of them can; the folder holds something else; no room on the disk.
    """
    from helpers.trials import inputs

    chosen = [trial for trial in trials if task_of(trial.task).travels(trial)]
    if not chosen:
        raise UserError(
            f"None of the {len(trials)} trials trains a network that needs nothing but torch; run "
            "them here: --run."
        )
    if folder.exists() and any(folder.iterdir()) and not (folder / "start.py").exists():
        raise UserError(f"{folder} holds something that is no pack; name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("pack.*"):
        old.unlink()
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        place = Path(temporary)
        tasks = []
        for trial in chosen:
            file = inputs.prepare_inputs(trial)
            kept = place / "inputs" / file.name
            if not kept.exists():
                kept.parent.mkdir(exist_ok=True)
                save_inputs(_without_texts(load_inputs(file)), kept)
            tasks.append([trial.json(), f"inputs/{file.name}"])
        models = {}
        for number, name in enumerate(dict.fromkeys(trial.model for trial in chosen)):
            models[name] = f"models/{number}"
            causal = any(task_of(one.task).causal for one in chosen if one.model == name)
            _save_model(inputs.place_of(name), place / models[name], causal)
        listed = json.dumps({"trials": tasks, "models": models}, ensure_ascii=False)
        (place / "trials.json").write_text(listed, encoding="utf-8")
        size = _pieces(place, folder)
    write_atomically(folder / "start.py", START)
    return len(chosen), size


def _without_texts(whole: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in whole.items() if not key.endswith((".text", ".text_starts"))
    }


def _save_model(place: dict[str, Any], folder: Path, causal: bool) -> None:
    """Write weights as safetensors in half precision, whatever they were, without the tokenizer."""
    from transformers import AutoModel, AutoModelForCausalLM

    from helpers.sources.loading import from_folder, quiet

    head = AutoModelForCausalLM if causal else AutoModel
    model = from_folder(place["folder"], head, gguf=place["gguf"])
    with quiet():
        model.half().save_pretrained(folder)


def _pieces(place: Path, folder: Path) -> int:
    """Write everything below ``place``, and the modules, as one zip file in pieces."""
    whole = folder / "pack.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for module in MODULES:
            archive.write(ROOT / "helpers" / f"{module}.py", f"helpers/{module}.py")
        for file in sorted(place.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(place))
    size = whole.stat().st_size
    with whole.open("rb") as source:
        for number in range(-(-size // PIECE)):
            (folder / f"pack.{number:03d}").write_bytes(source.read(PIECE))
    whole.unlink()
    return size


def run(folder: Path, out: Path, jobs: int, device: str, minutes: float | None) -> None:
    """Run the trials of an unpacked pack and write their outcomes as zip files into ``out``.

    Those that lie in ``out`` already are not run again. Called on the bare machine.

    Raises:
        UserError: no pack there, no time, no such device.
    """
    from helpers.training.costs import choose_device

    try:
        listed = json.loads((folder / "trials.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{folder} holds no pack of trials (no trials.json).") from None
    if jobs < 1 or (minutes is not None and minutes <= 0):
        raise UserError(f"A pack needs jobs and minutes above 0, not {jobs} and {minutes}.")
    choose_device(device)
    store = Store(out / "store", None)
    trials = {trial.key: trial for trial in (from_json(text) for text, _ in listed["trials"])}
    missing = {trial.key for trial in store.missing(list(trials.values()))}
    tasks = [
        (text, str(folder / file))
        for text, file in listed["trials"]
        if from_json(text).key in missing
    ]
    facts = {
        "own": str(out / "store"),
        "folders": {name: {"folder": str(folder / at)} for name, at in listed["models"].items()},
        "device": device,
        "commit": os.environ.get("TRANSFER_COMMIT", ""),
    }
    done = 0

    def told(key: str, seconds: float, message: str) -> None:
        nonlocal done
        done += 1
        state = f"failed: {message}" if message else f"{seconds:.0f} s"
        print(f"[{done}/{len(tasks)}] {trials[key].label}: {state}", flush=True)

    if tasks:
        seconds = None if minutes is None else 60 * minutes
        share_out(tasks, facts, jobs, seconds=seconds, told=told)
    out.mkdir(parents=True, exist_ok=True)  # where every trial failed there is none yet
    for old in out.glob("outcomes-*.zip"):
        old.unlink()
    stored = [trial for trial in trials.values() if store.where(trial)]
    print(f"{len(stored)} of {len(trials)} outcomes: {', '.join(_export(store, stored, out))}")
    sys.stdout.flush()


def _export(store: Store, trials: Sequence[Trial], out: Path) -> list[str]:
    """Write outcomes into zip files of a limited size; return their names."""
    parts: list[list[Trial]] = [[]]
    size = 0
    for trial in trials:
        bytes_of = (out / "store" / trial.key[:2] / f"{trial.key}.safetensors").stat().st_size
        if parts[-1] and size + bytes_of > RETURNED:
            parts.append([])
            size = 0
        parts[-1].append(trial)
        size += bytes_of
    names = [f"outcomes-{number:03d}.zip" for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        store.export(out / name, part)
    return names
