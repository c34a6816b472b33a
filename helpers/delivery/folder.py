"""A model's folder: written whole or not at all, without any pickle, and read back the same.

Every kind has ``delivery.json`` (kind, labels, what was measured) and ``README.md``, the card;
beside them lies what :mod:`helpers.delivery.kinds` writes of its kind.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from helpers import UserError
from helpers.delivery import models, networks
from helpers.delivery.kinds import READERS, WRITERS, as_json
from helpers.training.checkpoints import replacing

FACTS = "delivery.json"
FORMAT = 1

_SENTENCE_TRANSFORMERS = (
    "sentence-transformers",
    "from sentence_transformers import SentenceTransformer\n\n"
    'logits = SentenceTransformer("{folder}").encode(["a text"])\n',
)

USE = {
    "largest": ("helpers", ""),
    "words": ("helpers", ""),
    "characters": ("helpers", ""),
    "static": _SENTENCE_TRANSFORMERS,
    "frozen": _SENTENCE_TRANSFORMERS,
    "fine_tuned": (
        "transformers",
        "from transformers import pipeline\n\n"
        'classify = pipeline("text-classification", "{folder}", truncation=True)\n'
        'print(classify("a text"))\n',
    ),
}
"""Which library reads a kind, and how."""


def save(
    model: Any, folder: Path | str, names: list[str], facts: Mapping[str, Any], measured: str
) -> Path:
    """Write a model's folder; an earlier one there is replaced.

    Args:
        model: one of :mod:`helpers.delivery.models`.
        folder: where.
        names: of the classes, in the order of their numbers.
        facts: further ones, for ``delivery.json``; what JSON can hold.
        measured: what was found, in plain words.

    Raises:
        UserError: the folder holds something else.
    """
    folder = Path(folder).absolute()
    whole = {"format": FORMAT, "kind": model.kind, "labels": names, **facts}
    if hasattr(model, "max_length"):
        whole["max_length"] = model.max_length
    with replacing(folder, FACTS, "delivered model") as new:
        new.mkdir()
        WRITERS[model.kind](model, new, names)
        (new / FACTS).write_text(as_json(whole), encoding="utf-8")
        (new / "README.md").write_text(card(whole, folder, measured), encoding="utf-8")
    return folder


def check_free(folder: Path) -> None:
    """Refuse a folder that holds something else, before any work.

    Raises:
        UserError: it is there and was not delivered by :func:`save`.
    """
    if folder.exists() and not (folder / FACTS).is_file():
        raise UserError(
            f"{folder} exists and is no delivered model; remove it, or name another folder (out)."
        )


def card(facts: Mapping[str, Any], folder: Path, measured: str) -> str:
    """Return the model card, in Markdown; what comes from data stands in indented blocks.

    >>> print(card({"kind": "words", "labels": ["a", "b"]}, Path("/m"), "Fine.").splitlines()[1])
    library_name: helpers
    """
    library, lines = USE[facts["kind"]]
    task = "pipeline_tag: text-classification\n" if facts["kind"] == "fine_tuned" else ""
    use = f"```python\n{lines.format(folder=folder)}```\n\n" if lines else ""
    if USE[facts["kind"]] is _SENTENCE_TRANSFORMERS:
        use += (
            "One logit a class, in the order of `labels`; their softmax are the probabilities. "
            "(`transformers.pipeline` cannot read this folder: no class of that library has a mean "
            "of token vectors.)\n\n"
        )
    return (
        f"---\nlibrary_name: {library}\n{task}---\n\n# A classifier of texts\n\n"
        f"{_block(as_json(facts))}\n\n## Measured\n\n{_block(measured)}\n\n## Use\n\n{use}"
        "From the project's folder, a file of texts in, the same file with labels out:\n\n"
        f"```\npython -m helpers predict {folder} FILE\n```\n"
    )


def load(folder: Path | str, precision: str = "float32") -> tuple[models.Model, dict[str, Any]]:
    """Read a folder back: the model, and the facts in ``delivery.json``.

    Args:
        folder: which.
        precision: in which a fine-tuned network reads, see :func:`networks.precision_of`: in
            bfloat16 its probabilities are off by about 0.01, and its answers are the same.

    Raises:
        UserError: no such folder, one of another kind, or a damaged one.
    """
    path = Path(folder).expanduser()
    file = path / FACTS
    if not path.exists():
        raise UserError(f"There is no folder {folder}.")
    if not file.is_file():
        raise UserError(
            f"{folder} is no model that `assess` has delivered: it holds no {FACTS}. Name the "
            "folder `model` among the results of `python -m helpers assess`."
        )
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        read = READERS[facts["kind"]]
        if facts["format"] != FORMAT or not all(isinstance(n, str) for n in facts["labels"]):
            raise KeyError(facts["format"])
        model = read(path, facts)
        if isinstance(model, networks.FineTuned):
            model = replace(model, precision=precision)
        return model, facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"The model in {folder} is damaged or of another version ({type(error).__name__}: "
            f"{why}); deliver it again with `python -m helpers assess`."
        ) from None


def _block(text: str) -> str:
    """Return text as an indented block: names come from the data, nothing in them is markup."""
    return "\n".join(f"    {line}" for line in text.splitlines())
