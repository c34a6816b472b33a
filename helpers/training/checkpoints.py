"""A checkpoint that says where it comes from: weights, tokenizer, model card, training losses.

It is read back by name of its folder through :mod:`helpers.sources.weights`, as any other model.
"""

import copy
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import ROOT, UserError
from helpers.sources.loading import quiet
from helpers.tasks.bytepairs import check_fit


@dataclass(frozen=True)
class Card:
    """What a reader must know of a checkpoint before using it.

    Attributes:
        name: of the model.
        licence: what the *texts* it learned from allow; stated, not decided, here.
        data: what it saw, one line each: corpus, split, documents, hash; and what it did not see.
        command: what makes it again.
        parameters: all of the run's.
        scores: measured on held-out documents.
        language: code like "en", where it is known.
    """

    name: str
    licence: str
    data: Sequence[str]
    command: str
    parameters: Mapping[str, Any]
    scores: Mapping[str, float]
    language: str = ""

    def markdown(self) -> str:
        """Return the card as the hub expects it: YAML between dashes, then prose."""
        scores = "\n".join(f"| {name} | {value:.4g} |" for name, value in self.scores.items())
        values = json.dumps(dict(self.parameters), indent=2, sort_keys=True, ensure_ascii=False)
        data = "\n".join(f"- {line}" for line in self.data)
        language = f"language: {self.language}\n" if self.language else ""
        return (
            f"---\n{language}library_name: transformers\n---\n\n# {self.name}\n\n"
            "A small model for teaching, pretrained by this project: use it to study transfer, not "
            "for facts.\n\n"
            f"## Data\n\n{data}\n\nLicence of the texts: {self.licence}\n\n"
            f"## Made by\n\n```\n{self.command}\n```\n\n```json\n{values}\n```\n\n"
            f"## Measured on held-out documents\n\n| measure | value |\n|---|---|\n{scores}\n"
        )


def run_command(notebook: str, parameters: Mapping[str, Any]) -> str:
    r"""Return the line that runs a notebook with these parameters.

    >>> run_command("04", {"steps": 12, "label": "", "models": ["gpt2"]})
    'python -m helpers run 04 -p steps 12 -p label \'\' -p models \'["gpt2"]\''
    """
    words = [
        f"-p {key} {shlex.quote(json.dumps(value) if isinstance(value, list) else str(value))}"
        for key, value in parameters.items()
    ]
    return " ".join([f"python -m helpers run {notebook}", *words])


def save_checkpoint(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path | str,
    card: Card,
    *,
    losses: Sequence[float] = (),
    half: bool = True,
) -> Path:
    """Write a checkpoint folder, whole or not at all; return its path.

    It holds ``model.safetensors``, configuration, tokenizer, ``README.md`` (the card) and
    ``losses.json`` (training loss of the first 200 steps, by which a repetition is checked).

    Args:
        model: stays as it is.
        tokenizer: the model's own.
        folder: where, from the project's root on; an earlier checkpoint there is replaced.
        card: see :class:`Card`.
        losses: training loss of each step.
        half: 16-bit floats, half the size; logits then differ by about 1e-3.

    Raises:
        UserError: the tokenizer does not fit; the folder holds something that is no checkpoint.
    """
    check_fit(model, tokenizer)
    folder = ROOT / folder
    with replacing(folder, "config.json", "checkpoint") as new:
        twin = copy.deepcopy(model).cpu()
        with quiet():  # no progress bar for one small file
            (twin.half() if half else twin).save_pretrained(new)
        tokenizer.save_pretrained(new)
        (new / "README.md").write_text(card.markdown(), encoding="utf-8")
        first = [round(float(loss), 4) for loss in losses[:200]]
        (new / "losses.json").write_text(json.dumps(first) + "\n", encoding="utf-8")
    return folder


@contextmanager
def replacing(folder: Path, mark: str, kind: str) -> Iterator[Path]:
    """Give a path to write to; at the end it is ``folder``, in place of an earlier one there.

    Nothing is left, and nothing replaced, where an error ends it.

    Args:
        folder: where; its parents are made.
        mark: the file by which an earlier one is known, as ``config.json``.
        kind: what is written, in a word.

    Raises:
        UserError: the folder holds something else.
    """
    if folder.exists() and not (folder / mark).is_file():
        raise UserError(f"{folder} exists and is no {kind}; name a new folder for this one.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        new = Path(temporary) / folder.name
        yield new
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)


def data_seen(folder: Path | str) -> list[str]:
    """Return what the card in a checkpoint's folder says of its data, line by line.

    Empty where there is no card, or none that says so: then nobody knows.
    """
    card = Path(folder) / "README.md"
    if not card.is_file():
        return []
    _, _, after = card.read_text(encoding="utf-8").partition("\n## Data\n")
    lines = after.split("\n## ")[0].splitlines()
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def file_megabytes(folder: Path | str) -> float:
    """Return the size of a checkpoint's weights in MB (10^6 bytes)."""
    return (Path(folder) / "model.safetensors").stat().st_size / 1e6
