"""Adaptation of a real encoder whose outcome is known: equal domains, meaningless labels."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.evaluation.retention import two_level
from helpers.evaluation.significance import verdict
from helpers.sources.domains import newsgroup_domains
from helpers.sources.noise import with_wrong_labels
from helpers.sources.variants import variant
from helpers.sources.weights import load_tokenizer
from helpers.tasks.classification import TextClassification
from helpers.transfer import finetuning, tuning
from helpers.transfer.adaptation import adapt, without_labels

SEEDS = range(3)


@pytest.fixture(scope="module")
def one_domain():
    """A task of two classes, and the cost of 8 steps."""
    task = TextClassification(newsgroup_domains("rec-talk").corpora["source"], 24)
    start = variant("minilm:1")
    tokenizer = load_tokenizer(start.name)
    step = tuning.full_step(
        tuning.Target(task, start.name, tokenizer, start.config), task.items("train", 48, 0), 16
    )
    test = task.items("test", 150, 0)
    return SimpleNamespace(
        task=task, tokenizer=tokenizer, effort=tuning.Effort(8 * step, 1e-3, 16),
        model=lambda seed: task.build_model(start.name, pretrained=True, seed=seed, **start.config),
        test=task.encode(test, tokenizer), truth=np.array(test["label"]),
    )  # fmt: skip


def right(of, method, seed, items=None, **how):
    """Right or wrong on the test texts of a model that was adapted to texts of the same domain."""
    drawn = of.task.items("train", 96, seed)
    labelled = of.task.encode(items or drawn.select(range(48)), of.tokenizer)
    others = without_labels(of.task, drawn.select(range(48, 96)), of.tokenizer)
    collator = of.task.collator(of.tokenizer)
    done = adapt(
        method, of.model(seed), labelled, others, of.tokenizer, collator, of.effort,
        seed=seed, device="cpu", **how,
    )  # fmt: skip
    return finetuning.predict(done.model, of.test, collator, device="cpu").argmax(1) == of.truth


@pytest.mark.parametrize("method", ["coral", "dann"])
def test_equal_domains_need_no_adaptation(one_domain, method):
    adapted = [right(one_domain, method, seed) for seed in SEEDS]
    plain = [right(one_domain, method, seed, weight=0.0) for seed in SEEDS]  # steps as many
    assert np.mean(plain) > 0.6  # there is something to lose
    assert verdict(two_level(adapted, plain)) == "undecided"


@pytest.mark.parametrize("method", ["none", "self_training"])
def test_labels_that_say_nothing_help_nobody(one_domain, method):
    majority = np.tile(one_domain.truth == np.bincount(one_domain.truth).argmax(), (len(SEEDS), 1))
    found = []
    for seed in SEEDS:
        items = with_wrong_labels(
            one_domain.task.items("train", 96, seed).select(range(48)), 0.5, seed
        )
        found.append(right(one_domain, method, seed, items))
    assert verdict(two_level(found, majority)) != "helps"
