"""Replies: how varied they are, what they cost a model, and who cannot write them."""

import math

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict

from helpers import UserError
from helpers.sources.dialogues import DialogueCorpus
from helpers.tasks.batches import IGNORED
from helpers.tasks.bytepairs import token_ids, train_bytepairs
from helpers.tasks.dialogue import Dialogue, diversity, perplexity, reply, reply_losses
from tests.tasks.test_language_modeling import gpt2

PAIRS = [("Hi", "Hello there"), ("How are you?", "Fine"), ("Who is it", "Me"), ("Bye", "See you")]


@pytest.fixture(scope="module")
def items():
    return Dataset.from_dict({"source": [s for s, _ in PAIRS], "target": [t for _, t in PAIRS]})


@pytest.fixture(scope="module")
def tokenizer():
    texts = [text for pair in PAIRS for text in pair]
    return train_bytepairs([*texts, "the line of the file"] * 4, vocabulary=300, positions=64)


@pytest.fixture(scope="module")
def task(items):
    splits = DatasetDict(dict.fromkeys(("train", "validation", "test"), items))
    return Dialogue(DialogueCorpus("tiny", splits, 4, 0, 0, 4, "", "", ""), max_length=48)


def test_diversity_by_hand():
    found = diversity(["a b a b", "", "a b"])
    assert found == pytest.approx(
        {
            "distinct_1": 2 / 6, "distinct_2": 2 / 4, "words": 2.0,
            "repetition": 0.5 / 3, "different": 1.0,
        }
    )  # fmt: skip
    assert diversity(["Yes.", "yes", "no"])["different"] == pytest.approx(2 / 3)
    silent = diversity(["", " "])
    assert math.isnan(silent["distinct_1"]) and math.isnan(silent["distinct_2"])
    assert (silent["words"], silent["repetition"], silent["different"]) == (0, 0, 0.5)


def test_the_question_is_masked(task, items, tokenizer):
    for (source, target), row in zip(PAIRS, task.encode(items, tokenizer), strict=True):
        prompt = [0, *token_ids([source + "\n"], tokenizer)[0]]
        completion = [*token_ids([target], tokenizer)[0], 0]
        assert row["input_ids"] == prompt + completion
        assert row["labels"] == [IGNORED] * len(prompt) + completion


def test_perplexity_is_that_of_the_models_own_loss(task, items, tokenizer):
    model, collator = gpt2().eval(), task.collator(tokenizer)
    encoded = task.encode(items, tokenizer)
    found = reply_losses(model, encoded, collator)
    for row, (nats, tokens) in zip(encoded.to_list(), found, strict=True):
        with torch.inference_mode():
            loss = model(**collator([row])).loss.item()
        assert tokens == sum(label != IGNORED for label in row["labels"])
        assert perplexity([nats, tokens]) == pytest.approx(math.exp(loss), rel=1e-4)
    with torch.inference_mode():
        whole = model(**collator(encoded.to_list())).loss.item()
    assert perplexity(found.mean(0)) == pytest.approx(math.exp(whole), rel=1e-4)


def test_the_batch_size_changes_no_loss(task, items, tokenizer):
    model, collator = gpt2(), task.collator(tokenizer)
    encoded = task.encode(items, tokenizer)
    whole = reply_losses(model, encoded, collator)
    assert whole.shape == (4, 2) and len(np.unique(whole[:, 0])) == 4
    for size in (1, 3):
        found = reply_losses(model, encoded, collator, batch_size=size)
        assert found == pytest.approx(whole, rel=1e-4)


def test_every_question_gets_a_reply_and_a_score(task, items, tokenizer):
    replies = reply(gpt2(), tokenizer, items["source"][:], max_new_tokens=4)
    assert len(replies) == 4 and all(isinstance(one, str) for one in replies)
    assert task.score(["Yes", "No", "Yes", "No"], items)["different"] == 0.5


def test_bad_input_is_a_sentence(task, items):
    with pytest.raises(UserError, match=r"^There are 3 replies to 4 questions\.$"):
        task.score(["Yes"] * 3, items)
    with pytest.raises(UserError, match=r"^There is no reply to score\.$"):
        diversity([])
    with pytest.raises(UserError) as caught:
        task.build_model("minilm", pretrained=True, seed=0)
    assert str(caught.value) == (
        "minilm sees the tokens after the one it predicts and cannot write text; take a model like "
        "GPT-2."
    )
