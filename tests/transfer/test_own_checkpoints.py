"""The checkpoints that come with the project: what their cards promise."""

import json

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from helpers.baselines import language_models
from helpers.evaluation import bits
from helpers.sources import catalog
from helpers.sources.corpora import load_texts
from helpers.sources.labels import without_label
from helpers.sources.weights import load_model, load_tokenizer
from helpers.tasks.language_modeling import LanguageModeling, document_losses
from helpers.training.checkpoints import data_seen, file_megabytes
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
    items = without_label(corpus, task.items("test"), "tass.com")
    items = items.select(np.random.default_rng(0).permutation(len(items))[:80])
    model = load_model("gpt2-mini", AutoModelForCausalLM)
    task.check(model, tokenizer)
    losses = document_losses(model, items, task.encode(items, tokenizer), task.collator(tokenizer))
    found = bits.interval(losses.table)
    assert found.value < 1.7 and found.high < 1.75


def test_bert_zh_mini_fills_gaps_far_better_than_frequencies():
    corpus = load_texts("peoples-daily")
    task = LanguageModeling(corpus, block_size=128, objective="masked", mask_share=0.3)
    tokenizer = load_tokenizer("bert-zh-mini")
    model = load_model("bert-zh-mini", AutoModelForMaskedLM)
    items = task.items("test", 40)
    rows = task.encode(items, tokenizer)
    losses = document_losses(model, items, rows, task.collator(tokenizer, seed=0))
    train = corpus.splits["train"]["text"]
    _, frequencies = language_models.unigram_tokens(train, items["text"], tokenizer)
    assert losses.nats.sum() / losses.tokens.sum() < min(3.6, frequencies - 2.5)
