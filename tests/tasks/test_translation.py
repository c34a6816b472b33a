"""Rows of pairs, loss on the target alone, greedy translations that no batch changes."""

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict

from helpers import UserError
from helpers.sources import weights
from helpers.sources.parallel import Cleaning, ParallelCorpus
from helpers.tasks.batches import IGNORED
from helpers.tasks.bytepairs import token_ids, train_bytepairs
from helpers.tasks.translation import Translation, translate
from tests.tasks.test_language_modeling import bert, gpt2

PAIRS = [("Open the file", "打开文件"), ("Close", "关闭"), ("Save %s", "保存 %s"), ("Copy", "复制")]


def pairs(rows=PAIRS):
    return Dataset.from_dict({"source": [s for s, _ in rows], "target": [t for _, t in rows]})


@pytest.fixture(scope="module")
def tokenizer():
    texts = [text for pair in PAIRS for text in pair]
    return train_bytepairs([*texts, "the line of the file"] * 4, vocabulary=300, positions=64)


@pytest.fixture(scope="module")
def task():
    splits = DatasetDict({split: pairs() for split in ("train", "validation", "test")})
    cleaning = Cleaning(4, {}, 4, {}, 4, 1, {})
    return Translation(ParallelCorpus("tiny", splits, cleaning, "", {}, "", ""), max_length=48)


def test_a_row_is_prompt_and_completion(task, tokenizer):
    rows = task.encode(pairs(), tokenizer)
    for (source, target), row in zip(PAIRS, rows, strict=True):
        prompt = [0, *token_ids([source + "\n"], tokenizer)[0]]
        completion = [*token_ids([target], tokenizer)[0], 0]
        assert row["input_ids"] == prompt + completion
        assert row["labels"] == [IGNORED] * len(prompt) + completion
        assert tokenizer.decode(row["input_ids"][1:-1]) == f"{source}\n{target}"


def test_the_loss_is_that_of_the_target_alone(task, tokenizer):
    model = gpt2()
    rows = task.encode(pairs(), tokenizer).to_list()
    batch = task.collator(tokenizer)(rows)
    assert batch["attention_mask"][1].sum() == len(rows[1]["input_ids"])
    assert (batch["labels"][1][len(rows[1]["labels"]) :] == IGNORED).all()
    nats = []
    for row in rows:  # by hand, one row at a time, without padding
        ids = torch.tensor([row["input_ids"]])
        told = model(ids).logits[0].log_softmax(-1)
        start = row["labels"].count(IGNORED)
        nats += [-told[at - 1, ids[0, at]].item() for at in range(start, ids.shape[1])]
    with torch.inference_mode():
        assert model(**batch).loss.item() == pytest.approx(np.mean(nats), rel=1e-5)


def test_the_batch_size_changes_no_translation(task, tokenizer):
    model = gpt2()
    sources = ["Open", "Save %s of the file now", "C", "Copy the line", "Close the file"]
    alone = [translate(model, tokenizer, [one], max_new_tokens=12)[0] for one in sources]
    assert len(set(alone)) > 1
    for size in (1, 2, 3, 5):
        found = translate(model, tokenizer, sources, max_new_tokens=12, batch_size=size)
        assert found == alone
    spaced = [f" {one.replace(' ', '  ')}\n" for one in sources]
    assert translate(model, tokenizer, spaced, max_new_tokens=12) == alone
    assert translate(model, tokenizer, []) == []


def test_what_was_learned_is_translated(task, tokenizer):
    """The rows to learn from and the prompts to write from are the same."""
    model = gpt2()
    batch = task.collator(tokenizer)(task.encode(pairs(), tokenizer).to_list())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
    sources = [source for source, _ in PAIRS]
    found = translate(model.eval(), tokenizer, sources, max_new_tokens=30, batch_size=3)
    assert found == [target for _, target in PAIRS]
    scores = task.score(found, pairs())
    assert scores == {"bleu": pytest.approx(100), "chrf": pytest.approx(100), "placeholders": 1.0}


def test_items_are_drawn_nested(task):
    few, more = task.items("train", 2, seed=3), task.items("train", 3, seed=3)
    assert few["source"][:] == more["source"][:2]
    assert len(task.items("test")) == 4
    with pytest.raises(UserError, match="train split of tiny has 4 pairs; 5 cannot be drawn"):
        task.items("train", 5)


def test_long_pairs_are_refused_or_left_out_but_never_cut(task, tokenizer):
    rows = pairs([*PAIRS, ("Open the file " + "zx" * 30, "打开文件")])
    with pytest.raises(UserError, match=r"Pair 4 \('Open the file zxzx.*…'\) has \d+ tokens, more"):
        task.encode(rows, tokenizer)
    assert task.fitting(rows, tokenizer)["source"][:] == pairs()["source"][:]
    exact = Translation(task.corpus, max(map(len, task.encode(pairs(), tokenizer)["input_ids"])))
    assert len(exact.fitting(pairs(), tokenizer)) == 4
    assert len(Translation(task.corpus, exact.max_length - 1).fitting(pairs(), tokenizer)) < 4


def test_the_model_is_pretrained_or_the_same_from_scratch(task):
    tokenizer = weights.load_tokenizer("gpt2-mini")
    first = task.build_model("gpt2-mini", pretrained=True, seed=0, tokenizer=tokenizer)
    second = task.build_model("gpt2-mini", pretrained=False, seed=0, tokenizer=tokenizer)
    assert first.config.n_layer == second.config.n_layer
    batch = task.collator(tokenizer)(task.encode(pairs(), tokenizer).to_list())
    with torch.inference_mode():
        assert first(**batch).loss.item() != pytest.approx(second(**batch).loss.item(), abs=1e-3)
    assert len(translate(first, tokenizer, ["Open"], max_new_tokens=2)) == 1
    with pytest.raises(UserError, match="max_length 999 is more than the 512 positions"):
        Translation(task.corpus, 999).build_model("gpt2-mini", pretrained=False, seed=0)
    with pytest.raises(UserError, match="sees the tokens after the one it predicts"):
        task.build_model("bert-zh-mini", pretrained=False, seed=0)


def test_bad_input_is_a_sentence(task, tokenizer):
    with pytest.raises(UserError, match="max_length must be at least 5"):
        Translation(task.corpus, 4)
    with pytest.raises(UserError, match="Pair 1 has an empty target"):
        task.encode(pairs([PAIRS[0], ("Close", " ")]), tokenizer)
    with pytest.raises(UserError, match="target is missing"):
        task.encode(pairs().remove_columns("target"), tokenizer)
    with pytest.raises(UserError, match="3 translations were given for 4 sentences"):
        task.score(["文"] * 3, pairs())
    with pytest.raises(UserError, match="Sentence 1 is empty"):
        translate(gpt2(), tokenizer, ["Open", "  "])
    with pytest.raises(
        UserError,
        match=r"Sentence 1 \('Save the line'\) has \d+ tokens; with 60 new.* 64 positions",
    ):
        translate(gpt2(), tokenizer, ["Open", "Save the line"], max_new_tokens=60)
    with pytest.raises(UserError, match="has no causal head and cannot write"):
        translate(bert(), tokenizer, ["Open"], max_new_tokens=4)
