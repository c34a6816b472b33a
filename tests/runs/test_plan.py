import nbformat
import pytest

from helpers import UserError
from helpers.runs import notebooks, planned
from helpers.runs import plan as profiles
from helpers.runs.notebooks import (
    all_notebooks,
)
from helpers.runs.plan import plan
from helpers.runs.planned import plan_run


@pytest.fixture
def root(project, monkeypatch):
    for module in (notebooks, planned, profiles):
        monkeypatch.setattr(module, "ROOT", project.root)
    project.add("02_takes_a_while", "03_takes_more")
    return project.root


def test_quick_is_every_notebook_at_its_defaults(root):
    runs = plan("quick")
    assert [run.name for run in runs] == ["01_adds_numbers", "02_takes_a_while", "03_takes_more"]
    assert all(run.given == {} for run in runs)
    assert runs[0].label == "01_adds_numbers"


def test_the_profile_that_comes_with_the_project_fits_its_notebooks():
    assert {run.name for run in plan("full")} == {path.stem for path in all_notebooks()}


def test_full_takes_the_profile(root):
    first, second, _ = plan("full")
    assert first.given == {"numbers": [5]}
    assert first.label == "01_adds_numbers numbers=[5]"
    assert second.given == {}
    assert first.digest != plan("quick")[0].digest


def test_a_profile_may_give_a_notebook_several_settings(root):
    (root / "notebooks/profiles/full.yaml").write_text(
        "01_adds_numbers: [{numbers: [5]}, {numbers: [6], scale: 2}, {numbers: [5]}]"
    )
    runs = plan("full")
    assert [run.given for run in runs if run.name == "01_adds_numbers"] == [
        {"numbers": [5]},
        {"numbers": [6], "scale": 2.0},
    ]
    assert len(runs) == 4


def test_a_notebook_that_reads_records_gets_those_of_the_others(root):
    reads = nbformat.v4.new_notebook()
    source = 'records: list[str] = ["data/reference/quick"]  # what to judge by'
    reads.cells = [nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})]
    nbformat.write(reads, root / "notebooks" / "15_judges.ipynb")
    *others, last = plan("quick")
    assert last.values["records"] == [f"build/runs/{run.name}/{run.digest}.json" for run in others]
    assert last.label == "15_judges" and last.reads == [run.file(".json", root) for run in others]
    assert all(run.reads == [] for run in others)
    told = "15_judges: {records: [here.json]}"
    (root / "notebooks/profiles/full.yaml").write_text(told)
    assert plan("full")[-1].values["records"] == ["here.json"] and plan("full")[-1].reads == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1]", "full.yaml must map notebooks to their parameters."),
        ("01_add_numbers: {}", "full.yaml: there is no notebook '01_add_numbers'. Did you mean"),
        ("01_adds_numbers: 3", "full.yaml: 01_adds_numbers must map parameters to values, not 3."),
        ("01_adds_numbers: [{}, 3]", "01_adds_numbers must map parameters to values, not 3."),
        ("01_adds_numbers: {scale: 11}", "01_adds_numbers: scale must be in (0, 10], not 11.0."),
    ],
)
def test_a_wrong_profile_gives_one_sentence(root, text, sentence):
    (root / "notebooks/profiles/full.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        plan("full")
    assert sentence in str(error.value)
    with pytest.raises(UserError, match=r"There is no profile 'ful'. Did you mean 'full'?"):
        plan("ful")


def test_the_place_of_the_record_is_no_part_of_a_setting(root):
    notebook = root / "notebooks" / "01_adds_numbers.ipynb"
    assert plan_run(notebook, {"record": "x"}).digest == plan_run(notebook, {}).digest
