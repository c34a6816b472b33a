"""Epochs a second of a linear probe: features computed once, against a forward pass each epoch.

The same head, the same batches and the same optimizer on both sides; only where the features come
from differs. They take turns in one run, on the same machine.
"""

import argparse
import time

import numpy as np
import torch

from helpers.base.determinism import THREADS_ALONE, settle
from helpers.sources.corpora import load_texts
from helpers.sources.weights import load_tokenizer
from helpers.tasks.classification import TextClassification
from helpers.transfer import finetuning, strategies


def epoch(head, optimizer, labels, batches, features_of):
    """Train the head for one pass; ``features_of`` gives the vectors of a batch of rows."""
    for batch in batches:
        loss = torch.nn.functional.cross_entropy(head(features_of(batch)), labels[batch])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def main() -> None:
    """Print the ratio of epochs a second, turn by turn, with its median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--items", type=int, default=256)
    chosen = parser.parse_args()
    settle(0, THREADS_ALONE)
    task = TextClassification(load_texts("reuters-r8"), max_length=64)
    tokenizer = load_tokenizer("minilm")
    model = task.build_model("minilm", pretrained=True, seed=0)
    strategies.LINEAR_PROBE.apply(model)
    rows = task.encode(task.items("train", chosen.items), tokenizer)
    collator = task.collator(tokenizer)
    labels = torch.tensor(rows["labels"])
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    batches = [order[i : i + 8] for i in range(0, len(order), 8)]
    listed = rows.to_list()

    def from_text(batch):
        inputs = collator([listed[i] for i in batch])
        inputs.pop("labels")
        with torch.no_grad():
            return model.features(**inputs)

    ratios = []
    for turn in range(chosen.turns + 1):
        optimizer = torch.optim.Adam(model.head.parameters(), lr=1e-3)
        started = time.perf_counter()
        epoch(model.head, optimizer, labels, batches, from_text)
        slow = time.perf_counter() - started
        cached = torch.tensor(finetuning.extract_features(model, rows, collator, device="cpu"))
        started = time.perf_counter()
        for _ in range(20):
            epoch(model.head, optimizer, labels, batches, cached.__getitem__)
        fast = (time.perf_counter() - started) / 20
        if turn:  # the first warms up
            ratios.append(slow / fast)
            print(f"turn {turn}: {ratios[-1]:.0f} times the epochs per second")
    print(
        f"cached features, {chosen.items} texts, {THREADS_ALONE} threads: "
        f"{np.median(ratios):.0f} times the epochs per second (wanted: at least 20)"
    )


if __name__ == "__main__":
    main()
