import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from helpers import ROOT, UserError
from helpers.trials import kept, runner, worker
from helpers.trials.outcome import to_bytes
from helpers.trials.store import Store
from helpers.trials.tasks.base import TOKENS_A_SECOND
from tests.trials import tiny
from tests.trials.made import share_out_here
from tests.trials.made import trial as made_trial


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_bert):
    folder = tmp_path_factory.mktemp("tiny")
    return folder, tiny.write_corpus(folder), tiny_bert


def arrays(store, trials):
    return [dict(store.get(trial).items) for trial in trials]


def assert_equal(first, second):
    for one, other in zip(first, second, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.fixture
def in_this_process(monkeypatch):
    """For tests whose matter is not the processes."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as a worker sets it, and taken back
    monkeypatch.setattr(runner, "share_out", share_out_here)


@pytest.fixture(scope="module")
def whole(made, tmp_path_factory):
    """Trials that two processes have run, the store with their outcomes, and what was said."""
    _, corpus, model = made
    trials = tiny.trials(corpus, model, draws=range(4)) + tiny.trials(corpus, "", "majority")
    store, said = Store(tmp_path_factory.mktemp("whole"), None), io.StringIO()
    assert runner.run_trials(trials, store, jobs=2, device="cpu", progress=said) == {}
    return trials, store, said.getvalue()


def test_what_is_missing_is_run_and_kept_and_not_run_again(whole):
    trials, store, said = whole
    assert store.missing(trials) == []
    assert said.count("left\n") == len(trials)
    before = {trial.key: to_bytes(trial, store.get(trial)) for trial in trials}
    runner.run_trials(trials, store, jobs=1, progress=None)
    assert before == {trial.key: to_bytes(trial, store.get(trial)) for trial in trials}
    outcome = store.get(trials[0])
    assert outcome.cost["steps"] == 6 and outcome.cost["seconds"] > 0
    assert outcome.origin["threads"] == 1 and outcome.origin["torch"]
    assert list(outcome.curve["step"]) == [0, 2, 3, 4, 6]


def test_two_halves_on_two_stores_merged_equal_one_run(whole, in_this_process, tmp_path):
    trials, store, _ = whole
    trials = trials[:4]
    left, right = (Store(tmp_path / name, None) for name in ("left", "right"))
    runner.run_trials(trials[:2], left, jobs=1, progress=None)
    runner.run_trials(trials[2:], right, jobs=1, progress=None)
    right.export(tmp_path / "right.zip", trials)
    assert left.merge(tmp_path / "right.zip") == (2, 0)
    assert_equal(arrays(store, trials), arrays(left, trials))


def test_a_trial_that_fails_is_reported_and_stops_no_other(made, in_this_process, tmp_path):
    _, corpus, model = made
    good = tiny.trials(corpus, model, draws=[0])
    bad = tiny.trials(corpus, model, draws=[1], setting={"learning_rate": 1e30, "steps": 6})
    store, said = Store(tmp_path, None), io.StringIO()
    failed = runner.run_trials([*bad, *good], store, jobs=1, progress=said)
    assert list(failed) == [bad[0].key] and "take a smaller learning_rate" in failed[bad[0].key]
    assert "failed: The training loss is not a number" in said.getvalue()
    assert store.missing([*bad, *good]) == bad


def test_a_process_that_dies_loses_its_trial_alone(made, tmp_path, monkeypatch):
    _, corpus, model = made
    trials = tiny.trials(
        corpus, model, draws=range(3), setting={"learning_rate": 0.003, "steps": 60}
    )
    store = Store(tmp_path, None)
    told = []

    def kill_first(key, seconds, message):
        told.append(message)
        if len(told) == 1:
            for child in psutil.Process().children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()

    share_out = worker.share_out

    def watched(tasks, facts, jobs, **rest):
        rest["report"], inner = kill_first, rest["report"]
        share_out(tasks, facts, jobs, **rest)
        for key in [trial.key for trial in trials]:
            inner(key, 0.0, "")

    monkeypatch.setattr(runner, "share_out", watched)
    runner.run_trials(trials, store, jobs=1, progress=None)
    assert any("its process ended" in message for message in told)
    assert len(store.missing(trials)) == 1
    monkeypatch.setattr(runner, "share_out", share_out_here)
    runner.run_trials(trials, store, jobs=1, progress=None)
    assert store.missing(trials) == []


def test_the_limit_stops_a_run_and_the_same_call_goes_on(made, tmp_path):
    _, corpus, model = made
    trials = tiny.trials(
        corpus, model, draws=range(40), setting={"learning_rate": 0.003, "steps": 400}
    )
    store = Store(tmp_path, None)
    started = time.monotonic()
    runner.run_trials(trials, store, jobs=1, minutes=0.15, progress=None)
    assert time.monotonic() - started < 60
    assert len(store.missing(trials)) > 0


SCRIPT = """
import sys
from pathlib import Path
from helpers.trials import runner
from helpers.trials.store import Store
from tests.trials import tiny
if __name__ == "__main__":
    corpus, model, own = sys.argv[1:]
    setting = {"learning_rate": 0.003, "steps": 40}
    trials = tiny.trials(corpus, model, draws=range(10), setting=setting)
    runner.run_trials(trials, Store(Path(own), None), jobs=2)
"""


def kill_when(due, made, own):
    """Start the runner, kill -9 it when due, and return once none of its processes is left."""
    folder, corpus, model = made
    script = folder / "run.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), corpus, model, str(own)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None and not due():
        time.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert psutil.wait_procs(family, timeout=15)[1] == []


def check_after_kills(moments, made, tmp_path):
    """``moments``: functions that are called when the runner starts and say when it is due."""
    _, corpus, model = made
    setting = {"learning_rate": 0.003, "steps": 40}
    trials = tiny.trials(corpus, model, draws=range(10), setting=setting)
    store = Store(tmp_path / "killed", None)
    stored = set()
    for moment in moments:
        kill_when(moment(store), made, store.own)
        here = {trial.key for trial in trials} - {t.key for t in store.missing(trials)}
        assert stored <= here  # nothing stored is lost
        stored = here
        for trial in trials:
            store.get(trial)  # whole, or not there
    runner.run_trials(trials, store, jobs=2, progress=None)
    whole = Store(tmp_path / "whole", None)
    runner.run_trials(trials, whole, jobs=2, progress=None)
    assert_equal(arrays(store, trials), arrays(whole, trials))


def after(seconds):
    """A kill so long after the start."""

    def begin(store):
        end = time.monotonic() + seconds
        return lambda: time.monotonic() > end

    return begin


def with_outcomes(count):
    """A kill when so many outcomes are there: in the middle of the work on any machine."""
    return lambda store: lambda: len(list(store.own.glob("??/*.safetensors"))) >= count


@pytest.mark.slow
def test_kills_lose_the_trial_in_hand_only(made, in_this_process, tmp_path):
    check_after_kills([with_outcomes(2), with_outcomes(5)], made, tmp_path)
    assert len(list((tmp_path / "killed").glob("??/*.safetensors"))) == 10


@pytest.mark.faults
def test_twenty_kills_at_random_moments(made, tmp_path):
    moments = np.random.default_rng(0).uniform(3.0, 12.0, 20)
    check_after_kills([after(seconds) for seconds in moments.tolist()], made, tmp_path)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"jobs": 0}, "--jobs must be at least 1 process, not 0."),
        ({"minutes": 0.0}, "--minutes must be above 0, not 0; leave it out for no limit."),
        ({"device": "cuda:9"}, "Device 'cuda:9' is not on this machine; usable here: auto, cpu"),
    ],
)
def test_what_cannot_run_is_refused_before_any_work(how, says, made, tmp_path):
    with pytest.raises(UserError, match="^" + says.replace(".", r"\.")):
        runner.run_trials(tiny.trials(*made[1:]), Store(tmp_path, None), **how)
    assert list(tmp_path.iterdir()) == []


def test_changed_texts_are_refused(made, tmp_path):
    _, corpus, model = made
    trial = tiny.trials(corpus, model, draws=[0])[0]
    other = type(trial)(**{**vars(trial), "corpus_hash": "0" * 64})
    with pytest.raises(UserError, match="has changed since this trial was defined"):
        runner.run_trials([other], Store(tmp_path, None), progress=None)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(made, tmp_path, monkeypatch):
    _, corpus, model = made

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("helpers.base.files.os.fsync", full)
    with pytest.raises(UserError, match=r"Cannot write .*: No space left on device; free"):
        runner.run_trials(tiny.trials(corpus, model), Store(tmp_path, None), progress=None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_search_keeps_every_score_and_flags_the_edge(
    made, in_this_process, tmp_path, monkeypatch
):
    _, corpus, model = made
    file = tmp_path / "settings.yaml"
    monkeypatch.setattr(runner.settings, "FILE", file)
    asked = runner.studies.Question(
        corpus=corpus,
        model=model,
        arms=("majority", "frozen", "tfidf"),
        labels=(12,),
        max_length=16,
    )
    entries = runner.search(asked, Store(tmp_path / "own", None), jobs=2, progress=None)
    assert [(one["arm"], len(one["tried"])) for one in entries] == [("frozen", 6), ("tfidf", 6)]
    for one in entries:
        assert one["score"] == max(each["score"] for each in one["tried"])
        assert one["validation_items"] == 12 and set(one["setting"]) == {"regularization"}
        at_an_end = one["setting"]["regularization"] in (0.3, 3e4)
        assert one["edge"] == (["regularization"] if at_an_end else [])
    kept = runner.settings.read_settings(file)
    assert kept["found"] == entries or len(kept["found"]) == 2
    assert kept["corpora"][corpus]["test"] == 12 and Path(corpus).exists()


# how long it will take, where several start from one network


def compressed(draw, arm="pruned_50", **options):
    setting = {"parent_steps": 240, "parent_learning_rate": 1e-3, "batch_tokens": 1000}
    setting |= {"max_length": 64} | options
    return made_trial(arm=arm, draw=draw, model="m", setting=tuple(setting.items()))


def test_a_network_that_several_start_from_counts_once_and_not_where_it_is_kept(tmp_path):
    training = 240 * 1000 / TOKENS_A_SECOND
    trials = [compressed(draw, sparsity=share) for share in (0.5, 0.8) for draw in (0, 1)]
    own = runner.expected_seconds(trials[0]) - training
    assert 0 < own < 10
    each = [runner.expected_each(trials)[one.key] for one in trials]
    assert each == pytest.approx([own + training, own + training, own, own])
    store = Store(tmp_path, None)
    file = kept.file_of(kept.parent_of(trials[0]), tmp_path / kept.FOLDER)
    file.parent.mkdir()
    file.touch()
    each = [runner.expected_each(trials, store)[one.key] for one in trials]
    assert each == pytest.approx([own, own + training, own, own])


def test_a_student_counts_its_own_training_and_its_teachers():
    student = compressed(0, arm="distilled", steps=120, learning_rate=1e-3, layers=3)
    small = compressed(0, arm="small", steps=120, learning_rate=1e-3, layers=3, bits=8)
    whole = (240 + 120) * 1000 / TOKENS_A_SECOND
    assert runner.expected_seconds(student) == pytest.approx(whole, abs=10)
    each = runner.expected_each([compressed(0), student, small])
    assert each[small.key] < 10 < each[student.key] < 120 * 1000 / TOKENS_A_SECOND + 10
