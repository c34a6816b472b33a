"""A tagger of everything else tuned on one domain: who sees which sentences, and from where on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.sources import corpora
from helpers.trials import domain_tagging, inputs, kept, networks, runner
from helpers.trials.arms import run
from helpers.trials.rows import item_rows, item_texts, n_items
from helpers.trials.store import Store
from helpers.trials.studies import Question
from helpers.trials.tasks import TASKS
from helpers.trials.tasks.base import SPLITS
from helpers.trials.tasks.domain_tagging import in_domain
from tests.trials import tiny
from tests.trials.made import share_out_here

TASK = TASKS["domain_tagging"]
CPU = torch.device("cpu")
LONG = {"learning_rate": 0.01, "steps": 60}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tiny.write_reports(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture
def done(corpus, tiny_bert, folder, monkeypatch):
    """Do an arm: its trial, its inputs, its outcome."""

    def do(arm, parent=LONG, **more):
        monkeypatch.setattr("helpers.trials.studies.setting_for", lambda *_: dict(parent))
        (trial,) = tiny.domain_tagging_trials(corpus, tiny_bert, arm, **more)
        plain = {"precision": "float32"}
        plain |= {"batch_tokens": 256} if "batch_tokens" in trial.options else {}
        plain |= {"general_labels": 40} if "general_labels" in trial.options else {}
        if trial.model:
            trial = replace(trial, setting=(*trial.setting, *plain.items()))
        given = inputs.inputs_for(trial, folder)
        return trial, given, run(trial, given, {tiny_bert: {"folder": tiny_bert}}, CPU)

    return do


def test_a_trial_has_the_domains_sentences_and_beside_them_the_rest(done):
    trial, given, _ = done("untrained")
    task = TASK.load(trial.corpus, 32)
    for split in ("train", "validation", "test"):
        n = n_items(given, split)
        texts = item_texts(given, split, range(n))
        assert n == TASK.sizes(trial.corpus, task)[split] > 0
        assert all(any(city in text[:8] for city in tiny.CITIES) for text in texts)
    rest = item_texts(given, "general", range(n_items(given, "general")))
    assert all(text.startswith("本报北京") for text in rest)
    assert n_items(given, "general") + n_items(given, "train") == task.items("train").num_rows
    assert trial.items == n_items(given, "test")


def test_tuning_on_the_domain_helps_the_general_tagger(done):
    scores = {}
    for arm in TASK.setups:
        setting = {"strength": 1e-5} if arm == "linear" else LONG
        trial, _, outcome = done(arm, setting=setting, labels=24)
        scores[arm] = TASK.score(trial, outcome, dict)
    assert scores["general_then_domain"] > max(scores["general"], scores["untrained"]) + 0.1, scores
    assert scores["pooled"] > scores["general"], scores


def test_what_is_tuned_begins_where_the_general_tagger_ended(done):
    general, _, before = done("general", setting=LONG)
    _, _, after = done("general_then_domain", setting={"learning_rate": 1e-9, "steps": 2})
    for name in before.items:
        assert np.array_equal(before.items[name], after.items[name])
    assert kept.parent_of(done("general_then_domain", setting=LONG)[0]) == general


def test_its_cost_is_that_of_both_trainings(done):
    alone, general = done("fine_tuned", setting=LONG)[2], done("general", setting=LONG)[2]
    both = done("general_then_domain", setting=LONG)[2]
    for name in ("tokens", "flops"):
        assert both.cost[name] == alone.cost[name] + general.cost[name]
    assert "steps" not in both.cost and both.curve["step"][-1] == LONG["steps"]


@pytest.mark.parametrize("arm", ["general", "pooled"])
def test_general_sees_no_sentence_of_the_domain_and_pooled_sees_both(done, monkeypatch, arm):
    seen, trained = [], networks.trained

    def noting(trial, given, model, device, rows):
        seen.append(rows)
        return trained(trial, given, model, device, rows)

    monkeypatch.setattr(networks, "trained", noting)
    trial, given, _ = done(arm)
    general = domain_tagging.rows_of_rest(trial, given)
    assert len(general) >= 40  # a long sentence has several rows
    own = item_rows(given, "train", networks.labelled(trial, given))
    wanted = general if arm == "general" else [*own, *general]
    assert [ids.tolist() for ids, _ in seen[0]] == [ids.tolist() for ids, _ in wanted]


def test_another_draw_has_other_sentences_of_both(done):
    both = [done("pooled", draws=[draw]) for draw in (0, 1)]
    rows = [{ids.tobytes() for ids, _ in domain_tagging.rows_of_rest(t, g)} for t, g, _ in both]
    assert rows[0] != rows[1]


def test_a_search_finds_the_general_tagger_before_what_starts_from_it(
    corpus, tiny_bert, tmp_path, monkeypatch
):
    monkeypatch.setattr(runner, "share_out", share_out_here)
    monkeypatch.setattr(runner.settings, "FILE", tmp_path / "settings.yaml")
    for module in ("studies", "searches"):
        monkeypatch.setattr(
            f"helpers.trials.{module}.setting_for",
            lambda *marks: runner.settings.setting_for(*marks, file=tmp_path / "settings.yaml"),
        )
    monkeypatch.setattr("helpers.trials.tasks.domain_tagging.GENERAL_LABELS", 4)
    asked = Question(
        task="domain_tagging",
        corpus=corpus,
        model=tiny_bert,
        arms=("general_then_domain", "general"),
        labels=(4,),
        max_length=32,
    )
    entries = runner.search(asked, Store(tmp_path / "own", None), jobs=1, progress=None)
    assert [entry["arm"] for entry in entries] == ["general", "general_then_domain"]
    assert all(len(entry["tried"]) == 6 for entry in entries)


def test_a_domain_that_is_not_known_or_not_there_is_refused(corpus, tmp_path):
    with pytest.raises(
        UserError, match=r"The domain of .*:sports is not known: write CORPUS:abroad"
    ):
        TASK.load(corpus.replace(":abroad", ":sports"), 32)
    plain = tiny.write_tagged(tmp_path)
    with pytest.raises(
        UserError, match=r"has 0 articles with a dateline from abroad .* needs three"
    ):
        TASK.load(f"{plain}:abroad", 32)


def test_a_split_that_has_lost_its_domain_to_duplicates_is_refused(corpus, monkeypatch):
    task = TASK.load(corpus, 32)
    none = lambda task, split: np.zeros(task.items(split).num_rows, bool)  # noqa: E731
    monkeypatch.setattr("helpers.trials.tasks.domain_tagging.in_domain", none)
    with pytest.raises(UserError, match="no article of the train split has a dateline from abroad"):
        TASK.sizes(corpus, task)


def test_the_last_third_of_the_domain_is_the_test_and_the_order_is_kept(corpus):
    file = corpus.removesuffix(":abroad")
    whole = corpora.load_texts(file, text_column="tagged", label_column=None)
    cut = TASK.load(corpus, 32).corpus
    parts = [
        [text for split in SPLITS for text in each.splits[split]["text"]] for each in (whole, cut)
    ]
    assert parts[0] == parts[1] and cut.fingerprint != whole.fingerprint
    abroad = {split: int(in_domain(TASK.load(corpus, 32), split).sum()) for split in SPLITS}
    n = sum(abroad.values())
    assert abroad["test"] == round(n / 3) and abroad["validation"] == round(0.07 * n)
