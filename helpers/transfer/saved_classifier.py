"""A tuned classifier to take away: weights, tokenizer, card."""

import json
import tempfile
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from helpers import UserError
from helpers.sources.corpora import Corpus
from helpers.tasks.heads import MeanPooledClassifier
from helpers.training.checkpoints import replacing
from helpers.transfer import tuning


def make_room(folder: Path | str) -> Path:
    """Return a folder that can be written to; it is made if need be.

    Raises:
        UserError: a file stands there, or it cannot be written to.
    """
    path = Path(folder).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise UserError(f"out cannot be the folder {path}: {error.strerror}.") from None


def save_classifier(
    model: MeanPooledClassifier,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path | str,
    *,
    corpus: Corpus,
    base: str,
    strategy: str,
    labels: int,
    max_length: int,
    measured: str,
) -> Path:
    """Write a classifier folder, whole or not at all; ``tuning.load`` reads it back.

    It holds the weights as safetensors, the tokenizer, ``labels.json`` (the classes' names in the
    order of their numbers) and ``README.md``, the model card.

    Args:
        model: is settled, see :func:`helpers.transfer.tuning.merge_changes`.
        tokenizer: the model's.
        folder: an earlier classifier there is replaced.
        corpus: what it was trained on.
        base: name of the pretrained model.
        strategy: how it was tuned.
        labels: number of labelled texts that it saw.
        max_length: tokens kept of each text.
        measured: what was found, in words (Markdown).

    Raises:
        UserError: the folder holds something else.
    """
    folder = Path(folder)
    with replacing(folder, "head.safetensors", "classifier") as new:
        tuning.save(model, new)
        tokenizer.save_pretrained(new)
        names = json.dumps(corpus.label_names, ensure_ascii=False, indent=1)
        (new / "labels.json").write_text(names + "\n", encoding="utf-8")
        facts = {
            "base": base, "strategy": strategy, "labels": labels, "max_length": max_length,
            "classes": corpus.label_names, "data": corpus.name, "sha256": corpus.fingerprint,
            "licence": corpus.licence,
        }  # fmt: skip
        # As an indented block: names come from the data, and nothing in them is to be markup.
        listed = "\n".join(f"    {line}" for line in json.dumps(facts, indent=2).splitlines())
        (new / "README.md").write_text(
            "---\nlibrary_name: transformers\npipeline_tag: text-classification\n---\n\n"
            f"# A classifier of texts\n\n{listed}\n\n## Measured\n\n{measured}\n\n"
            "## Use\n\n```python\nfrom helpers.transfer import tuning\n\n"
            'model = tuning.load("path/to/this/folder")\n```\n',
            encoding="utf-8",
        )
    return folder
