"""Seconds until a network has learned: ours, `transformers.Trainer` and the document's loop.

MiniLM with a fresh head learns the same labelled texts of R8 in three ways, in turns in one run:

* Trainer at its defaults (batches of 8, AdamW at 5e-5 falling to zero, three epochs, 32 bits), with
  the usual padding of every text to the same length;
* the document's loop (section 5.2): one text a step, Adam at 3e-5, no schedule, as many epochs;
* ours, with the setting that the search found for so many labels, in the precision that suits the
  processor.

All look at the same validation texts as they go, with the clock stopped. What counts is how long it
takes until the score is reached that Trainer ends with, and where each of them ends.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from helpers import ROOT
from helpers.base.determinism import THREADS_ALONE, settle
from helpers.base.files import write_atomically
from helpers.delivery.networks import precision_of, training_rows
from helpers.sources.corpora import load_texts
from helpers.sources.sampling import draw_order
from helpers.sources.weights import load_model, load_tokenizer
from helpers.training import loop
from helpers.trials.settings import setting_for

LENGTH, LOOKS, EPOCHS, BATCH, HELD = 128, 6, 3, 8, 160


class Watch:
    """A clock that stands still while the score on validation texts is taken."""

    def __init__(self, rows: list[loop.Row]) -> None:
        """Take the validation rows; the clock starts."""
        self.rows, self.points = rows, list[tuple[float, float]]()
        self.spent, self.since = 0.0, time.perf_counter()

    def look(self, model: Any) -> None:
        """Keep the seconds so far and the accuracy."""
        self.spent += time.perf_counter() - self.since
        right = [
            int(logits.argmax())
            for logits in loop.read(model, self.rows, precision=precision_of("cpu"))
        ]
        truth = [int(label) for _, label in self.rows]
        self.points.append((self.spent, float(np.mean(np.equal(right, truth)))))
        model.train()
        self.since = time.perf_counter()

    def seconds_to(self, score: float) -> float:
        """Return the first seconds at which a score was reached, or infinity."""
        return min((s for s, reached in self.points if reached >= score), default=np.inf)


class Looking(TrainerCallback):
    """Looks every so many steps of a Trainer."""

    def __init__(self, watch: Watch, every: int) -> None:
        """Take the clock."""
        self.watch, self.every = watch, every

    def on_step_end(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        """Look, if it is time, and after the last step."""
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self.watch.look(known["model"])


def with_trainer(model: Any, rows: list[loop.Row], watch: Watch) -> None:
    """Train as Trainer does at its defaults, every text padded to the same length."""
    table = [{"input_ids": ids.tolist(), "label": int(label)} for ids, label in rows]
    padding = DataCollatorWithPadding(load_tokenizer("minilm"), "max_length", LENGTH)
    steps = EPOCHS * -(-len(rows) // BATCH)
    with tempfile.TemporaryDirectory() as place:
        options = TrainingArguments(
            place, save_strategy="no", logging_strategy="no", report_to=[], use_cpu=True,
            disable_tqdm=True, log_level="error",
        )  # fmt: skip
        looking = Looking(watch, max(1, steps // LOOKS))
        Trainer(model, options, padding, train_dataset=table, callbacks=[looking]).train()


def as_in_the_document(model: Any, rows: list[loop.Row], watch: Watch) -> None:
    """Train one text a step."""
    adam = torch.optim.Adam(model.parameters(), lr=3e-5)
    model.train()
    order = [at for _ in range(EPOCHS) for at in torch.randperm(len(rows)).tolist()]
    for step, at in enumerate(order, 1):
        ids, label = rows[at]
        model(
            input_ids=torch.tensor(ids)[None], labels=torch.tensor(int(label))[None]
        ).loss.backward()
        adam.step()
        adam.zero_grad()
        if step % (len(order) // LOOKS) == 0:
            watch.look(model)


def ours(model: Any, rows: list[loop.Row], watch: Watch) -> None:
    """Train as the trials do."""
    setting = setting_for("classification", "reuters-r8", "minilm", "fine_tuned", len(rows))
    steps = int(setting["steps"])
    loop.train(
        model, rows, steps=steps, learning_rate=setting["learning_rate"], batch_tokens=1024, seed=0,
        precision=precision_of("cpu"), look=watch.look,
        look_at=range(steps // LOOKS, steps + 1, steps // LOOKS),
    )  # fmt: skip


WAYS: dict[str, Callable[[Any, list[loop.Row], Watch], None]] = {
    "Trainer": with_trainer, "the document's loop": as_in_the_document, "ours": ours,
}  # fmt: skip


def main() -> None:
    """Print, draw by draw, the seconds to Trainer's last score, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=256)
    parser.add_argument("--draws", type=int, default=5)
    chosen = parser.parse_args()
    settle(0, THREADS_ALONE)
    splits, tokenizer = load_texts("reuters-r8").splits, load_tokenizer("minilm")
    train, held = splits["train"], splits["validation"].select(range(HELD))
    held_rows = training_rows(held["text"][:], tokenizer, LENGTH, held["label"][:])
    found: list[dict[str, Any]] = []
    for draw in range(chosen.draws):
        some = train.select(draw_order(train["label"][:], draw)[: chosen.labels])
        rows = training_rows(some["text"][:], tokenizer, LENGTH, some["label"][:])
        watches = {}
        for name, way in WAYS.items():
            model = load_model(
                "minilm", AutoModelForSequenceClassification, seed=draw, num_labels=8
            )  # fmt: skip
            watches[name] = Watch(held_rows)
            way(model, rows, watches[name])
        goal = watches["Trainer"].points[-1][1]
        for name, watch in watches.items():
            found.append(
                {
                    "draw": draw, "way": name, "goal": goal, "seconds": watch.seconds_to(goal),
                    "all seconds": watch.points[-1][0], "ends at": watch.points[-1][1],
                }
            )  # fmt: skip
            print(
                f"  draw {draw}, {name}: {goal:.3f} after {found[-1]['seconds']:.1f} s; ends at "
                f"{found[-1]['ends at']:.3f} after {found[-1]['all seconds']:.1f} s",
                flush=True,
            )
    for name in ("Trainer", "the document's loop"):
        theirs, mine = (
            np.array([row["seconds"] for row in found if row["way"] == way])
            for way in (name, "ours")
        )
        ratios = theirs / mine
        print(
            f"{name} takes {np.median(ratios):.1f} times as long as ours to Trainer's last score "
            f"({min(ratios):.1f} to {max(ratios):.1f} over {len(ratios)} draws of {chosen.labels} "
            f"labels, {THREADS_ALONE} threads, ours in {precision_of('cpu')})"
        )
    write_atomically(ROOT / "build" / "bench" / "finetuning.json", json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
