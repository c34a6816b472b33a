"""Arms that are language models: what they learn from, what they are scored by, what they cost."""

import numpy as np
import pytest
import torch
from datasets import Dataset

from helpers import UserError
from helpers.sources.weights import load_tokenizer
from helpers.tasks.language_modeling import LanguageModeling, document_losses
from helpers.tasks.new_domain import NewDomain
from helpers.trials import inputs, language
from helpers.trials.arms import run
from helpers.trials.outcome import check_items
from helpers.trials.rows import item_rows
from helpers.trials.runner import score_of
from helpers.trials.tasks import TASKS
from tests.trials import tiny

CPU = torch.device("cpu")
SETTINGS = {"unigram": {"smoothing": 0.5}, "untuned": {}}
JOINT = {"weight": 1.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Corpus, model, and the inputs of their trials."""
    folder = tmp_path_factory.mktemp("language")
    corpus, model = tiny.write_corpus(folder), tiny.write_causal(folder)
    trial = tiny.language_trials(corpus, model)[0]
    return corpus, model, inputs.inputs_for(trial, folder / "inputs")


def outcome(made, arm, read=None, **changes):
    corpus, model, known = made
    setting = SETTINGS.get(arm, tiny.NETWORK | (JOINT if arm == "joint" else {}) | changes)
    (trial,) = tiny.language_trials(corpus, model, arm, setting=setting)
    options = trial.options | {"precision": "float32"} | changes
    if arm == "unigram":
        options = trial.options
    trial = type(trial)(**{**vars(trial), "setting": tuple(options.items())})
    return trial, run(trial, read or known, {model: {"folder": model}}, CPU)


@pytest.mark.parametrize("arm", sorted(TASKS["language_modeling"].setups))
def test_every_arm_scores_every_held_out_document(made, arm):
    trial, found = outcome(made, arm)
    check_items(trial, found)
    assert found.items["is_target"].sum() == 4 and len(found.items["nats"]) == 12
    assert (found.items["nats"] > 0).all() and (found.items["bytes"] > 0).all()
    target = found.items["is_target"] == 1
    bits = found.items["nats"][target].sum() / np.log(2) / found.items["bytes"][target].sum()
    assert score_of(trial, found) == pytest.approx(-bits, rel=1e-6)


def test_a_document_costs_what_the_task_says_it_costs(made):
    """One row of 24 tokens a document, held against the module that reads whole documents."""
    corpus, model, known = made
    domain = NewDomain.named(f"{corpus}:wheat", 24)
    items, tokenizer = domain.items("test"), load_tokenizer(model)
    rows = domain.encode(items, tokenizer)
    task = LanguageModeling(domain.corpus, 24)
    net = task.build_model(model, pretrained=True, seed=0, tokenizer=tokenizer)
    columns = {name: rows[name][:] for name in ("input_ids", "labels")}
    marked = Dataset.from_dict(columns | {"document": list(range(len(items)))})
    right = document_losses(net, items, marked, task.collator(tokenizer))
    found = language.document_nats(net, item_rows(known, "test"), budget=50)
    np.testing.assert_allclose(found, right.nats, rtol=1e-5)
    np.testing.assert_allclose(outcome(made, "untuned")[1].items["nats"], right.nats, rtol=1e-5)


def test_unigram_is_the_frequencies_of_the_labelled_documents(made):
    _, found = outcome(made, "unigram")
    known = made[2]
    trial = tiny.language_trials(made[0], made[1])[0]
    counts = np.full(known["vocabulary"], 0.5)
    for ids, _ in item_rows(known, "train", language.labelled(trial, known)):
        counts += np.bincount(ids[1:], minlength=len(counts))
    loss = -np.log(counts / counts.sum())
    right = [loss[ids[1:]].sum() for ids, _ in item_rows(known, "test")]
    np.testing.assert_allclose(found.items["nats"], right, rtol=1e-5)


def without(known, split):
    """Inputs whose rows of a split are all the same token."""
    return dict(known) | {f"{split}.ids": np.full_like(known[f"{split}.ids"], 5)}


@pytest.mark.parametrize(
    ("arm", "target", "source"),
    [
        ("fine_tuned", True, False),
        ("two_phase", True, False),
        ("from_scratch", True, False),
        ("source_continued", False, True),
        ("joint", True, True),
        ("untuned", False, False),
    ],
)
def test_an_arm_learns_from_what_it_says_and_from_nothing_else(made, arm, target, source):
    plain = outcome(made, arm)[1].items["nats"]
    for split, matters in (("train", target), ("source", source)):
        other = outcome(made, arm, without(made[2], split))[1].items["nats"]
        assert np.array_equal(plain, other) != matters, split


def test_the_weight_moves_the_joint_arm_from_source_to_target(made):
    found = {w: outcome(made, "joint", learning_rate=0.03, weight=w) for w in (0.01, 100.0)}
    scores = {w: score_of(*pair) for w, pair in found.items()}
    assert scores[100.0] > scores[0.01]


def test_arms_of_equal_steps_cost_alike_and_two_phases_cost_one(made):
    """A pass over six documents of 24 tokens is three whole batches of 48, or of twice 24."""
    many = {"batch_tokens": 48, "steps": 20}
    arms = ("fine_tuned", "source_continued", "joint", "two_phase")
    costs = {arm: outcome(made, arm, **many)[1].cost for arm in arms}
    for arm in arms:
        assert costs[arm]["flops"] == pytest.approx(costs["fine_tuned"]["flops"], rel=0.03), arm
    assert costs["two_phase"]["steps"] > 20


def test_the_first_phase_moves_the_last_layer_alone(made, monkeypatch):
    seen = []
    real = language.train

    def spied(model, rows, **how):
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        done = real(model, rows, **how)
        after = dict(model.named_parameters())
        moved = {name for name, p in before.items() if not torch.equal(p, after[name])}
        seen.append((moved, how["learning_rate"]))
        return done

    monkeypatch.setattr(language, "train", spied)
    outcome(made, "two_phase")
    (first, high), (second, low) = seen
    assert first and all(".h.1." in name or ".ln_f." in name for name in first)
    assert any(".wte." in name for name in second) and any(".h.0." in name for name in second)
    assert low == pytest.approx(high / 3)


def test_the_curve_goes_on_over_both_phases(made):
    curve = outcome(made, "two_phase")[1].curve
    assert (np.diff(curve["step"]) > 0).all() and curve["step"][0] == 0
    assert (curve["validation_score"] < 0).all()


@pytest.mark.parametrize("weight", [-1.0, float("inf")])
def test_a_weight_that_is_none_is_one_sentence(made, weight):
    with pytest.raises(UserError, match="must be a finite number of at least 0"):
        outcome(made, "joint", weight=weight)
