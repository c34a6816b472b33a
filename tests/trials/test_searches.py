"""What is searched, on which items, and what is searched already."""

from dataclasses import replace

import pytest

from helpers import UserError
from helpers.sources.sampling import TUNING
from helpers.trials import searches, studies
from helpers.trials.studies import STUDIES, Question
from tests.trials.made import setting_of, settle_facts

FIXED = ("max_length", "dropout", "precision", "pooling")
TEXTS = Question(arms=("fine_tuned", "tfidf", "majority", "from_scratch"), labels=(64, 16), draws=3)


@pytest.fixture(autouse=True)
def _facts(monkeypatch):
    settle_facts(monkeypatch)


def test_a_search_is_on_the_tuning_draw_and_validation_items():
    found = searches.search_trials(TEXTS)
    trials = [one for _, each in found for one in each]
    assert {one.draw for one in trials} == {TUNING} == {-1}
    assert {(one.split, one.items) for one in trials} == {("validation", 50)}
    assert not {one.key for one in trials} & {one.key for one in studies.label_efficiency(TEXTS)}


@pytest.mark.parametrize("name", [name for name in STUDIES if not STUDIES[name].wrong_labels])
def test_every_arm_with_a_choice_is_searched_at_every_count_alike(name, monkeypatch):
    """Six settings; three where the two lengths of a network from scratch are nearly one."""
    settle_facts(monkeypatch, train=10**6)
    asked = STUDIES[name]
    found = searches.search_trials(asked)
    searched = [(arm, n) for arm, n in asked.pairs() if searches.has_search(asked.task, arm)]
    assert [(marks["arm"], marks["labels"]) for marks, _ in found] == searched
    for marks, trials in found:
        language = asked.task == "language_modeling" and "steps" in trials[0].options
        weights = {one.options.get("weight") for one in trials}
        long = (marks["arm"], marks["labels"] > 4096) == ("from_scratch", True)
        tried = 3 * len(weights) if language else 3 if long else 6
        assert len({one.key for one in trials}) == tried
        if language:  # equal steps are equal cost
            assert len({one.options["steps"] for one in trials}) == 1
        assert {(one.arm, one.labels) for one in trials} == {(marks["arm"], marks["labels"])}
        assert (marks["task"], marks["corpus"], marks["model"]) == (
            asked.task,
            asked.corpus,
            asked.model,
        )


def test_a_frozen_tagger_is_searched_by_rate_and_steps_and_a_frozen_classifier_by_penalty():
    def searched(question):
        ((_, trials),) = searches.search_trials(question)
        return {key for one in trials for key in one.options} - {*FIXED}

    texts = Question(arms=("frozen",), labels=(64,))
    tags = Question(task="tagging", arms=("frozen",), labels=(64,))
    assert searched(texts) == {"regularization"}
    assert searched(tags) == {"learning_rate", "steps", "batch_tokens"}


def test_a_search_names_the_labels_that_there_are():
    ((marks, trials),) = searches.search_trials(Question(arms=("tfidf",), labels=(10**6,)))
    assert marks["labels"] == trials[0].labels == 500


def test_what_starts_from_a_network_without_a_setting_has_none_either(monkeypatch):
    def found(task, corpus, model, arm, labels):
        if arm == "distilled":
            raise UserError("No setting of the arm has been found yet.")
        return setting_of(task, corpus, model, arm, labels)

    monkeypatch.setattr(searches, "setting_for", found)
    assert searches.unsearched(STUDIES["compression"]) == ["distilled", "small"]


def test_wrong_labels_take_the_settings_of_right_ones_and_are_no_search():
    wrong = replace(studies.STUDIES["topics"], labels=(64,), draws=1, wrong_labels=0.2)
    right = replace(wrong, wrong_labels=0.0)
    for noisy, clean in zip(
        studies.label_efficiency(wrong), studies.label_efficiency(right), strict=True
    ):
        assert noisy.options == clean.options | {"wrong_labels": 0.2}
        assert noisy.key != clean.key
    with pytest.raises(UserError, match="there is nothing to search"):
        searches.search_trials(wrong)
    assert studies.name_of(replace(wrong, labels=(256,))) == "wrong_labels"


def test_writers_share_cost_and_lengths_and_baselines_read_no_weights():
    asked = STUDIES["translation"]
    for arm in ("fine_tuned", "from_scratch"):
        setting = {"learning_rate": 1e-3, "steps": 4}
        (one,) = asked.trials(arm, 64, [0], setting=setting)
        assert one.options == setting | {
            "batch_tokens": 512, "max_new_tokens": 96, "dropout": 0.0, "precision": "bfloat16",
            "max_length": 128,
        }  # fmt: skip
    (one,) = asked.trials("memory", 64, [0], setting={"longest": 3})
    assert (one.model, one.options) == ("", {"longest": 3})
    tried = [trial.options for marks, each in searches.search_trials(asked) for trial in each]
    rates = [each["learning_rate"] for each in tried if "learning_rate" in each]
    assert rates == [rate for rate in (1e-3, 3e-3, 1e-2) for _ in range(2)] * 2
    assert len([each for each in tried if "least" in each]) == 6


# what is settled, and what a pack may try elsewhere


def found(monkeypatch, *pairs):
    entries = [{"arm": arm, "labels": labels} for arm, labels in pairs]
    monkeypatch.setattr(searches, "found_for", lambda task, corpus, model: entries)


def test_settled_is_what_was_found_for_this_count_or_has_nothing_to_choose(monkeypatch):
    found(monkeypatch, ("fine_tuned", 64), ("fine_tuned", 500))
    assert searches.settled(TEXTS, "fine_tuned", 64) and searches.settled(TEXTS, "majority", 16)
    assert not searches.settled(TEXTS, "fine_tuned", 16)
    assert not searches.settled(TEXTS, "tfidf", 64)
    assert searches.settled(TEXTS, "fine_tuned", 10**6)  # all labels there are, 500


def test_choices_are_the_searches_that_are_missing_with_what_follows_each_setting(monkeypatch):
    found(monkeypatch, ("fine_tuned", 64), ("tfidf", 64), ("tfidf", 16), ("from_scratch", 64))
    choices = searches.choices(TEXTS)
    assert [(c.tried[0].arm, c.tried[0].labels) for c in choices] == [
        ("fine_tuned", 16),
        ("from_scratch", 16),
    ]
    for choice in choices:
        assert len(choice.tried) == len(choice.then) == 6
        for tried, then in zip(choice.tried, choice.then, strict=True):
            assert (tried.draw, tried.split) == (TUNING, "validation")
            assert [(one.draw, one.split) for one in then] == [(d, "test") for d in range(3)]
            assert {one.setting for one in then} == {tried.setting}


def test_what_starts_from_anothers_network_and_wrong_labels_are_no_choice(monkeypatch):
    found(monkeypatch)
    assert searches.choices(replace(TEXTS, arms=("distilled", "small"))) == []
    assert searches.choices(replace(TEXTS, wrong_labels=0.2)) == []
