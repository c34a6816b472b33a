"""The library's classifier on the last token: padding, weights, and what is refused."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict

from helpers import UserError
from helpers.sources.corpora import SPLITS, Corpus
from helpers.sources.duplicates import LeakReport
from helpers.sources.weights import load_tokenizer
from helpers.tasks.sequence_classification import (
    SequenceClassification,
    WeightedClassifier,
    class_weights,
)
from helpers.transfer import finetuning, strategies


@pytest.fixture(scope="module")
def corpus():
    texts = ["Bank pays interest.", "Wheat and corn were sold.", "Wheat harvest is late."] * 8
    rows = Dataset.from_dict({"text": texts, "label": [0, 1, 1] * 8})
    rows = rows.cast_column("label", ClassLabel(names=["bank", "wheat"]))
    leaks = LeakReport({}, {}, {}, {}, {}, {})
    return Corpus("tiny", DatasetDict({split: rows for split in SPLITS}), leaks, "", {}, "", "")


@pytest.fixture(scope="module")
def made(corpus):
    task = SequenceClassification(corpus, 32)
    tokenizer = load_tokenizer("gpt2-mini")
    return task, tokenizer, task.build_model("gpt2-mini", pretrained=True, seed=0)


def test_padding_does_not_change_what_is_said_of_a_text(made):
    task, tokenizer, net = made
    rows, collate = task.encode(task.items("test"), tokenizer), task.collator(tokenizer)
    together = finetuning.predict(net, rows, collate, device="cpu")
    alone = [finetuning.predict(net, rows.select([i]), collate, device="cpu")[0] for i in range(3)]
    np.testing.assert_allclose(together[:3], alone, atol=1e-4)


def test_the_last_token_is_the_one_that_is_read(made):
    task, tokenizer, net = made
    rows = task.encode(task.items("test", 1), tokenizer)
    ids = torch.tensor([rows[0]["input_ids"]])
    with torch.inference_mode():
        hidden = net.backbone.transformer(ids).last_hidden_state[:, -1]
        expected = net.backbone.score(hidden)
        found = net(ids, torch.ones_like(ids)).logits
    torch.testing.assert_close(found, expected)


def test_the_loss_weighs_the_classes(made):
    _, _, net = made
    weighted = WeightedClassifier(net.backbone, [0.5, 2.0])
    ids = torch.tensor([[5, 6, 7], [8, 9, 10]])
    labels = torch.tensor([0, 1])
    with torch.inference_mode():
        out = weighted(ids, torch.ones_like(ids), labels)
    each = -out.logits.log_softmax(-1)[[0, 1], labels]
    expected = (0.5 * each[0] + 2.0 * each[1]) / 2.5
    torch.testing.assert_close(out.loss, expected)


def test_balanced_weights_have_mean_one_over_items_and_grow_as_classes_get_rare():
    labels = [0] * 100 + [1] * 25 + [2] * 4
    found = class_weights(labels, 4)
    assert np.mean(found[labels]) == pytest.approx(1)
    assert found[1] / found[0] == pytest.approx(2)
    assert found[2] / found[0] == pytest.approx(5)
    assert found[3] / found[0] == pytest.approx(10)


def test_a_task_gives_its_model_its_weights(corpus):
    chosen = tuple(class_weights([0, 1, 1], 2))
    net = SequenceClassification(corpus, 32, chosen).build_model(
        "gpt2-mini", pretrained=True, seed=0
    )
    np.testing.assert_allclose(net.class_weights, chosen, rtol=1e-6)
    with pytest.raises(UserError, match="tiny has 2 classes, not the 3 of the weights"):
        SequenceClassification(corpus, 32, (1.0, 1.0, 1.0)).build_model(
            "gpt2-mini", pretrained=True, seed=0
        )


def test_fine_tuning_lowers_its_loss(made, corpus):
    task, tokenizer, _ = made
    net = task.build_model("gpt2-mini", pretrained=True, seed=0)
    training = finetuning.Training(1e-3, batch_size=8, epochs=4)
    tuned = finetuning.fine_tune(
        net, task.encode(task.items("train"), tokenizer), task.collator(tokenizer),
        strategies.FULL, training, seed=0, device="cpu",
    )  # fmt: skip
    assert tuned.losses[-3:].mean() < tuned.losses[:3].mean() / 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: class_weights([], 2), "labels from 0 to 1, at least one"),
        (lambda: class_weights([0, 2], 2), "labels from 0 to 1, at least one"),
    ],
)
def test_labels_that_are_no_classes_are_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_a_length_beyond_the_positions_is_refused(corpus):
    with pytest.raises(UserError, match="max_length 4000 is more than the 512 positions"):
        SequenceClassification(corpus, 4000).build_model("gpt2-mini", pretrained=True, seed=0)
