"""Labelled texts of three classes and a tiny BERT, so that every candidate takes an instant."""

import csv

import numpy as np
import torch
from transformers import BertConfig, BertModel

from helpers.sources.corpora import from_rows
from helpers.tasks.bytepairs import train_bytepairs

NAMES = ["bank", "ship", "wheat"]
WORDS = {
    "bank": "bank loan interest money credit rate",
    "ship": "ship port cargo crew harbour dock",
    "wheat": "wheat corn harvest grain field crop",
}
COMMON = [
    "the",
    "of",
    "in",
    "on",
    "day",
    "year",
    "price",
    "said",
    "new",
    "old",
    "company",
    "people",
]


def rows(n=120, share=0.7, seed=0, names=NAMES):
    """Texts of eight words, some of the class's own, and their labels."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(n):
        name = names[i % len(names)]
        own = WORDS[name].split()
        words = [rng.choice(own if rng.random() < share else COMMON) for _ in range(8)]
        texts.append(" ".join([*words, f"no{seed}x{i * 7919}"]))
        labels.append(name)
    return texts, labels


def corpus(n=120, **how):
    texts, labels = rows(n, **how)
    cut = ["test" if i % 4 == 3 else "validation" if i % 4 == 2 else "train" for i in range(n)]
    return from_rows("made", texts, labels, cut)


def write(path, texts, labels=None):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text"] if labels is None else ["text", "label"])
        columns = [texts] if labels is None else [texts, labels]
        writer.writerows(zip(*columns, strict=True))
    return path


def write_model(folder):
    """Write a BERT of one layer, 16 wide, with a tokenizer; return its folder."""
    place = folder / "tiny-bert"
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=400, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=40, pad_token_id=1,
    )  # fmt: skip
    BertModel(config).save_pretrained(place)
    texts = [" ".join(WORDS.values())] * 3
    train_bytepairs(texts, vocabulary=300, positions=40).save_pretrained(place)
    return str(place)
