from dataclasses import replace

import pytest

from helpers import ROOT, UserError
from helpers.sources.sampling import TUNING
from helpers.trials import kept, searches, studies
from helpers.trials.studies import STUDIES, Question
from helpers.trials.tasks import TASKS
from helpers.trials.tasks.classification import BY_STRATEGY, COMPRESSED
from helpers.trials.tasks.language_modeling import TWO_PHASE
from tests.trials.made import setting_of, settle_facts

TEXTS = Question(arms=("fine_tuned", "tfidf", "majority", "from_scratch"), labels=(64, 16), draws=3)


@pytest.fixture(autouse=True)
def _facts(monkeypatch):
    settle_facts(monkeypatch)


def asked_of(trials):
    return list(dict.fromkeys((one.arm, one.labels) for one in trials))


# which trials, and in which order


def test_cheap_arms_come_first_and_then_count_by_count_as_given():
    assert asked_of(studies.label_efficiency(TEXTS)) == [
        ("tfidf", 64),
        ("majority", 64),
        ("tfidf", 16),
        ("majority", 16),
        ("fine_tuned", 64),
        ("from_scratch", 64),
        ("fine_tuned", 16),
        ("from_scratch", 16),
    ]


def test_every_arm_has_every_draw_and_no_trial_comes_twice():
    trials = studies.label_efficiency(TEXTS)
    assert [one.draw for one in trials] == [0, 1, 2] * 8
    assert len({one.key for one in trials}) == 24
    assert {one.split for one in trials} == {"test"}


def test_whole_networks_are_trained_at_the_counts_for_them_alone():
    question = Question(arms=("tfidf", "fine_tuned"), labels=(64, 16, 256), trained_labels=(256,))
    assert list(question.pairs()) == [
        ("tfidf", 64),
        ("tfidf", 16),
        ("tfidf", 256),
        ("fine_tuned", 256),
    ]
    none = Question(arms=("tfidf", "fine_tuned"), labels=(64,), trained_labels=())
    assert list(none.pairs()) == [("tfidf", 64)]


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_names_arms_of_its_task_and_a_notebook(name, monkeypatch):
    settle_facts(monkeypatch, train=10**6)
    asked = STUDIES[name]
    assert {*asked.arms} <= {*TASKS[asked.task].setups}
    assert len(list((ROOT / "notebooks").glob(f"{asked.notebook}_*.ipynb"))) == 1
    trials = studies.label_efficiency(studies.question(name))
    assert len(trials) == len({one.key for one in trials}) == len(list(asked.pairs())) * asked.draws


def test_an_unknown_study_is_one_sentence():
    with pytest.raises(UserError, match=r"^There is no study 'topic'\. Did you mean 'topics'\?$"):
        studies.question("topic")
    with pytest.raises(UserError, match=r"^There is no study 'x'\. Known: all_labels, "):
        studies.question("x")


# what decides a trial


def trial_of(arm, task="classification", pooling="mean", labels=64):
    return studies.trials_of(
        task, "letters", "minilm", arm, labels, [0], max_length=32, pooling=pooling
    )[0]


NETWORK = {"max_length": 32, "dropout": 0.0, "precision": "bfloat16"}
TRAINED = NETWORK | {"learning_rate": 1e-3, "steps": 64, "batch_tokens": 1024}
LANGUAGE = TRAINED | {"batch_tokens": 512}


@pytest.mark.parametrize(
    ("task", "arm", "options"),
    [
        ("classification", "majority", {}),
        ("classification", "tfidf_whole", {"regularization": 10.0}),
        ("classification", "tfidf", {"regularization": 10.0, "max_length": 32}),
        ("classification", "frozen", NETWORK | {"regularization": 10.0, "pooling": "last"}),
        ("classification", "fine_tuned", TRAINED | {"pooling": "last"}),
        ("classification", "from_scratch", TRAINED | {"pooling": "last"}),
        ("tagging", "dictionary", {"regularization": 10.0}),
        ("tagging", "linear", {"regularization": 10.0}),
        ("tagging", "untrained", NETWORK | {"pooling": "token"}),
        ("tagging", "frozen", TRAINED | {"pooling": "token"}),
        ("tagging", "fine_tuned", TRAINED | {"pooling": "token"}),
        ("language_modeling", "unigram", {"regularization": 10.0, "max_length": 32}),
        ("language_modeling", "untuned", NETWORK),
        ("language_modeling", "fine_tuned", LANGUAGE),
        ("language_modeling", "joint", LANGUAGE),
        ("language_modeling", "two_phase", LANGUAGE | TWO_PHASE),
    ],
)
def test_a_trial_holds_what_its_arm_reads_and_nothing_else(task, arm, options):
    one = trial_of(arm, task, pooling="last")
    assert one.options == options
    reads = "max_length" in options
    assert (one.model, one.model_hash) == (("minilm", "d" * 64) if reads else ("", ""))


def test_a_trial_is_of_its_corpus_and_scores_all_of_the_split():
    one = trial_of("tfidf")
    assert (one.corpus, one.corpus_hash, one.items, one.split) == ("letters", "c" * 64, 6, "test")


def test_arms_without_a_model_are_shared_by_all_models():
    def keys(model, arm):
        made = studies.trials_of("classification", "letters", model, arm, 4, [0], max_length=32)
        return [one.key for one in made]

    assert keys("minilm", "tfidf_whole") == keys("gpt2-mini", "tfidf_whole")
    assert keys("minilm", "tfidf") != keys("gpt2-mini", "tfidf")


def test_more_labels_than_there_are_mean_all():
    assert trial_of("fine_tuned", labels=10**9).labels == 500
    assert trial_of("fine_tuned", labels=500).labels == 500


def test_a_setting_of_ones_own_goes_before_the_one_that_was_found():
    (one,) = studies.trials_of(
        "classification", "letters", "minilm", "tfidf", 4, [0],
        max_length=32, setting={"regularization": 0.5},
    )  # fmt: skip
    assert one.options == {"regularization": 0.5, "max_length": 32}


def test_an_arm_without_a_setting_is_one_sentence(monkeypatch):
    def nothing(*marks):
        raise UserError("No setting of the arm has been found yet.")

    monkeypatch.setattr(studies, "setting_for", nothing)
    assert trial_of("majority").arm == "majority"
    with pytest.raises(UserError, match="No setting of the arm"):
        studies.label_efficiency(TEXTS)


# search


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
        return {key for one in trials for key in one.options} - {*NETWORK, "pooling"}

    texts = Question(arms=("frozen",), labels=(64,))
    tags = Question(task="tagging", arms=("frozen",), labels=(64,))
    assert searched(texts) == {"regularization"}
    assert searched(tags) == {"learning_rate", "steps", "batch_tokens"}


def test_a_search_names_the_labels_that_there_are():
    ((marks, trials),) = searches.search_trials(Question(arms=("tfidf",), labels=(10**6,)))
    assert marks["labels"] == trials[0].labels == 500


def test_arms_of_seconds_are_those_without_a_training_of_the_whole_network():
    setups = [pair for task in TASKS.values() for pair in task.setups.items()]
    trained = {"fine_tuned", "from_scratch", "source_continued", "two_phase", "joint"}
    trained |= {"single_task", "multi_task", "general", "pooled", "general_then_domain"}
    dear = {arm for arm, setup in setups if not setup.cheap}
    assert dear == trained | {"distilled", "small", *BY_STRATEGY}


# what a compressed network starts from


def test_all_compressed_arms_of_a_draw_start_from_the_fine_tuned_trial_of_that_draw():
    (whole,) = studies.trials_of(
        "classification", "letters", "minilm", "fine_tuned", 64, [3], max_length=32
    )
    for arm in COMPRESSED:
        (one,) = studies.trials_of(
            "classification", "letters", "minilm", arm, 64, [3], max_length=32
        )
        assert kept.parent_of(one) == whole
        assert COMPRESSED[arm].adds.items() <= one.options.items()
        trained = arm in ("distilled", "small")
        assert ("steps" in one.options) == trained and len(kept.needed(one)) == 1 + trained


def test_what_starts_from_a_network_without_a_setting_has_none_either(monkeypatch):
    def found(task, corpus, model, arm, labels):
        if arm == "distilled":
            raise UserError("No setting of the arm has been found yet.")
        return setting_of(task, corpus, model, arm, labels)

    monkeypatch.setattr(searches, "setting_for", found)
    assert searches.unsearched(STUDIES["compression"]) == ["distilled", "small"]


def test_what_is_made_of_the_student_starts_from_the_distilled_trial():
    small, student = (
        studies.trials_of("classification", "letters", "minilm", arm, 64, [0], max_length=32)[0]
        for arm in ("small", "distilled")
    )
    assert kept.first_student(small) == student


def test_a_network_of_wrong_labels_is_not_compressed():
    with pytest.raises(UserError, match="no study compresses networks of wrong labels"):
        studies.trials_of(
            "classification", "letters", "minilm", "int8", 64, [0],
            max_length=32, wrong_labels=0.2,
        )  # fmt: skip


def test_a_study_is_known_by_its_arms_too():
    asked = Question(arms=("majority", "int8"), labels=(256,))
    assert studies.name_of(asked) == "compression"
    assert studies.name_of(Question(arms=("majority", "fine_tuned"))) == "topics"
    assert studies.name_of(Question(arms=("frozen", "int8"))) == ""


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


# whose question it is


def test_of_two_studies_on_the_same_texts_it_is_the_one_that_has_the_arms():
    assert studies.name_of(Question(arms=["fine_tuned", "lora"])) == "strategies"
    assert studies.name_of(Question(arms=["fine_tuned", "tfidf_whole"])) == "topics"
    assert studies.name_of(Question(arms=["lora", "tfidf_whole"])) == ""
    assert studies.name_of(Question(arms=["lora"], pooling="last")) == ""


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
