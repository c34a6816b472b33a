"""What a trial means may not change silently: its protocol's number must be raised by hand."""

import json

import numpy as np
import pytest
import torch

from helpers import ROOT
from helpers.trials import inputs
from helpers.trials.arms import run
from helpers.trials.tasks import TASKS
from tests.trials import tiny, vectors_made

KNOWN = ROOT / "tests" / "trials" / "protocol.json"
"""Losses along tiny trainings, by task and protocol; written by hand from a failure."""


def curves_now(folder):
    """Return what tiny trials of each task go through, in 32 bits on one thread."""
    model, found = tiny.write_model(folder), {}
    texts, sentences = tiny.write_corpus(folder), tiny.write_tagged(folder)
    asked = {
        "classification": tiny.trials(texts, model, draws=[0, 1]),
        "tagging": tiny.tagging_trials(sentences, model),
        "retrieval": tiny.retrieval_trials(tiny.write_pairs(folder), model),
    }
    fields = tiny.write_fields(folder)
    asked["multi_task"] = [
        trial
        for arm in ("single_task", "multi_task")
        for trial in tiny.field_trials(fields, model, arm)
    ]
    reports = tiny.write_reports(folder)
    asked["domain_tagging"] = [
        trial
        for arm in ("general", "pooled", "general_then_domain")
        for trial in tiny.domain_tagging_trials(reports, model, arm)
    ]
    causal = tiny.write_causal(folder)
    asked["language_modeling"] = [
        trial
        for arm in ("fine_tuned", "two_phase", "joint")
        for trial in tiny.language_trials(
            texts, causal, arm, setting=tiny.NETWORK | ({"weight": 0.5} if arm == "joint" else {})
        )
    ]
    pairs, writer = tiny.write_messages(folder), tiny.write_writer(folder)
    asked["translation"] = tiny.translation_trials(pairs, writer)
    folders = {name: {"folder": name} for name in (model, causal, writer)}
    for task, trials in asked.items():
        numbers = []
        for trial in trials:
            options = trial.options | {"precision": "float32", "learning_rate": 0.01}
            if "parent_steps" in options:
                options |= {"parent_steps": 6, "parent_learning_rate": 0.01}
            trial = type(trial)(**{**vars(trial), "setting": tuple(options.items())})
            read = inputs.inputs_for(trial, folder / "inputs")
            outcome = run(trial, read, folders, torch.device("cpu"))
            for name in ("training_loss", "validation_loss"):
                numbers += [float(value) for value in outcome.curve[name]]
        found[task] = numbers
    return found | shares_now()


def shares_now():
    """Return what arms on vectors get right, of clouds that nobody read: they have no curves."""
    clouds, found = vectors_made.inputs(per_class=400), {}
    more = {"regularization": 0.1, "rate": 0.001, "tasks": 30}
    for task, make, items in (
        ("domains", vectors_made.pair, 1600),
        ("episodes", vectors_made.episodes, 60),
    ):
        trials = [make(arm, items=items, **more) for arm in TASKS[task].arms()]
        each = [(one, run(one, clouds, {}, torch.device("cpu"))) for one in trials]
        found[task] = [TASKS[task].score(*pair, lambda: clouds) for pair in each]
    return found


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    return curves_now(tmp_path_factory.mktemp("protocol"))


@pytest.mark.parametrize("task", TASKS)
def test_outcomes_move_only_with_the_protocol(task, now):
    known = json.loads(KNOWN.read_text())[task]
    assert TASKS[task].protocol == known["protocol"], "write the new numbers into protocol.json"
    moved = np.abs(np.array(now[task]) - known["curves"]).max()
    assert moved <= 1e-3, (
        f"Training or scoring of {task} has changed its meaning (by {moved:.4f}): raise the "
        "number of its protocol and run the shipped trials again."
    )
