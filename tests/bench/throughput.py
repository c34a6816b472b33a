"""Tokens a second: the helpers' training step against the document's loop (§5.2), in one run.

The document's loop, ported from TensorFlow to PyTorch with its shift mended: texts cut into
sentences at ". ", one sentence a step, Adam at 3e-5. Ours: batches of rows of like length. The two
take turns on the same model and the same documents, on the same machine.
"""

import argparse
import time

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from helpers.base.determinism import THREADS_ALONE, settle
from helpers.sources.corpora import load_texts
from helpers.sources.labels import with_label
from helpers.sources.weights import load_tokenizer
from helpers.tasks.language_modeling import LanguageModeling
from helpers.transfer import finetuning, strategies


def documents_loop(model, tokenizer, texts, seconds):
    """Train one sentence a step for so many seconds; return tokens a second."""
    adam = torch.optim.Adam(model.parameters(), lr=3e-5)
    sentences = (piece for text in texts for piece in text.split(". ") if piece.strip())
    model.train()
    started, tokens = time.perf_counter(), 0
    while (took := time.perf_counter() - started) < seconds:
        ids = tokenizer(next(sentences), truncation=True, max_length=512, return_tensors="pt")
        if ids["input_ids"].shape[1] < 2:
            continue
        model(input_ids=ids["input_ids"], labels=ids["input_ids"]).loss.backward()
        adam.step()
        adam.zero_grad()
        tokens += ids["input_ids"].shape[1]
    return tokens / took


def helpers_loop(model, rows, collator, steps):
    """Train ``steps`` batches through the helpers; return tokens a second."""
    training = finetuning.Training(3e-5, batch_size=8, epochs=steps, max_steps=steps)
    started = time.perf_counter()
    tuned = finetuning.fine_tune(
        model, rows, collator, strategies.FULL, training, seed=0, device="cpu"
    )
    return tuned.tokens / (time.perf_counter() - started)


def gpt2_of_the_document():
    """Return a model of GPT-2's own shape (124 million parameters), with random weights."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config())
    model.loss_type = "ForCausalLM"  # the library's default, said so that it does not warn
    return model


def main() -> None:
    """Print both speeds, turn by turn, and their ratio, for a small model and for GPT-2's shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    settle(0, THREADS_ALONE)
    corpus = load_texts("newsarticles")
    task = LanguageModeling(corpus, block_size=512)
    tokenizer = load_tokenizer("gpt2-mini")
    items = with_label(corpus, task.items("train"), "tass.com")
    rows, collator = task.encode(items, tokenizer), task.collator(tokenizer)
    models = {
        "gpt2-mini, 5 million parameters": (
            lambda: task.build_model("gpt2-mini", pretrained=True, seed=0, tokenizer=tokenizer),
            round(chosen.seconds),
        ),
        "GPT-2 as in the document, 124 million": (gpt2_of_the_document, 2),
    }
    for name, (make, steps) in models.items():
        ratios = []
        for turn in range(chosen.turns + 1):
            theirs = documents_loop(make(), tokenizer, list(items["text"]), chosen.seconds)
            ours = helpers_loop(make(), rows, collator, steps)
            if turn:  # the first turn warms up
                ratios.append(ours / theirs)
                print(
                    f"  turn {turn}: one sentence a step {theirs:,.0f} tokens/s, ours {ours:,.0f}"
                )
        print(
            f"{name}: ours takes {np.median(ratios):.1f} times the tokens a second "
            f"({min(ratios):.1f} to {max(ratios):.1f} over {len(ratios)} turns, "
            f"{THREADS_ALONE} threads)"
        )


if __name__ == "__main__":
    main()
