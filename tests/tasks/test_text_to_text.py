"""T5's way of classifying, on a tiny random encoder-decoder in a folder."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict
from transformers import RobertaConfig, RobertaModel, T5Config, T5ForConditionalGeneration

from helpers import UserError
from helpers.sources.corpora import SPLITS, Corpus
from helpers.sources.duplicates import LeakReport
from helpers.sources.weights import load_tokenizer
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.classification import TextClassification
from helpers.tasks.text_to_text import TextToText, reads_and_writes
from helpers.transfer import finetuning, strategies, tuning

NAMES = ["money", "grain trade", "ship"]


@pytest.fixture(scope="module")
def corpus():
    texts = ["bank pays interest", "wheat and corn", "cargo in port"] * 8
    rows = Dataset.from_dict({"text": texts, "label": [0, 1, 2] * 8})
    rows = rows.cast_column("label", ClassLabel(names=NAMES))
    leaks = LeakReport({}, {}, {}, {}, {}, {})
    return Corpus("tiny", DatasetDict({split: rows for split in SPLITS}), leaks, "", {}, "", "")


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("t5"))
    config = T5Config(
        vocab_size=400, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2,
        decoder_start_token_id=1, pad_token_id=1, eos_token_id=0, dropout_rate=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    train_bytepairs(["bank wheat cargo topic: money grain trade ship"] * 3, 300).save_pretrained(
        folder
    )
    return folder


@pytest.fixture(scope="module")
def made(corpus, t5):
    task = TextToText(corpus, 32)
    target = tuning.Target(task, t5, load_tokenizer(t5))
    return task, target, task.build_model(t5, pretrained=True, seed=0)


def batch_of(task, target, n=3):
    rows = task.encode(task.items("train", n), target.tokenizer)
    return task.collator(target.tokenizer)(rows.to_list())


def test_every_text_carries_the_prefix(made):
    task, target, _ = made
    row = task.encode(task.items("train", 1), target.tokenizer)[0]
    assert target.tokenizer.decode(row["input_ids"]).startswith("topic: ")


def test_logits_are_the_log_probabilities_of_the_names(made):
    task, target, net = made
    batch = batch_of(task, target)
    batch.pop("labels")
    with torch.inference_mode():
        logits = net(**batch).logits
        for c, name in enumerate(NAMES):
            ids = target.tokenizer(name)["input_ids"]
            for b in range(3):
                expected, written = 0.0, [1]  # decoding begins with the start token
                for token in ids:
                    out = net.backbone(
                        input_ids=batch["input_ids"][b : b + 1],
                        attention_mask=batch["attention_mask"][b : b + 1],
                        decoder_input_ids=torch.tensor([written]),
                    ).logits
                    expected += out[0, -1].log_softmax(-1)[token].item()
                    written.append(token)
                assert logits[b, c].item() == pytest.approx(expected, abs=1e-4)


def test_loss_is_that_of_the_right_names_in_nats_a_token(made):
    task, target, net = made
    batch = batch_of(task, target)
    with torch.inference_mode():
        loss = net(**batch).loss.item()
        labels = batch.pop("labels")
        logits = net(**batch).logits
    sizes = [len(target.tokenizer(NAMES[label])["input_ids"]) for label in labels]
    right = logits[range(3), labels].sum().item()
    assert loss == pytest.approx(-right / sum(sizes), abs=1e-4)


def test_tuning_it_whole_learns_and_answers_with_classes(made):
    task, target, _ = made
    train = task.items("train")
    effort = tuning.Effort(60 * tuning.full_step(target, train, 8), 3e-3, 8)
    done = tuning.tune(target, strategies.FULL, train, effort, seed=0, device="cpu")
    rows = task.encode(train, target.tokenizer)
    said = finetuning.predict(done.model, rows, task.collator(target.tokenizer), device="cpu")
    assert said.shape == (24, 3)
    assert np.mean(said.argmax(1) == np.array(train["label"])) > 0.9


def test_a_probe_of_it_is_refused(made):
    with pytest.raises(UserError, match="'linear_probe' finds nothing to train in NameWriter"):
        strategies.LINEAR_PROBE.apply(made[2])


def test_names_that_the_tokenizer_cannot_tell_apart_are_refused(corpus, t5, monkeypatch):
    monkeypatch.setattr(Corpus, "label_names", property(lambda self: ["same", "same"]))
    with pytest.raises(UserError, match="Two classes of tiny have the same tokens"):
        TextToText(corpus, 32).build_model(t5, pretrained=True, seed=0)


def test_an_encoder_is_refused(corpus):
    with pytest.raises(UserError, match="minilm cannot be used as AutoModelForSeq2SeqLM"):
        TextToText(corpus, 32).build_model("minilm", pretrained=True, seed=0)


def test_t5_reads_and_writes_and_roberta_goes_through_the_plain_task(corpus, t5, tmp_path):
    assert reads_and_writes(t5)
    config = RobertaConfig(
        vocab_size=400, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64, pad_token_id=1,
    )  # fmt: skip
    RobertaModel(config).save_pretrained(tmp_path)
    load_tokenizer(t5).save_pretrained(tmp_path)
    assert not reads_and_writes(str(tmp_path))
    task = TextClassification(corpus, 32)
    target = tuning.Target(task, str(tmp_path), load_tokenizer(t5))
    effort = tuning.Effort(2 * tuning.full_step(target, task.items("train"), 8), 1e-3, 8)
    done = tuning.tune(target, strategies.get("lora"), task.items("train"), effort, seed=0)
    assert done.steps[0] >= 2
