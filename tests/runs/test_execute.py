import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers import ROOT, UserError
from helpers.runs import execute as module
from helpers.runs.execute import CellError, execute, in_place, normalise
from helpers.runs.schema import load_record

FIXTURES = ROOT / "tests" / "fixtures"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the working directory must not matter
    return tmp_path / "out" / "nb.ipynb", tmp_path / "out" / "nb.json"


def listed(place):
    folder = place[0].parent
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_run_leaves_its_notebook_and_its_record(place):
    environment = dict(os.environ)
    execute(FIXTURES / "02_takes_a_while.ipynb", {"seed": "4"}, *place)
    assert listed(place) == ["nb.ipynb", "nb.json"]
    assert load_record(place[1]).parameters == {"seconds": 0.0, "seed": 4}
    done = nbformat.read(place[0], as_version=4)
    injected = [c for c in done.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert [cell.source.strip() for cell in injected] == ["# Parameters\nseed = 4"]
    assert str(place[0].parent) not in place[0].read_text()
    assert "papermill" not in done.metadata
    assert not any({"papermill", "execution"} & set(cell.metadata) for cell in done.cells)
    assert dict(os.environ) == environment


def test_what_a_kernel_leaves_in_its_temporary_folder_goes_with_the_run(place, tmp_path):
    notebook = nbformat.read(FIXTURES / "02_takes_a_while.ipynb", as_version=4)
    notebook.cells[3].source = "import tempfile\n\nprint(tempfile.mkdtemp())"
    nbformat.write(notebook, tmp_path / "02_takes_a_while.ipynb")
    execute(tmp_path / "02_takes_a_while.ipynb", {}, *place)
    done = nbformat.read(place[0], as_version=4)
    folder = Path(done.cells[3].outputs[0].text.strip())
    assert folder.parent.name.startswith("nb-") and not folder.parent.exists()


def test_bad_parameters_are_refused_before_a_kernel_starts(place, monkeypatch):
    monkeypatch.setattr(module, "_run_papermill", lambda *_: pytest.fail("a kernel started"))
    with pytest.raises(UserError, match=r"seconds must be in \[0, 60\], not 61"):
        execute(FIXTURES / "02_takes_a_while.ipynb", {"seconds": 61}, *place)
    with pytest.raises(UserError, match=r"has 0 code cells tagged `parameters`"):
        execute(FIXTURES / "has_no_parameters_cell.ipynb", {}, *place)
    assert listed(place) == []


@pytest.mark.parametrize(
    ("fixture", "kind", "part", "left"),
    [
        (
            "fails_with_a_sentence",
            UserError,
            "The file news.csv has no column 'text'; its columns are: a, b.",
            [],
        ),
        ("leaves_no_record", UserError, "leaves_no_record left no record: its last cell must", []),
        (
            "fails_with_a_bug",
            CellError,
            "fails_with_a_bug failed in cell [4] with ZeroDivisionError: division by zero\n"
            "The notebook as far as it came: ",
            ["nb.failed.ipynb"],
        ),
        ("dies_without_a_word", CellError, "was killed, perhaps for", ["nb.failed.ipynb"]),
    ],
)
def test_a_run_that_fails_leaves_no_record(place, fixture, kind, part, left):
    place[1].parent.mkdir()
    place[1].write_text("an older record")
    with pytest.raises(kind) as error:
        execute(FIXTURES / f"{fixture}.ipynb", {}, *place)
    assert part in str(error.value)
    assert "\x1b" not in str(error.value)
    assert listed(place) == left
    if fixture == "fails_with_a_bug":
        assert "so far" in (place[0].parent / "nb.failed.ipynb").read_text()


def test_runs_at_once_in_one_folder_do_not_meet(place, tmp_path):
    code = (
        "import sys; from helpers.runs.execute import execute;"
        f"execute({str(FIXTURES / '02_takes_a_while.ipynb')!r}, {{'seed': int(sys.argv[1])}},"
        "f'out/{sys.argv[1]}.ipynb', f'out/{sys.argv[1]}.json')"
    )
    jobs = [
        subprocess.Popen([sys.executable, "-c", code, str(seed)], cwd=tmp_path, stderr=-1)
        for seed in range(4)
    ]
    for seed, job in enumerate(jobs):
        assert (job.communicate(timeout=120)[1], job.returncode) == (b"", 0)
        assert load_record(tmp_path / "out" / f"{seed}.json").parameters["seed"] == seed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_kernel_that_is_not_there_is_told(place, tmp_path):
    notebook = nbformat.read(FIXTURES / "02_takes_a_while.ipynb", as_version=4)
    notebook.metadata.kernelspec.name = "julia-0.1"
    nbformat.write(notebook, tmp_path / "02.ipynb")
    with pytest.raises(CellError, match=r"kernel of 02 could not be used.*julia-0\.1"):
        execute(tmp_path / "02.ipynb", {}, *place)


def test_a_failure_before_the_last_rename_is_not_taken_for_done(place, monkeypatch):
    def crash(path, text):
        raise UserError("Cannot write: No space left on device.")

    monkeypatch.setattr(module, "write_atomically", crash)
    with pytest.raises(UserError, match="No space"):
        execute(FIXTURES / "02_takes_a_while.ipynb", {}, *place)
    assert listed(place) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "nb.ipynb", tmp_path / "file" / "nb.json"
    with pytest.raises(UserError, match=r"Cannot write to .*file"):
        execute(FIXTURES / "02_takes_a_while.ipynb", {}, *place)


def test_in_place_changes_outputs_only_and_gives_the_same_bytes_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    notebook = tmp_path / "02_takes_a_while.ipynb"
    shutil.copy(FIXTURES / notebook.name, notebook)
    before = nbformat.read(notebook, as_version=4)
    [(done, seconds)] = in_place([notebook])
    assert done == notebook
    assert seconds > 0
    after = nbformat.read(notebook, as_version=4)
    assert [(c.id, c.source, c.metadata) for c in after.cells] == [
        (c.id, c.source, c.metadata) for c in before.cells
    ]
    assert after.metadata == before.metadata
    counts = [cell.execution_count for cell in after.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert "Record closed: 3 numbers" in after.cells[-1].outputs[0].data["text/plain"]
    shipped = load_record(tmp_path / "data" / "reference" / "quick" / "02_takes_a_while.json")
    assert len(shipped.metrics) == 3
    text = notebook.read_bytes()
    list(in_place([notebook]))
    assert notebook.read_bytes() == text


def test_a_solution_is_executed_without_parameters_and_leaves_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    notebook = tmp_path / "notebooks" / "solutions" / "02_takes_a_while.ipynb"
    notebook.parent.mkdir(parents=True)
    made = nbformat.read(FIXTURES / "02_takes_a_while.ipynb", as_version=4)
    made.cells = [nbformat.v4.new_code_cell("print(1 + 1)")]
    nbformat.write(made, notebook)
    [(done, _)] = in_place([notebook])
    assert done == notebook
    assert nbformat.read(notebook, as_version=4).cells[0].outputs[0].text == "2\n"
    assert not (tmp_path / "data").exists()


def test_in_place_leaves_a_notebook_that_fails_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    notebook = tmp_path / "fails_with_a_bug.ipynb"
    shutil.copy(FIXTURES / notebook.name, notebook)
    text = notebook.read_bytes()
    with pytest.raises(CellError):
        list(in_place([notebook]))
    assert notebook.read_bytes() == text


def test_normalise_joins_the_pieces_of_a_stream():
    def stream(name, text):
        return nbformat.v4.new_output("stream", name=name, text=text)

    pieces = [stream("stdout", "a"), stream("stdout", "b"), stream("stderr", "c")]
    cell = nbformat.v4.new_code_cell("1", outputs=[*pieces, stream("stdout", "d")])
    cell.metadata = {"tags": [], "papermill": {}, "execution": {}, "mine": 1}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}, "papermill": {}})
    done = normalise(notebook)
    assert [output.text for output in done.cells[0].outputs] == ["ab", "c", "d"]
    assert done.cells[0].metadata == {"mine": 1}
    assert done.cells[0].id == cell.id
    assert done.metadata == {}
