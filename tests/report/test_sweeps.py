"""The summary of a sweep: means over seeds, what is missing, texts that are only texts."""

import numpy as np
import pandas as pd
import pytest

from helpers import ROOT
from helpers.evaluation.intervals import seed_interval
from helpers.report import sweeps
from helpers.runs.plan import plan
from helpers.runs.planned import PlannedRun
from helpers.runs.schema import Metric, load_record


@pytest.fixture
def runs(tmp_path):
    """Four settings of one notebook, two seeds each; the last run is missing."""
    model = load_record(ROOT / "data" / "reference" / "quick" / "02_linear_transfer.json")
    made = []
    for rate in (1e-4, 1e-2):
        for name in ("minilm", "<script>alert(1)</script>"):
            for seed in (0, 1):
                values = {"rate": rate, "corpus": name, "seed": seed, "same": 1}
                run = PlannedRun(ROOT / "notebooks" / "06_x.ipynb", values, values)
                made.append(run)
                if len(made) == 8:
                    continue
                metrics = [
                    Metric(name="accuracy", value=0.5 + 10 * rate + 0.1 * seed, seed=seed,
                           split="test", strategy=strategy, dataset="=1+1", n=10)
                    for strategy in ("full", "linear_probe")
                ]  # fmt: skip
                path = run.file(".json", tmp_path)
                path.parent.mkdir(parents=True, exist_ok=True)
                record = model.model_copy(update={"metrics": metrics, "claims": []})
                path.write_text(record.model_dump_json(), encoding="utf-8")
    return made


def test_what_varies_is_told_and_seeds_are_repetitions(runs, tmp_path):
    assert sweeps.varied(runs) == ["rate", "corpus"]
    frame = sweeps.table_by_setting(runs, tmp_path)
    assert len(frame) == 8 and list(frame["seeds"]) == [2] * 6 + [1] * 2
    first = frame.iloc[0]
    interval = seed_interval([0.501, 0.601])
    assert (first["value"], first["low"]) == (pytest.approx(0.551), pytest.approx(interval.low))
    assert np.isnan(frame.iloc[-1]["low"])


def test_a_number_over_all_seeds_is_no_further_seed(runs, tmp_path):
    for run in runs[:2]:
        path = run.file(".json", tmp_path)
        record = load_record(path)
        whole = record.metrics[0].model_copy(update={"seed": None, "value": 0.9})
        record = record.model_copy(update={"metrics": [*record.metrics, whole]})
        path.write_text(record.model_dump_json(), encoding="utf-8")
    frame = sweeps.table_by_setting(runs[:2], tmp_path)
    full = frame[frame["strategy"] == "full"]
    assert full["value"].tolist() == [pytest.approx(0.551), pytest.approx(0.9)]


def test_the_page_shows_texts_as_texts_and_names_what_is_missing(runs, tmp_path):
    page = sweeps.write_summary(tmp_path / "my_grid.yaml", runs, tmp_path)
    assert page == tmp_path / "build" / "sweeps" / "my_grid" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text
    assert "7 of 8 runs are done" in text and "Missing:" in text
    assert text.count("data:image/png") == 1
    table = pd.read_csv(page.with_name("summary.csv"))
    assert set(table["dataset"]) == {"'=1+1"} and len(table) == 8


def test_without_a_record_the_page_says_so(runs, tmp_path):
    text = sweeps.write_summary(tmp_path / "g.yaml", runs, tmp_path / "empty").read_text(
        encoding="utf-8"
    )
    assert "0 of 8 runs are done" in text and "data:image/png" not in text


def test_accuracy_is_drawn_over_every_parameter(runs, tmp_path):
    frame = sweeps.table_by_setting(runs, tmp_path)
    figure = sweeps.draw_metric(frame, ["rate", "corpus"], sweeps.main_metric(frame))
    left, right = figure.axes
    assert (left.get_xscale(), right.get_xscale()) == ("log", "linear")
    means = {
        line.get_label(): line.get_ydata() for line in left.lines if line.get_label()[0] != "_"
    }
    np.testing.assert_allclose(means["full"], [0.551, 0.625])
    assert len(figure.legends) == 1


def recorded(root, settings):
    """Runs of notebook 06 in which a parameter varies, with a number for each label count."""
    model = load_record(ROOT / "data" / "reference" / "quick" / "02_linear_transfer.json")
    made = []
    for setting in settings:
        run = PlannedRun(ROOT / "notebooks" / "06_x.ipynb", setting, setting)
        metrics = [
            Metric(name="accuracy", value=0.5 + labels / 1000, seed=0, split="test", n=10,
                   strategy="full", dataset="r8", model="minilm", labels=labels)
            for labels in (16, 64)
        ]  # fmt: skip
        path = run.file(".json", root)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = model.model_copy(update={"metrics": metrics, "claims": []})
        path.write_text(record.model_dump_json(), encoding="utf-8")
        made.append(run)
    return made


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("labels", [[16, 64], [32, 128]]),
        ("model", ["minilm", "minilm:2"]),
        ("strategy", ["full", "lora"]),
        ("dataset", ["r8", "r52"]),
        ("metric", ["accuracy", "f1"]),
        ("split", ["a", "b"]),
        ("seeds", [2, 3]),
        ("value", [0.1, 0.2]),
        ("notebook", ["a", "b"]),
    ],
)
def test_a_parameter_may_be_called_what_a_number_has_too(tmp_path, name, values):
    runs = recorded(tmp_path, [{name: value, "other": 1} for value in values])
    page = sweeps.write_summary(tmp_path / "g.yaml", runs, tmp_path)
    assert sweeps.columns_of(runs) == [f"{name} (parameter)"]
    assert "data:image/png" in page.read_text(encoding="utf-8")
    table = pd.read_csv(page.with_name("summary.csv"))
    shown = table[f"{name} (parameter)"].astype(str).unique().tolist()
    assert shown == [str(value) for value in values]
    assert set(table["labels"]) == {16, 64} and set(table["metric"]) == {"accuracy"}


def test_the_best_settings_come_first_with_their_intervals(runs, tmp_path):
    frame = sweeps.table_by_setting(runs, tmp_path)
    found = sweeps.best(frame, ["rate", "corpus"], "accuracy")
    assert found["rate"].tolist() == [0.01, 0.01, 1e-4, 1e-4]
    assert found.loc[0, "value"] == pytest.approx(0.65) and found.loc[0, "low"] < 0.65
    assert sweeps.best(frame.assign(metric="test_loss"), ["rate", "corpus"], "test_loss")[
        "value"
    ].is_monotonic_increasing
    minus = frame.assign(metric="neg_bits_per_byte", value=-frame["value"])  # higher is better
    found = sweeps.best(minus, ["rate", "corpus"], "neg_bits_per_byte")
    assert found["value"].is_monotonic_decreasing
    page = sweeps.write_summary(tmp_path / "g.yaml", runs, tmp_path)
    assert "The best settings by accuracy" in page.read_text(encoding="utf-8")
    assert len(pd.read_csv(page.with_name("best.csv"))) == 4


def test_the_grid_of_the_readme_gives_its_table_and_page(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    grid = tmp_path / "my_grid.yaml"
    grid.write_text(text.split("```yaml\n# my_grid.yaml\n")[1].split("```")[0], encoding="utf-8")
    planned = plan(grid=grid)
    assert len(planned) == 12 and {run.name for run in planned} == {"06_bert_finetuning"}
    runs = recorded(tmp_path, [run.values for run in planned])
    page = sweeps.write_summary(grid, runs, tmp_path).read_text(encoding="utf-8")
    assert "12 of 12 runs are done" in page and "labels (parameter)" in page
    assert page.count("data:image/png") == 1
