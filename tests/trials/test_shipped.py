"""What comes with the project: whole, of today's protocol, and repeatable."""

from collections import defaultdict

import numpy as np
import pytest

from helpers.trials import kept, runner, searches, settings, verify
from helpers.trials.store import SHIPPED, Store
from helpers.trials.tasks import TASKS

STORE = Store(None, SHIPPED)
TRIALS = STORE.all_trials()


def test_there_are_some_and_they_are_small():
    assert len(TRIALS) >= 200
    assert sum(file.stat().st_size for file in SHIPPED.glob("*.parquet")) < 15e6


def test_each_is_of_the_protocol_and_the_texts_of_today():
    known = settings.read_settings()
    for trial in TRIALS:
        assert trial.protocol == TASKS[trial.task].protocol
        facts = known["corpora"][trial.corpus]
        assert trial.corpus_hash == facts["hash"] and trial.items == facts[trial.split]
        assert trial.split == "test" and trial.draw >= 0


def test_each_has_the_setting_that_the_search_found():
    for trial in TRIALS:
        if not searches.has_search(trial.task, trial.arm):
            continue
        options = trial.options
        found = [
            one
            for one in settings.read_settings()["found"]
            if (one["task"], one["corpus"], one["arm"], one["labels"])
            == (trial.task, trial.corpus, trial.arm, trial.labels)
            and trial.model in ("", one["model"])
        ]
        assert any(one["setting"].items() <= options.items() for one in found), trial.label


def test_trained_arms_of_one_comparison_share_device_and_versions():
    origins = defaultdict(set)
    for trial in TRIALS:
        if "steps" in trial.options:
            origin = STORE.get(trial).origin
            where = (origin["device"], origin["threads"], origin["torch"], origin["transformers"])
            origins[trial.corpus, trial.labels].add(where)
    assert origins and all(len(found) == 1 for found in origins.values())


def score(arm, labels, corpus="reuters-r8"):
    right = [t for t in TRIALS if "wrong_labels" not in t.options]
    chosen = [t for t in right if (t.corpus, t.arm, t.labels) == (corpus, arm, labels)]
    assert len(chosen) == 10
    return np.mean([runner.score_of(trial, STORE.get(trial)) for trial in chosen])


def test_arms_have_learned():
    assert score("from_scratch", 64) >= 0.75  # the majority class has 0.495
    assert score("fine_tuned", 256) >= 0.935
    assert score("fine_tuned", 64) > score("from_scratch", 64) > score("majority", 64)


@pytest.mark.slow
def test_a_sample_of_the_cheapest_agrees_when_it_is_run_again():
    # Before a trial of these corpora all of their texts are read or parsed: half a minute and more.
    slow = ("20newsgroups:", "peoples-daily:")
    quick = [trial for trial in TRIALS if not trial.corpus.startswith(slow)]
    chosen = verify.sample(quick, 3, seed=0, seconds=10.0)
    checks = verify.verify(chosen, STORE, jobs=1, progress=None)
    assert [str(check) for check in checks if not check.agrees] == []


def test_what_was_compressed_is_the_fine_tuned_network():
    """It was trained again for its weights: the same network, but for a rounding here and there."""
    compressed = [trial for trial in TRIALS if trial.arm == "uncompressed"]
    assert len(compressed) == 10
    for trial in compressed:
        known = next(t for t in TRIALS if t == kept.parent_of(trial))
        mine, theirs = (STORE.get(one).items["predicted"] for one in (trial, known))
        assert (mine == theirs).mean() > 0.97, trial.label
