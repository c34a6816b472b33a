from dataclasses import replace

import pytest

from helpers import ROOT, UserError
from helpers.trials import kept, studies
from helpers.trials.studies import STUDIES, Question
from helpers.trials.tasks import TASKS
from helpers.trials.tasks.classification import BY_STRATEGY, COMPRESSED
from helpers.trials.tasks.language_modeling import TWO_PHASE
from tests.trials.made import settle_facts

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


# whose question it is


def test_of_two_studies_on_the_same_texts_it_is_the_one_that_has_the_arms():
    assert studies.name_of(Question(arms=["fine_tuned", "lora"])) == "strategies"
    assert studies.name_of(Question(arms=["fine_tuned", "tfidf_whole"])) == "topics"
    assert studies.name_of(Question(arms=["lora", "tfidf_whole"])) == ""
    assert studies.name_of(Question(arms=["lora"], pooling="last")) == ""


def test_a_study_of_long_texts_says_how_many_tokens_a_step_sees():
    asked = replace(TEXTS, arms=("fine_tuned", "frozen", "tfidf"), batch_tokens=4096)
    found = {one.arm: one.options.get("batch_tokens") for one in studies.label_efficiency(asked)}
    assert found == {"fine_tuned": 4096, "frozen": None, "tfidf": None}
    assert studies.name_of(replace(studies.STUDIES["topics"], batch_tokens=4096)) == ""
