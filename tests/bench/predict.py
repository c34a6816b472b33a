"""Texts a second of `predict` and of `transformers.pipeline` at its defaults, on the same folder.

A fine-tuned model is delivered from a few labels of R8. Then both label the same texts: `predict`
from a file to a file, the pipeline from a list, text by text as it does unless told otherwise. They
take turns, part by part, so that whatever else the machine does hits both; what counts is the ratio
of times, of the clock and of the processor, and that the answers are the same.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from transformers import pipeline

from helpers.base.determinism import THREADS_ALONE, settle
from helpers.delivery import folder, networks, predict, tuning
from helpers.sources.corpora import load_texts


def delivered(place: Path, steps: int) -> Path:
    """Write a folder of MiniLM fine-tuned on so many batches of R8 labels."""
    corpus = load_texts("reuters-r8")
    split = corpus.splits["train"].select(range(16 * steps))
    names = corpus.label_names
    candidate = tuning.FullTuning("minilm", 128, networks.precision_of("cpu"), torch.device("cpu"))
    (model,) = candidate.fit(
        list(split["text"]), np.array(split["label"]), len(names), [{"rate": 2e-4, "epochs": 1}]
    )
    return folder.save(model, place / "model", names, {}, "A model to be timed.")


def turns(model: Path, texts: list[str], part: int, place: Path) -> tuple[np.ndarray, float]:
    """Return (turns, 4) seconds of clock and processor of both, and the share of equal answers."""
    read, facts = folder.load(model, networks.precision_of("cpu"))
    classify = pipeline("text-classification", str(model), truncation=True)
    classify(texts[:4])  # warm
    read.probabilities(texts[:16])
    table, same = [], 0
    for begin in range(0, len(texts), part):
        some = texts[begin : begin + part]
        source, target = place / "texts.csv", place / "labelled.csv"
        with source.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([text] for text in some)])
        clock, busy = time.perf_counter(), time.process_time()
        predict.predict(read, facts["labels"], source, target)
        ours = (time.perf_counter() - clock, time.process_time() - busy)
        clock, busy = time.perf_counter(), time.process_time()
        said = [answer["label"] for answer in classify(some)]
        theirs = (time.perf_counter() - clock, time.process_time() - busy)
        with target.open(encoding="utf-8", newline="") as file:
            answers = [row[predict.LABEL] for row in csv.DictReader(file)]
        same += sum(one == other for one, other in zip(answers, said, strict=True))
        table.append((*ours, *theirs))
        print(
            f"  {len(some)} texts: predict {ours[0]:.1f} s, pipeline {theirs[0]:.1f} s", flush=True
        )
    return np.array(table), same / len(texts)


def main() -> None:
    """Print the ratios and how many answers are the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--part", type=int, default=1_000, help="texts of a turn")
    parser.add_argument("--model", type=Path, help="a fine-tuned folder (one is made)")
    chosen = parser.parse_args()
    settle(0, THREADS_ALONE)
    splits = load_texts("reuters-r52").splits
    texts = [text for split in splits.values() for text in split["text"]]
    texts = (texts * (1 + chosen.texts // len(texts)))[: chosen.texts]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        model = chosen.model or delivered(place, steps=20)
        table, same = turns(model, texts, chosen.part, place)
    clock, busy, their_clock, their_busy = table.sum(0)
    each = table[:, 2] / table[:, 0]
    print(
        f"predict labels {their_clock / clock:.1f} times the texts a second of pipeline at its "
        f"defaults ({each.min():.1f} to {each.max():.1f} over {len(each)} turns; by processor time "
        f"{their_busy / busy:.1f}); the same answer for {same:.2%} of {len(texts):,} texts"
    )


if __name__ == "__main__":
    main()
