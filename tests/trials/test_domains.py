"""Arms of two domains, on vectors that are clouds: what they see, and what they give."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.sources.domains import newsgroup_domains
from helpers.trials import domains, vectors
from helpers.trials.arms import ARMS, run
from tests.trials import vectors_made as made

INPUTS = made.inputs()
PAIR = "20newsgroups:rec-talk"
TRUTH = domains.truth_of(made.pair("joint"), INPUTS)


def predicted(arm, inputs=INPUTS, **more):
    trial = made.pair(arm, items=len(TRUTH), **more)
    return run(trial, inputs, {}, torch.device("cpu")).items["predicted"]


def accuracy(arm, **more):
    return float((predicted(arm, **more) == TRUTH).mean())


def test_every_arm_learns_and_the_floor_does_not():
    assert accuracy("majority") == pytest.approx(0.5, abs=0.01)
    for arm in set(ARMS["domains"]) - {"majority"}:
        assert accuracy(arm) > 0.6, arm


def test_arms_that_are_blind_do_not_see_the_labels_of_the_target():
    groups = [made.NAMES.index(name) for name in domains.groups_of(PAIR, "target")]
    turned = np.arange(len(made.NAMES))
    turned[groups] = groups[::-1]  # the first of one class becomes the last of the other
    shuffled = INPUTS | {"train.labels": turned[INPUTS["train.labels"]]}
    for arm in domains.BLIND:
        assert np.array_equal(predicted(arm), predicted(arm, shuffled)), arm
    for arm in ("joint", "target_only"):
        assert not np.array_equal(predicted(arm), predicted(arm, shuffled)), arm


@pytest.mark.parametrize("arm", ["coral", "importance", "self_training"])
def test_adaptation_sees_the_texts_of_the_target(arm):
    places = domains.select(INPUTS["train.labels"], made.NAMES, PAIR, "target")[0]
    features = INPUTS["train.features"].copy()
    features[places] = 3.0
    moved = INPUTS | {"train.features": features}
    assert not np.array_equal(predicted(arm), predicted(arm, moved))
    assert np.array_equal(predicted("source_only"), predicted("source_only", moved))


def test_a_large_weight_is_the_target_alone_and_a_small_one_the_source():
    far = predicted("joint", weight=1e6)
    assert (far == predicted("target_only")).mean() > 0.97
    near = predicted("joint", weight=0.0)
    assert (near == predicted("source_only")).mean() > 0.97


def test_pooled_is_the_joint_objective_with_as_much_weight_as_texts():
    assert np.array_equal(predicted("pooled"), predicted("joint", weight=32 / 160))


def test_blind_arms_are_chosen_on_validation_texts_of_the_source():
    trial = made.pair("source_only", split="source_validation", items=120)
    outcome = run(trial, INPUTS, {}, torch.device("cpu"))
    assert vectors.score(trial, outcome.items, INPUTS) > accuracy("source_only")


def test_more_labels_than_there_are_is_one_sentence():
    with pytest.raises(UserError, match="900 labels of the target were asked for, it has 800"):
        predicted("target_only", labels=900)
    with pytest.raises(UserError, match=r"no pair of domains 'rec-tlk'. Did you mean 'rec-talk'"):
        domains.groups_of("20newsgroups:rec-tlk", "source")


@pytest.mark.parametrize("pair", ["rec-talk", "comp-sci"])
def test_a_pair_has_the_texts_of_its_domains_in_their_order(pair):
    from helpers.sources.corpora import load_texts

    news = load_texts("20newsgroups")
    labels = np.array(news.splits["test"]["label"])
    for side, corpus in newsgroup_domains(pair).corpora.items():
        corpus_name = f"20newsgroups:{pair}"
        places, classes = domains.select(labels, news.label_names, corpus_name, side)
        assert news.splits["test"].select(places)["text"][:] == corpus.splits["test"]["text"][:]
        assert classes.tolist() == corpus.splits["test"]["label"][:]


def test_sizes_of_a_pair_are_those_of_its_target():
    splits = {split: {"label": INPUTS[f"{split}.labels"]} for split in vectors.SPLITS}
    corpus = SimpleNamespace(label_names=made.NAMES, splits=splits)
    facts = vectors.facts("20newsgroups:rec-talk", "domains", corpus)
    assert facts == {"train": 800, "validation": 120, "test": 800, "source_validation": 120}
    assert vectors.facts("20newsgroups:few-shot", "episodes", corpus)["test"] == 100
