"""The layout is a promise: rooms, small modules, tests that mirror them, pins that agree."""

import ast
import itertools
import re
import subprocess
import sys
import time
from pathlib import Path

import grimp
import pytest
import yaml

from helpers import ROOT

MODULES = sorted(path for path in (ROOT / "helpers").rglob("*.py") if path.name != "__init__.py")


def pins(lines):
    return {m[1]: m[2] for line in lines if (m := re.match(r"([A-Za-z0-9_.-]+)==(\S+)", line))}


def requirements(name="requirements.txt"):
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def test_conda_and_pip_give_the_same_environment():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (listed,) = (one["pip"] for one in environment["dependencies"] if isinstance(one, dict))
    assert pins(listed) == pins(requirements())
    assert "-c constraints.txt" in listed and "-e ." in listed


def test_constraints_hold_every_pin():
    def normal(name):
        return {k.lower().replace("_", "-"): v for k, v in pins(requirements(name)).items()}

    assert normal("requirements.txt").items() <= normal("constraints.txt").items()


@pytest.mark.parametrize("name", ["requirements.txt", "environment.yml"])
def test_every_dependency_says_what_it_is_for(name):
    silent = [line for line in requirements(name) if "==" in line and "  #" not in line]
    assert silent == []


def test_no_room_of_everything():
    assert not {path.stem for path in MODULES} & {"utils", "util", "common", "misc", "helpers"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_read_in_one_sitting(path):
    """A table of strategies may be longer: nobody reads it from end to end."""
    most = 330 if path.stem == "strategies" else 300
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most


def test_a_type_has_one_name_and_a_name_one_type():
    """Aliases of arrays and type variables are the same thing wherever they stand."""
    found = {}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            name = getattr(node, "name", None) if isinstance(node, ast.ClassDef) else None
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                arrays = re.match(r"npt\.|NDArray|TypeVar", ast.unparse(node.value))
                name = None if arrays else node.targets[0].id
            if name and re.fullmatch("[A-Z][a-z]+[A-Za-z]*", name):
                found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_docstrings_are_written_as_google_writes_them(path):
    foreign = r"^\s*(:(param|returns?|raises|type|rtype)\b|Errors:|Parameters\n\s*---)"
    assert not re.search(foreign, path.read_text(encoding="utf-8"), re.MULTILINE)


def test_plans_and_grids_stand_one_above_the_other():
    graph = grimp.build_graph("helpers")
    runs = [name for name in graph.modules if name.startswith("helpers.runs.")]
    both = [
        (one, other)
        for one, other in itertools.combinations(sorted(runs), 2)
        if graph.chain_exists(one, other) and graph.chain_exists(other, one)
    ]
    assert both == []


@pytest.mark.parametrize("name", ["settle", "power", "plain", "number", "summary"])
def test_words_that_were_doubled_mean_one_thing(name):
    found = [
        path
        for path in MODULES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert len(found) <= 1


def test_tests_mirror_the_helpers():
    rooms = {path.parent.relative_to(ROOT / "helpers") for path in MODULES} - {Path()}
    for room in rooms:
        assert list((ROOT / "tests" / room).glob("test_*.py")), f"no tests of helpers/{room}"


def test_import_is_light():
    code = "import sys, helpers; print(sorted({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    times = []
    for _ in range(3):
        start = time.perf_counter()
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        times.append(time.perf_counter() - start)
        assert found.stdout.strip() == "[]", found.stderr
    blank = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""])
    assert min(times) - (time.perf_counter() - blank) < 0.3


def test_files_of_slow_tests_are_begun_first(request):
    items = request.session.items
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    order = [path in slow for path in dict.fromkeys(item.path for item in items)]
    assert order == sorted(order, reverse=True)


def test_only_what_is_meant_lies_at_the_top():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()  # fmt: skip
    if not listed:
        pytest.skip("not a git checkout")
    folders = {Path(one).parts[0] for one in listed if "/" in one}
    assert folders == {".ci", ".github", "data", "helpers", "notebooks", "tests"}
