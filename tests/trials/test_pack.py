import subprocess
import sys

import numpy as np
import pytest

from helpers import UserError
from helpers.sources.sampling import TUNING
from helpers.trials import pack, runner, unpacked
from helpers.trials.choice import PlannedSearch
from helpers.trials.store import Store
from helpers.trials.tasks import TASKS
from tests.trials import tiny
from tests.trials.made import share_out_here

# What a bare machine has not got; an import of one of these ends the run.
BARE = """
import sys
ABSENT = {"pydantic", "datasets", "sklearn", "scipy", "pandas", "pyarrow", "accelerate", "peft",
          "yaml", "seqeval", "helpers.sources.weights", "helpers.sources.catalog"}
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT or name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"a bare machine has no {name}", name=name)
sys.meta_path.insert(0, Nothing())
import runpy
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_bert):
    folder = tmp_path_factory.mktemp("tiny")
    return tiny.write_corpus(folder), tiny_bert


@pytest.mark.slow
def test_a_pack_runs_where_there_is_nothing_but_torch_and_comes_back(made, tmp_path, monkeypatch):
    corpus, model = made
    monkeypatch.setattr("helpers.trials.inputs.OWN", tmp_path / "own")
    monkeypatch.setattr(pack, "PIECE", 50_000)
    trials = tiny.trials(corpus, model, draws=range(2)) + tiny.trials(corpus, "", "majority")
    count, size = pack.write_pack(trials, tmp_path / "pack")
    pieces = sorted((tmp_path / "pack").glob("pack.*"))
    assert count == 2 and len(pieces) > 1
    assert max(piece.stat().st_size for piece in pieces) <= 50_000
    assert sum(piece.stat().st_size for piece in pieces) == size

    done = start(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 outcomes: outcomes-000.zip" in done.stdout

    here, there = Store(tmp_path / "here", None), Store(tmp_path / "there", None)
    assert there.merge(tmp_path / "out" / "outcomes-000.zip") == (2, 0)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as a worker sets it, and taken back
    monkeypatch.setattr(runner, "share_out", share_out_here)
    runner.run_trials(trials[:2], here, jobs=1, progress=None)
    for trial in trials[:2]:  # the weights travelled in half precision
        one, other = here.get(trial).items, there.get(trial).items
        assert np.mean(one["predicted"] == other["predicted"]) > 0.9
        np.testing.assert_allclose(
            one["probability"].astype(float), other["probability"].astype(float), atol=0.02
        )


def of_rate(made, draws, rate, split="test"):
    return tiny.trials(*made, draws=draws, split=split, setting={"learning_rate": rate, "steps": 4})


def start(tmp_path, *words):
    (tmp_path / "bare.py").write_text(BARE)
    given = ["-I", str(tmp_path / "bare.py"), str(tmp_path / "pack" / "start.py"), *words]
    given += ["--jobs", "2", "--device", "cpu", "--out", str(tmp_path / "out")]
    return subprocess.run([sys.executable, *given], capture_output=True, text=True, cwd=tmp_path)


@pytest.mark.slow
def test_a_search_travels_and_only_what_follows_its_best_setting_is_run(
    made, tmp_path, monkeypatch
):
    monkeypatch.setattr("helpers.trials.inputs.OWN", tmp_path / "own")
    rates = (1e-5, 0.01, 1e-4)
    tried = [trial for rate in rates for trial in of_rate(made, [TUNING], rate, "validation")]
    then = [of_rate(made, range(2), rate) for rate in rates]
    here = Store(tmp_path / "here", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(runner, "share_out", share_out_here)
    runner.run_trials(tried[:1], here, jobs=1, progress=None)  # this one is known before

    count, _ = pack.write_pack([], tmp_path / "pack", [PlannedSearch(tried, then)], here)
    assert count == 2 + 2
    done = start(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 outcomes: outcomes-000.zip" in done.stdout
    assert here.merge(tmp_path / "out" / "outcomes-000.zip") == (4, 0)
    scores = {trial.key: runner.score_of(trial, here.get(trial)) for trial in tried}
    (best,) = [each for each in then if not here.missing(each)]
    assert best == PlannedSearch(tried, then).follow(scores)

    again = start(tmp_path)  # goes on where it was left: here there is nothing to do
    assert again.returncode == 0 and "4 of 4 outcomes" in again.stdout
    assert "fine_tuned" not in again.stdout


def test_trials_without_a_training_do_not_travel(made, tmp_path):
    with pytest.raises(UserError, match="None of the 3 trials trains a network that needs"):
        pack.write_pack(tiny.trials(made[0], "", "majority"), tmp_path / "pack")


def test_a_folder_of_something_else_is_left_alone(made, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something that is no pack; name another folder"):
        pack.write_pack(tiny.trials(*made), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_without_a_pack_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="holds no pack of trials"):
        unpacked.run(tmp_path, tmp_path / "out", 1, "cpu", None)


def test_translations_stay_where_their_texts_are():
    (one,) = tiny.translation_trials("jupyterlab-zh", "gpt2-mini")
    assert "steps" in one.options and not TASKS["translation"].travels(one)
