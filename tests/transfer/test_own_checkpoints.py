"""The checkpoints that come with the project: what their cards promise."""

import json
import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from helpers import ROOT
from helpers.evaluation.intervals import bootstrap_interval
from helpers.sources import catalog
from helpers.sources.corpora import load_texts
from helpers.sources.labels import without_label
from helpers.sources.weights import load_model, load_tokenizer
from helpers.tasks.language_modeling import LanguageModeling, document_losses
from helpers.transfer.checkpoints import data_seen, file_megabytes
from tests.bench.reproduce import CHECKPOINTS, repeat

NAMES = sorted(path.name for path in CHECKPOINTS.iterdir())


def test_the_catalogue_names_each():
    own = {name for name, one in catalog.load_catalog().weights.items() if one.package is None}
    assert own == set(NAMES) == {"bert-zh-mini", "gpt2-mini"}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_says_what_it_saw(name):
    assert file_megabytes(CHECKPOINTS / name) <= 25
    seen = data_seen(CHECKPOINTS / name)
    assert "training split only" in seen[0] and "test never" in seen[1]
    corpus = seen[0].split(",")[0]
    assert load_texts(corpus).fingerprints["train"] in seen[0]
    assert len(json.loads((CHECKPOINTS / name / "losses.json").read_text())) == 200
    assert not [p.name for p in (CHECKPOINTS / name).iterdir() if p.suffix in (".bin", ".pt")]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_its_command_repeats_its_first_losses(name):
    stored, again = repeat(name, steps=6)
    assert len(stored) == len(again) == 6
    np.testing.assert_allclose(again, stored, atol=0.02)  # other processors round otherwise


def test_gpt2_mini_reads_held_out_news_as_well_as_it_should():
    corpus = load_texts("newsarticles")
    task = LanguageModeling(corpus, block_size=512)
    tokenizer = load_tokenizer("gpt2-mini")
    items = without_label(corpus, task.items("test"), "tass.com").select(range(40))
    model = load_model("gpt2-mini", AutoModelForCausalLM)
    task.check(model, tokenizer)
    losses = document_losses(model, items, task.encode(items, tokenizer), task.collator(tokenizer))
    table = np.column_stack([losses.nats / math.log(2), losses.size])
    found = bootstrap_interval(table, lambda means: means[:, 0] / means[:, 1], resamples=1000)
    assert found.high < 1.8 and found.value < 1.7


def test_bert_zh_mini_fills_in_a_character():
    tokenizer = load_tokenizer("bert-zh-mini")
    model = load_model("bert-zh-mini", AutoModelForMaskedLM)
    right = 0
    cases = [("中共中[MASK]总书记", "央"), ("新华社北[MASK]１月", "京"), ("改革开[MASK]", "放")]
    for text, wanted in cases:
        batch = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        place = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero().item()
        with torch.no_grad():
            said = model(**batch).logits[0, place].argmax().item()
        right += tokenizer.decode([said]) == wanted
    assert right >= 2
    assert (ROOT / "data" / "checkpoints" / "bert-zh-mini" / "README.md").is_file()
