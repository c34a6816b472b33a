"""A tiny 'pretrained' model with a target and a source task, for every test of a strategy."""

import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict
from transformers import GPT2Config, GPT2Model

from helpers.sources.corpora import SPLITS, Corpus
from helpers.sources.duplicates import LeakReport
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.classification import TextClassification
from helpers.transfer import tuning
from tests.tiny_bert import BYTES, bert

WORDS = ("wheat corn harvest", "bank loan interest", "ship port cargo")
SHAPE = {"vocab_size": 400, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}


def corpus(name, n=24, classes=3):
    labels = [i % classes for i in range(n)]
    texts = [f"{WORDS[label]} number {i}" for i, label in enumerate(labels)]
    rows = Dataset.from_dict({"text": texts, "label": labels})
    rows = rows.cast_column("label", ClassLabel(names=list(WORDS[:classes])))
    splits = DatasetDict({split: rows for split in SPLITS})
    return Corpus(name, splits, LeakReport({}, {}, {}, {}, {}, {}), "", {}, "", "")


@pytest.fixture(scope="module", params=["bert", "gpt2"])
def target(request, tmp_path_factory):
    """A tiny 'pretrained' model in a folder, with a target of three classes and a source of two."""
    folder = str(tmp_path_factory.mktemp(request.param))
    torch.manual_seed(0)
    if request.param == "bert":
        model = bert(pooler=True, hidden_size=32, intermediate_size=64, **BYTES)
    else:
        model = GPT2Model(GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=40, **SHAPE))
    model.save_pretrained(folder)
    tokenizer = train_bytepairs([" ".join(WORDS)] * 3, vocabulary=300, positions=40)
    tokenizer.save_pretrained(folder)
    texts = corpus("target")
    return tuning.Target(
        TextClassification(texts, 32), folder, tokenizer,
        source=TextClassification(corpus("source", classes=2), 32),
        unlabelled=texts.splits["train"],
    )  # fmt: skip
