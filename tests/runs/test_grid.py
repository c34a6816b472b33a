"""Grids: combinations, ranges, lists side by side, seeds; every mistake one sentence."""

import tempfile
from pathlib import Path

import nbformat
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.runs import notebooks, planned
from helpers.runs import plan as profiles
from helpers.runs.grid import read_grid
from helpers.runs.plan import plan


@pytest.fixture
def root(project, monkeypatch):
    for module in (notebooks, planned, profiles):
        monkeypatch.setattr(module, "ROOT", project.root)
    project.add("02_takes_a_while", "03_takes_more")
    seedless = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("size: int = 1  # a number", metadata={"tags": ["parameters"]})
    seedless.cells = [cell]
    nbformat.write(seedless, project.root / "notebooks" / "04_no_seeds.ipynb")
    return project.root


def values(root, text, *names):
    grid = root / "g.yaml"
    grid.write_text(text)
    return [tuple(run.values[name] for name in names) for run in plan(grid=grid)]


def test_a_grid_is_every_combination_once(root):
    grid = root / "g.yaml"
    grid.write_text(
        "notebook: '01'\nparameters: {numbers: [[1], [2, 3], '[1]'], scale: [1, 1.0, 5e-1]}\n"
    )
    runs = plan(grid=grid)
    assert [(run.values["numbers"], run.values["scale"]) for run in runs] == [
        ([1], 1.0),
        ([1], 0.5),
        ([2, 3], 1.0),
        ([2, 3], 0.5),
    ]
    assert len({run.file(".json", root) for run in runs}) == 4
    grid.write_text("- notebook: 01_adds_numbers\n- {notebook: '02', parameters: {seed: [1]}}\n")
    assert [run.label for run in plan(grid=grid)] == ["01_adds_numbers", "02_takes_a_while seed=1"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no file "),
        ("notebook: [", "g.yaml is not valid YAML: "),
        ("- 1", "g.yaml: a grid holds `notebook: NAME` and `parameters: {name: [values]}`, not 1."),
        ("", "g.yaml: a grid holds `notebook: NAME`"),
        (
            "text,topic\n" + "a long line of text,x\n" * 500,
            "g.yaml: a grid holds `notebook: NAME` and `parameters: {name: [values]}`, not "
            "'text,topic a long line of text,x a long line of text,x a l….",
        ),
        (
            "notebook: '01'\nparameter: {}",
            "g.yaml: a grid has no key 'parameter'. Did you mean 'pa",
        ),
        ("parameters: {}", "g.yaml: the grid does not name its notebook."),
        ("notebook: 01_add_numbers", "There is no notebook '01_add_numbers'. Did you mean"),
        ("notebook: '0'", "'0' may mean 01_adds_numbers or 02_takes_a_while or 03_takes_more"),
        (
            "notebook: '01'\nparameters: {seed: 3}",
            "g.yaml: seed must be a list of the values to run, like [3], not 3.",
        ),
        ("notebook: '01'\nparameters: {seed: []}", "like […], not []."),
        ("notebook: '01'\nparameters: [seed]", "parameters must map names to lists of values."),
        (
            "notebook: '01'\nparameters: {sed: [1]}",
            "01_adds_numbers has no parameter 'sed'. Did you mean 'seed'?",
        ),
        (
            "notebook: '01'\nparameters: {numbers: [[1], [2, 0]]}",
            "01_adds_numbers: numbers must hold numbers in [1, inf), not 0.",
        ),
        (
            "notebook: '01'\nparameters: {corpus: [on]}",
            "01_adds_numbers: corpus must be text, not True (write -r corpus True for papermill, "
            "'True' in YAML).",
        ),
        ("notebook: '01'\nparameters:\n  seed: [1]\n  seed: [2]", "'seed' stands twice"),
        ("notebook: '01'\nseeds: 0", "g.yaml: seeds must be a whole number from 1, not 0."),
        ("notebook: '01'\nseeds: true", "g.yaml: seeds must be a whole number from 1, not True."),
        ("notebook: '01'\nretries: -1", "g.yaml: retries must be a whole number from 0, not -1."),
        ("notebook: '01'\ngpus: one", "g.yaml: gpus must be a whole number from 0, not 'one'."),
        ("notebook: '01'\nminutes: 0", "g.yaml: minutes must be above 0, not 0."),
        ("notebook: '01'\nminutes: soon", "g.yaml: minutes must be a number, not 'soon'."),
        ("notebook: '01'\nminutes: .inf", "g.yaml: minutes must be a number, not inf."),
        ("notebook: '01'\nseeds: 2\nparameters: {seed: [1]}", "g.yaml: seed is told twice; leave"),
        (
            "notebook: '01'\nparameters: {scale: [1]}\ntogether: {scale: [1]}",
            "g.yaml: scale is told twice; leave it in one place.",
        ),
        (
            "notebook: '01'\ntogether: {scale: [1, 2], seed: [1]}",
            "g.yaml: lists under `together` must be equally long; scale has 2, seed has 1.",
        ),
        ("notebook: '01'\ntogether: [1]", "g.yaml: together must map names to lists of values."),
        (
            "notebook: '01'\nparameters: {scale: {from: 1}}",
            "g.yaml: the range of scale must hold from, to and step, or from, to and points (p",
        ),
        ("notebook: '01'\nparameters: {scale: {}}", "(perhaps with scale: log), not nothing."),
        (
            "notebook: '01'\nparameters: {scale: {from: 1, to: 2, step: 0}}",
            "g.yaml: step of scale must be above 0, not 0.",
        ),
        (
            "notebook: '01'\nparameters: {scale: {from: 2, to: 1, step: 1}}",
            "g.yaml: the range of scale must rise, not go from 2 to 1.",
        ),
        (
            "notebook: '01'\nparameters: {scale: {from: 0, to: 1, points: 3, scale: log}}",
            "g.yaml: a range with scale: log must begin above 0, scale at 0.",
        ),
        (
            "notebook: '01'\nparameters: {scale: {from: 1, to: 2, points: 3, scale: cubic}}",
            "g.yaml: scale of scale must be linear or log, not 'cubic'.",
        ),
        (
            "notebook: '01'\nparameters: {scale: {from: 1, to: 2, points: 1}}",
            "g.yaml: points of scale must be a whole number from 2, not 1.",
        ),
        (
            "notebook: '01'\nparameters: {scale: {from: a, to: 2, points: 3}}",
            "g.yaml: from of scale must be a number, not 'a'.",
        ),
        (
            "notebook: '01'\nparameters: {seed: {from: 0, to: 1e9, step: 1}}",
            "g.yaml: the range of seed has 1,000,000,001 values.",
        ),
        (
            "notebook: '01'\nparameters:\n  seed: {from: 0, to: 999, step: 1}\n"
            "  scale: {from: 1, to: 9, points: 101}",
            "g.yaml: the grid has 101,000 runs; at most 100,000 can be planned.",
        ),
        (
            "notebook: '01'\nparameters: {scale: {from: 1, to: 11, step: 5}}",
            "01_adds_numbers: scale must be in (0, 10], not 11.0.",
        ),
        (
            "notebook: '04'\nseeds: 2",
            "g.yaml: 04_no_seeds has no parameter seed or seeds; leave `seeds` out.",
        ),
        ("notebook: !!python/object:os.system x", "g.yaml is not valid YAML: "),
    ],
)
def test_a_wrong_grid_gives_one_sentence(root, text, sentence):
    grid = root / "g.yaml"
    if text is not None:
        grid.write_text(text)
    with pytest.raises(UserError) as error:
        plan(grid=grid)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_range_has_both_ends(root):
    text = "notebook: '01'\nparameters: {scale: {from: 0.1, to: 0.5, step: 0.1}}"
    assert values(root, text, "scale") == [(0.1,), (0.2,), (0.3,), (0.4,), (0.5,)]
    text = "notebook: '01'\nparameters: {scale: {from: 1, to: 9, points: 3}}"
    assert values(root, text, "scale") == [(1.0,), (5.0,), (9.0,)]
    text = "notebook: '01'\nparameters: {scale: {from: 1e-3, to: 10, points: 5, scale: log}}"
    assert values(root, text, "scale") == [(0.001,), (0.01,), (0.1,), (1.0,), (10.0,)]


def test_whole_numbers_stay_whole(root):
    text = "notebook: '01'\nparameters: {seed: {from: 1, to: 100, points: 4, scale: log}}"
    assert values(root, text, "seed") == [(1,), (5,), (22,), (100,)]


def test_lists_together_are_not_crossed(root):
    text = (
        "notebook: '01'\nparameters: {verbose: [true, false]}\n"
        "together: {scale: [1, 2], numbers: [[1], [2]]}"
    )
    found = values(root, text, "verbose", "scale", "numbers")
    assert sorted(found) == [
        (False, 1.0, [1]), (False, 2.0, [2]), (True, 1.0, [1]), (True, 2.0, [2])
    ]  # fmt: skip


def test_seeds_are_numbered_and_limits_are_kept(root):
    text = (
        "notebook: '01'\nparameters: {scale: [1, 2]}\nseeds: 3\nretries: 2\nminutes: 1.5\ngpus: 1"
    )
    assert values(root, text, "seed") == [(0,), (1,), (2,)] * 2
    runs = plan(grid=root / "g.yaml")
    assert {(run.retries, run.minutes, run.gpus) for run in runs} == {(2, 1.5, 1)}
    bare = plan("quick")[0]
    assert (bare.retries, bare.minutes, bare.gpus) == (0, None, 0)
    assert bare.digest in {run.digest for run in runs}  # limits do not make it another run


@given(st.text())
def test_any_text_is_a_grid_or_a_sentence(text):
    content = {"notebook": text, "parameters": {text: [1]}}
    with tempfile.TemporaryDirectory() as folder:
        for written in (text, yaml.safe_dump(content)):
            path = Path(folder) / "g.yaml"
            path.write_text(written, encoding="utf-8", errors="replace")
            with pytest.raises(UserError) as error:
                read_grid(path)
            assert "\n" not in str(error.value)
