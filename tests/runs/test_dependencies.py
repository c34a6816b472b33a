import ast

import pytest

from helpers import ROOT
from helpers.runs import dependencies as module
from helpers.runs.dependencies import dependencies, imported, module_dependencies, named_inputs

FIXTURES = ROOT / "tests" / "fixtures"


def names(files):
    return {str(file.relative_to(ROOT)) for file in files}


def test_a_notebook_depends_on_what_it_imports_and_no_more():
    found = names(dependencies(FIXTURES / "02_takes_a_while.ipynb"))
    assert found >= {
        "tests/fixtures/02_takes_a_while.ipynb",
        "helpers/__init__.py",
        "helpers/runs/__init__.py",
        "helpers/runs/record.py",
        "helpers/runs/schema.py",
        "data/claims.yaml",
        "requirements.txt",
    }
    assert not [name for name in found if "pipeline" in name or "transfer" in name]
    assert "data/catalog.yaml" not in found


def test_what_reads_the_catalogue_depends_on_it():
    found = names(module_dependencies("helpers.sources.catalog"))
    assert {"data/catalog.yaml", "helpers/sources/__init__.py"} <= found
    assert not [name for name in found if "cache" in name]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import helpers.runs.record as r", {"helpers.runs.record"}),
        ("import os, helpers", {"helpers"}),
        ("from helpers.runs import record", {"helpers.runs", "helpers.runs.record"}),
        (
            "def f():\n    from helpers.a.b import C",
            {"helpers.a.b", "helpers.a.b.C"},
        ),
        ("import_module('helpers.tasks.used')", {"helpers.tasks.used"}),
        ("import helpersome", set()),
        ("from numpy import array", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(code, expected):
    assert set(imported(ast.parse(code))) == expected


def test_magics_and_cells_that_are_no_python_do_not_hide_imports():
    magic = module._parse("%matplotlib inline\nif True:\n    !ls\nimport helpers.runs.record")
    assert "helpers.runs.record" in set(imported(magic))
    broken = module._parse("import helpers.runs.record\nthis is no python")
    assert "helpers.runs.record" in set(imported(broken))


def test_files_that_parameters_name_are_inputs(tmp_path):
    text = tmp_path / "news.csv"
    text.write_text("text\n")
    values = {"train_file": str(text), "corpus": "data", "hub": "a/b", "record": str(text)}
    assert named_inputs(values) == [text]
    assert named_inputs({"out": str(tmp_path), "save_to": str(tmp_path)}) == []  # results
    assert named_inputs({"models": [str(tmp_path), "x/" * 3000]}) == [text]
