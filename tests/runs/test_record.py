import json
import random
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from helpers import ROOT, UserError
from helpers.base import doors, files
from helpers.claims.verdicts import interval_of
from helpers.evaluation.intervals import bootstrap_interval, seed_interval, two_level_interval
from helpers.runs import record
from helpers.runs.record import closing_text, comparable, injected, load_record, open_run

FIXTURES = ROOT / "tests" / "fixtures"
ADDS = FIXTURES / "01_adds_numbers.ipynb"
INTERVAL = SimpleNamespace(
    value=np.float64(0.1), low=np.float32(0), high=np.inf, n=np.int64(5), level=0.95, method="t"
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.delenv(record.RECORD_VARIABLE, raising=False)
    namespace = {"In": ["", "first cell"], "record": str(tmp_path / "r.json"), "numbers": "[4, 5]"}
    return open_run("adds", namespace, notebook=ADDS)


def filled(run):
    run.metric("accuracy", np.float32(0.5), interval=INTERVAL, n=np.int64(5), seed=0, split="test")
    run.metric("accuracy", 1, seed=1, split="test", labels=np.int64(64))
    run.metric("undefined", None, model="minilm", strategy="full", dataset="r8")
    run.evidence("C02", np.float64(0.1), INTERVAL, n=5, seeds=[0, 1])
    run.uses({"r8": "ab" * 32})
    run.add_tokens(np.int64(10))
    run.add_tokens(5)
    run.add_flops(1e9)
    return run


def test_the_parameters_are_checked_and_coerced(run):
    assert run.parameters.numbers == [4, 5]
    assert run.parameters.scale == 1.0
    with pytest.raises(AttributeError):
        run.parameters.nombers  # noqa: B018


def test_a_record_comes_back_as_it_went(run, capsys):
    filled(run).close()
    back = load_record(run.path)
    assert back.notebook == "adds"
    assert back.parameters["numbers"] == [4, 5]
    assert "record" not in back.parameters
    first = back.metrics[0]
    assert (first.value, first.n, first.seed) == (0.5, 5, 0)
    assert (first.interval.low, first.interval.high) == (0.0, None)  # no bound above: null
    assert back.metrics[1].labels == 64
    assert back.metrics[2].value is None
    assert back.claims[0].seeds == [0, 1]
    assert (back.cost.tokens, back.cost.flops) == (15, 1e9)
    assert back.cost.wall_seconds >= 0
    assert back.cost.peak_memory_mb > 1
    assert back.provenance.hashes == {"r8": "ab" * 32}
    assert back.provenance.packages["numpy"] == np.__version__
    assert comparable(back) == comparable(run.record())
    assert json.loads(run.path.read_text(), parse_constant=pytest.fail)
    shown = capsys.readouterr().out
    assert "3 numbers measured" in shown
    assert "| C02 Transfer learning needs less labelled target data. | 0.1 | [0, ?] |" in shown
    assert str(run.path.parent) not in shown
    assert "| [0, ?] | not judged |" in shown
    assert shown == closing_text(back) + "\n"


def test_equal_runs_are_equal_outside_cost_and_provenance(run, tmp_path):
    filled(run).close()
    again = filled(open_run("adds", {"numbers": [4, 5], "record": "/tmp/other"}, notebook=ADDS))
    other = filled(open_run("adds", {"numbers": [4, 6]}, notebook=ADDS))
    assert comparable(again.record()) == comparable(load_record(run.path))
    assert comparable(other.record()) != comparable(again.record())
    assert "wall_seconds" not in comparable(again.record())
    assert "started" not in comparable(again.record())


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), float("inf")])
def test_nan_is_refused(run, value):
    with pytest.raises(UserError, match=r"adds: metric 'loss' is (nan|inf): the run diverged"):
        run.metric("loss", value)
    with pytest.raises(UserError, match=r"adds: evidence for C03 is (nan|inf)"):
        run.evidence("C03", value)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda run: run.metric("m", "0.5"), "adds: metric 'm' must be one number, not '0.5'."),
        (lambda run: run.metric("m", np.ones(2)), "must be one number, not [1.0, 1.0]."),
        (lambda run: run.metric("m", 1, color="red"), "adds: metric 'm': color: Extra inputs"),
        (lambda run: run.metric("m", 1, seed="first"), "adds: metric 'm': seed: Input should be"),
        (
            lambda run: run.evidence("C2", 1),
            "There is no claim 'C2' in data/claims.yaml. Did you mean 'C20'?",
        ),
        (lambda run: run.evidence("C02", 1, seeds="all"), "seeds.int: Input should be"),
    ],
)
def test_what_makes_no_record_is_refused_at_once(run, call, sentence):
    with pytest.raises(UserError) as error:
        call(run)
    assert sentence in str(error.value)


def test_a_second_value_in_one_cell_is_refused_and_a_cell_run_again_replaces(run):
    run.metric("m", 1, seed=0)
    run.metric("m", 1, seed=0)
    run.metric("m", 2, seed=1)
    with pytest.raises(UserError, match="metric 'm' is recorded twice with different values"):
        run.metric("m", 3, seed=0)
    run._namespace["In"].append("the cell, executed again")
    run.metric("m", 3, seed=0)
    assert [(m.seed, m.value) for m in run.record().metrics] == [(0, 3), (1, 2)]


def test_a_run_from_the_command_line_replaces_nothing(run, monkeypatch):
    monkeypatch.setenv(record.RECORD_VARIABLE, "/z/r.json")
    run.metric("m", 2, seed=0)
    run._namespace["In"].append("another cell")
    run.metric("m", 2, seed=0)
    with pytest.raises(UserError, match="metric 'm' is recorded twice with different values"):
        run.metric("m", 3, seed=0)


def test_seeds_are_fixed():
    draws = []
    for seed in (1, 1, 2):
        open_run("adds", {"seed": seed}, notebook=ADDS)
        draws.append((random.random(), np.random.random()))  # noqa: NPY002
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_torch_is_settled_where_it_is_loaded_and_never_loaded_for_it():
    code = (
        "import sys; from helpers.base.determinism import settle; settle(3);"
        "print('torch' in sys.modules); import torch; settle(4); print(torch.get_num_threads(),"
        "torch.are_deterministic_algorithms_enabled(), torch.initial_seed())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["False", "1", "True", "4"], done.stderr


def test_record_paths(monkeypatch):
    monkeypatch.delenv(record.RECORD_VARIABLE, raising=False)
    assert record.record_path("nb", {"a": 1}).parent == ROOT / "build" / "records" / "nb"
    assert record.record_path("nb", {"record": "x/y.json"}) == ROOT / "x" / "y.json"
    monkeypatch.setenv(record.RECORD_VARIABLE, "/z/r.json")
    assert record.record_path("nb", {"a": 1}) == Path("/z/r.json")


# the trials that were read


def test_the_trials_that_were_read_stand_in_the_record_once_and_in_order(run):
    run.reads(["b", "a"])
    run.reads(key for key in ("c", "a"))
    run.reads([])
    run.close()
    assert load_record(run.path).trials == ["a", "b", "c"]


def test_a_run_that_read_no_trial_says_so(run):
    run.close()
    assert load_record(run.path).trials == []


def test_a_record_from_before_there_were_trials_is_read(run):
    run.close()
    fields = json.loads(run.path.read_text())
    del fields["trials"]
    run.path.write_text(json.dumps(fields))
    assert load_record(run.path).trials == []
    assert comparable(load_record(run.path)) == comparable(run.record())


def test_runs_that_read_other_trials_differ(run):
    before = comparable(run.record())
    run.reads(["a"])
    assert comparable(run.record()) != before


# intervals


def test_an_interval_over_draws_and_items_comes_back_with_its_p_values(run):
    rng = np.random.default_rng(0)
    gain = two_level_interval(rng.random((4, 60)) < 0.9, rng.random((4, 60)) < 0.7)
    run.evidence("C02", gain.value, gain, seeds=4)
    run.metric("gain", gain.value, interval=gain)
    run.close()
    back = load_record(run.path)
    for part in (back.claims[0], back.metrics[0]):
        found = interval_of(part)
        assert found == gain and found.squares == gain.squares
        assert found.p(0.05, "greater") == gain.p(0.05, "greater") < 0.5
        assert str(found.at(0.9)) == str(gain.at(0.9))


def test_an_interval_of_an_older_record_has_only_the_degrees_of_freedom_it_had(run):
    gain = seed_interval([0.03, 0.05, 0.04])
    run.evidence("C02", gain.value, gain, seeds=3, note="t")
    items = bootstrap_interval([0.1, 0.3, 0.2], resamples=100)
    run.evidence("C02", items.value, items, note="bootstrap")
    run.evidence("C02", 0.1, None, note="none")
    run.close()
    fields = json.loads(run.path.read_text())
    for evidence in fields["claims"][:2]:
        del evidence["interval"]["squares"]
    run.path.write_text(json.dumps(fields))
    over_draws, over_items, none = map(interval_of, load_record(run.path).claims)
    assert over_draws.p() == pytest.approx(gain.p()) and over_draws.squares is None
    assert not over_items.has_p and not none.defined
    with pytest.raises(UserError, match="has neither mean squares nor degrees of freedom"):
        over_items.p()


def test_squares_that_no_table_has_are_no_record(run):
    run.evidence("C02", 0.1, seed_interval([0.03, 0.05]))
    run.close()
    fields = json.loads(run.path.read_text())
    fields["claims"][0]["interval"]["squares"] = {"draw": 1.0, "item": 1.0}
    run.path.write_text(json.dumps(fields))
    with pytest.raises(UserError, match=r"is no record of a run: claims\.0\.interval\.squares"):
        load_record(run.path)


# whole or not there


def test_a_full_disk_leaves_the_old_record_and_nothing_half_written(run, monkeypatch):
    filled(run).close()
    before = run.path.read_text()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    run.metric("late", 1)
    with pytest.raises(UserError, match=r"Cannot write .*r\.json: No space left on device; free"):
        run.close()
    assert run.path.read_text() == before
    assert list(run.path.parent.iterdir()) == [run.path]


def test_a_real_limit_on_file_size_is_one_sentence(tmp_path):
    code = (
        "import signal, resource, sys; from pathlib import Path; from helpers import UserError;"
        "from helpers.base.files import write_atomically;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_atomically(Path(sys.argv[1]), 'x' * 100_000)\n"
        "except UserError as error: print(error)"
    )
    target = tmp_path / "r.json"
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith(f"Cannot write {target}: File too large; free some space")
    assert not list(tmp_path.iterdir())
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (None, "There is no record "),
        ("", "is no record of a run: the whole file: "),
        ('{"schema_version": 1', "is no record of a run: the whole file: "),
        (
            '{"schema_version": 2}',
            "is a record of format 2, and this version of the project ",
        ),
        ("[]", "is no record of a run: "),
    ],
)
def test_a_file_that_is_no_record_is_named(tmp_path, text, part):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as error:
        load_record(path)
    assert part in str(error.value)
    assert "\n" not in str(error.value)


# plain papermill


def test_injected_parameters_are_found_in_the_history():
    history = ["", "a: int = 1", "# Parameters\na = 2\nb = [1]\n", "print(1)"]
    assert injected({"In": history, "a": 2, "b": [1]}) == {"a": 2, "b": [1]}
    assert injected({}) == {}
    assert injected({"In": ["", "a: int = 1"], "a": 1}) == {}


@pytest.fixture
def papermill_run(tmp_path, monkeypatch):
    monkeypatch.setenv(record.NOTEBOOK_VARIABLE, str(FIXTURES / "02_takes_a_while.ipynb"))
    monkeypatch.chdir(tmp_path)

    def execute(**parameters):
        papermill.execute_notebook(
            str(FIXTURES / "02_takes_a_while.ipynb"),
            str(tmp_path / "out.ipynb"),
            parameters=parameters,
            progress_bar=False,
        )

    return execute


def test_plain_papermill_writes_the_record_that_it_is_told(papermill_run, tmp_path):
    papermill_run(seed=3, record=str(tmp_path / "r.json"))
    assert load_record(tmp_path / "r.json").parameters == {"seconds": 0.0, "seed": 3}


def test_plain_papermill_with_a_bad_parameter_fails_with_the_sentence(papermill_run, tmp_path):
    for given, sentence in (
        ({"sed": 3}, "02_takes_a_while has no parameter 'sed'. Did you mean 'seed'?"),
        ({"seconds": 90}, "02_takes_a_while: seconds must be in [0, 60], not 90.0."),
    ):
        with pytest.raises(PapermillExecutionError) as error:
            papermill_run(**given, record=str(tmp_path / "r.json"))
        assert error.value.evalue == sentence
        assert error.value.traceback == [f"UserError: {sentence}"]
        assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    ("declared", "commanded", "door"),
    [
        ("", "", doors.FILE),
        ('text_column: str = "text"  # where the text stands\n', "", doors.NOTEBOOK),
        ("", "1", doors.COMMAND_LINE),
    ],
)
def test_a_notebook_gives_advice_in_its_own_words(tmp_path, monkeypatch, declared, commanded, door):
    monkeypatch.setattr(doors, "_entered", [doors.PARAMETERS])
    monkeypatch.setenv("TRANSFER_DOOR", commanded)
    made = nbformat.v4.new_notebook()
    cell = f'{declared}record: str = ""  # file'
    made.cells = [nbformat.v4.new_code_cell(cell, metadata={"tags": ["parameters"]})]
    nbformat.write(made, tmp_path / "x.ipynb")
    open_run("x", {"record": str(tmp_path / "r.json")}, notebook=tmp_path / "x.ipynb")
    assert doors.door() is doors.PARAMETERS  # no kernel
    namespace = {"get_ipython": None, "record": str(tmp_path / "r.json")}
    open_run("x", namespace, notebook=tmp_path / "x.ipynb")
    assert doors.door() is door
