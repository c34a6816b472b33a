"""One large fine-tuning over several processes: ``accelerate launch -m helpers.commands.launch``.

::

    accelerate launch --multi_gpu --num_processes 4 -m helpers.commands.launch \\
        --corpus reuters-r8 --model minilm --labels 4096 --out build/large
    torchrun --nproc_per_node 2 -m helpers.commands.launch …    # the same on processors

Every process sees its part of each batch and gradients are averaged, so the losses are those of one
process with the same ``--batch-size``, to rounding, where there is no dropout (each process draws
its own). Batches are drawn at random: grouped by length they would depend on how many share them.
The first process writes ``losses.json`` and the classifier (safetensors), whole or not at all.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from helpers import UserError
from helpers.base.determinism import settle
from helpers.base.files import write_atomically
from helpers.sources.user_corpus import load_yours
from helpers.sources.variants import variant
from helpers.sources.weights import load_tokenizer
from helpers.tasks.classification import TextClassification
from helpers.transfer import finetuning, saved_classifier, strategies


def main(arguments: Sequence[str] | None = None) -> int:
    """Fine-tune one classifier; return the exit code. A UserError is one line on stderr."""
    chosen = _parser().parse_args(arguments)
    try:
        _run(chosen)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _run(chosen: argparse.Namespace) -> None:
    processes, rank = (int(os.environ.get(name, n)) for name, n in (("WORLD_SIZE", 1), ("RANK", 0)))
    if chosen.batch_size % processes or chosen.labels % chosen.batch_size:
        raise UserError(
            f"--labels {chosen.labels} must be a multiple of --batch-size {chosen.batch_size}, and "
            f"that of the {processes} processes, so that all have equal parts of every step."
        )
    start = variant(chosen.model)
    tokenizer = load_tokenizer(start.name)
    yours = load_yours(chosen.corpus, chosen.text, chosen.label)
    task = TextClassification(yours.corpus, chosen.max_length)
    items = task.items("train", chosen.labels, chosen.seed)
    settle(chosen.seed)
    model = task.build_model(start.name, pretrained=True, seed=chosen.seed, **start.config)
    if chosen.dropout is not None:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = chosen.dropout
    training = finetuning.Training(
        chosen.learning_rate, chosen.batch_size // processes, chosen.epochs,
        max_steps=chosen.epochs * chosen.labels // chosen.batch_size,
    )  # fmt: skip
    tuned = finetuning.fine_tune(
        model, task.encode(items, tokenizer), task.collator(tokenizer), strategies.FULL, training,
        seed=chosen.seed, device=chosen.device, by_length=False,
    )  # fmt: skip
    if rank:
        return
    out = saved_classifier.make_room(chosen.out)
    saved_classifier.save_classifier(
        model, tokenizer, out / "model", corpus=yours.corpus, base=chosen.model, strategy="full",
        labels=chosen.labels, max_length=chosen.max_length,
        measured=f"Last loss {tuned.losses[-1]:.4f} nats a text, {processes} processes.",
    )  # fmt: skip
    losses = [round(float(loss), 6) for loss in tuned.losses]
    write_atomically(out / "losses.json", json.dumps(losses) + "\n")
    print(f"{len(losses)} steps, last loss {losses[-1]:.4f}; classifier in {out / 'model'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="accelerate launch -m helpers.commands.launch")
    parser.add_argument("--corpus", required=True, help="catalogue name, file or hub id")
    parser.add_argument("--text", default="text", help="column of texts")
    parser.add_argument("--label", default="label", help="column of classes")
    parser.add_argument("--model", default="minilm", help="encoder by name, folder or hub id")
    parser.add_argument("--labels", type=int, required=True, help="labelled texts")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=16, help="texts a step, all together")
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--dropout", type=float, help="in place of the model's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, required=True, help="folder for results")
    return parser


if __name__ == "__main__":
    sys.exit(main())
