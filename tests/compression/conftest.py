"""A tiny tuned classifier with its rows, for every test of a way to make it smaller."""

from types import SimpleNamespace

import pytest
from datasets import ClassLabel, Dataset, DatasetDict

from helpers.sources.corpora import SPLITS, Corpus
from helpers.sources.duplicates import LeakReport
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.classification import TextClassification
from helpers.tasks.heads import MeanPooledClassifier
from helpers.transfer.finetuning import Training, fine_tune
from helpers.transfer.strategies import FULL
from tests.tiny_bert import BYTES, bert

WORDS = ("wheat corn harvest", "bank loan interest", "ship port cargo")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A task of three classes, its tokenizer, folder and rows, and a classifier tuned on them.

    ``tiny.model()`` gives a fresh copy of the tuned classifier (2 layers, 32 wide, 4 heads).
    """
    labels = [i % 3 for i in range(48)]
    texts = [f"{WORDS[label]} number {i}" for i, label in enumerate(labels)]
    items = Dataset.from_dict({"text": texts, "label": labels})
    items = items.cast_column("label", ClassLabel(names=list(WORDS)))
    corpus = Corpus(
        "tiny", DatasetDict({split: items for split in SPLITS}),
        LeakReport({}, {}, {}, {}, {}, {}), "", {}, "", "",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = train_bytepairs([" ".join(WORDS)] * 3, vocabulary=300, positions=40)
    tokenizer.save_pretrained(folder)
    shape = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64}
    bert(pooler=True, **BYTES, **shape).save_pretrained(folder)
    task = TextClassification(corpus, 32)
    collator = task.collator(tokenizer)
    rows = task.encode(items, tokenizer)
    tuned = task.build_model(str(folder), pretrained=True, seed=0)
    fine_tune(tuned, rows, collator, FULL, Training(3e-3, epochs=3), seed=0, device="cpu")
    saved = folder / "tuned"
    tuned.save(saved)
    return SimpleNamespace(
        task=task, items=items, tokenizer=tokenizer, collator=collator, rows=rows,
        folder=str(folder), model=lambda: MeanPooledClassifier.load(saved),
    )  # fmt: skip


@pytest.fixture
def batch(tiny):
    """Eight rows of two lengths, padded, without labels."""
    rows = tiny.rows.select(range(8)).to_list()
    rows[0] = {key: value[:3] if key != "labels" else value for key, value in rows[0].items()}
    made = tiny.collator(rows)
    made.pop("labels")
    return made
