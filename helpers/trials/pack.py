"""Trials taken to a machine that has torch and transformers and nothing else, and back.

A pack is a folder: ``pack.000``, ``pack.001``, … (a zip file in pieces: the worker's modules, the
encoded inputs, the weights in half precision, the list of trials) and ``start.py``, which joins
them and runs the trials. What comes back are zip files of outcomes for ``--merge``.

A search travels with what follows it: there its settings are tried, the best is chosen as
``--search`` chooses, and the trials of the study that have this setting are run.
"""

import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import ROOT, UserError
from helpers.base.files import write_atomically
from helpers.trials.choice import PLACES, PlannedSearch
from helpers.trials.rows import load_inputs, save_inputs
from helpers.trials.store import Store
from helpers.trials.tasks import TASKS, task_of
from helpers.trials.trial import Trial

PIECE = 30_000_000
"""Bytes of a piece of a pack, at most."""

MODULES = (
    "__init__", "base/__init__", "base/files", "base/processes", "base/provenance",
    "sources/__init__", "sources/loading", "sources/newsgroups", "sources/noise",
    "sources/sampling", "sources/variants",
    "tasks/__init__", "tasks/alignment", "tasks/bi_encoder", "tasks/episodes", "tasks/heads",
    "tasks/row_losses", "tasks/tags",
    "training/__init__", "training/costs", "training/curves", "training/loop",
    "training/row_batches",
    "transfer/__init__", "transfer/adapters", "transfer/objective", "transfer/objectives",
    "transfer/regularization", "transfer/strategies",
    "trials/__init__", "trials/answers", "trials/arms", "trials/choice", "trials/compressed",
    "trials/domain_tagging", "trials/domains", "trials/few_shot", "trials/frozen", "trials/kept",
    "trials/language", "trials/networks", "trials/outcome",
    "trials/rankers", "trials/references", "trials/rows", "trials/store",
    "trials/strategies", "trials/translating", "trials/trial", "trials/unpacked", "trials/upper",
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


def write_pack(
    trials: Sequence[Trial],
    folder: Path,
    choices: Sequence[PlannedSearch] = (),
    store: Store | None = None,
) -> tuple[int, int]:
    """Write a pack of those of ``trials`` that can travel; return how many, and its bytes.

    Args:
        trials: whose settings are known.
        folder: where it is written.
        choices: searches that are to be done there first; they count with what follows one setting.
        store: of outcomes of searches that are here already; None: of none.

    Raises:
        UserError: none of them can; the folder holds something else; no room on the disk.
    """
    from helpers.trials import inputs
    from helpers.trials.runner import score_of

    chosen = [trial for trial in trials if task_of(trial.task).travels(trial)]
    choices = [
        choice for choice in choices if all(task_of(t.task).travels(t) for t in choice.tried)
    ]
    if not chosen and not choices:
        raise UserError(
            f"None of the {len(trials)} trials trains a network that needs nothing but torch; run "
            "them here: --run."
        )
    known = {
        trial.key: round(score_of(trial, outcome), PLACES)
        for choice in choices
        for trial in choice.tried
        if store and (outcome := store.get(trial))
    }
    count = len(chosen) + sum(len(each.tried) + len(each.then[0]) for each in choices) - len(known)
    searched = [trial for choice in choices for trial in choice.tried if trial.key not in known]
    follow = [trial for choice in choices for each in choice.then for trial in each]
    chosen = list(dict.fromkeys([*searched, *chosen, *follow]))
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
            causal = any(task_of(trial.task).causal for trial in chosen if trial.model == name)
            _save_model(inputs.place_of(name), place / models[name], causal)
        listed: dict[str, Any] = {"trials": tasks, "models": models, "known": known}
        listed["choices"] = [
            {
                "tried": [trial.json() for trial in choice.tried],
                "then": [[trial.json() for trial in each] for each in choice.then],
            }
            for choice in choices
        ]
        text = json.dumps(listed, ensure_ascii=False)
        (place / "trials.json").write_text(text, encoding="utf-8")
        size = _pieces(place, folder)
    write_atomically(folder / "start.py", START)
    return count, size


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
