"""The summary of a sweep: one table of what was measured by the parameters that vary, one figure.

``python -m helpers sweep`` writes both to ``build/sweeps/<grid>``: ``summary.csv``, ``best.csv``
(the best settings first) and ``index.html``, which needs no network and no script.
"""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from helpers import ROOT
from helpers.base.files import write_atomically
from helpers.evaluation.intervals import seed_interval
from helpers.report.summary import key_of, main_measure
from helpers.runs.planned import PlannedRun
from helpers.runs.schema import Metric, load_record
from helpers.show import figures
from helpers.show.tables import safe, to_html

_TEMPLATES = Path(__file__).parent / "templates"
_OF_METRIC = ["metric", "split", "dataset", "model", "strategy", "labels"]
_COLUMNS = ["notebook", *_OF_METRIC, "value", "low", "high", "seeds"]
_MOST_PANELS = 4
_MOST_BEST = 10
_LESS_IS_BETTER = ("loss", "perplexity", "bits", "error", "flops", "seconds", "megabytes")


def varied(runs: Sequence[PlannedRun]) -> list[str]:
    """Return the parameters that differ between runs; a single seed is a repetition, not one."""
    names = dict.fromkeys(name for run in runs for name in run.values)
    values = {
        name: {json.dumps(run.values.get(name), sort_keys=True) for run in runs} for name in names
    }
    return [name for name in names if len(values[name]) > 1 and name not in ("seed", "record")]


def columns_of(runs: Sequence[PlannedRun]) -> list[str]:
    """Return the columns of the varied parameters, in their order.

    A parameter may be called what a measured number has too: the ``labels`` that a run was given
    are a list, those of a number are the count at which it was measured.
    """
    return [f"{name} (parameter)" if name in _COLUMNS else name for name in varied(runs)]


def table_by_setting(runs: Sequence[PlannedRun], root: Path = ROOT) -> pd.DataFrame:
    """Return a row for each measured number by setting: mean, interval over seeds, how many.

    Columns: the varied parameters, see :func:`columns_of`; notebook (if there are several), metric,
    split, dataset, model, strategy, labels; value, low, high (nan with one seed, unless the record
    knows better), seeds.
    Runs without a record are left out.
    """
    names = varied(runs)
    found: dict[tuple[Any, ...], list[Metric]] = {}
    for run in runs:
        path = run.file(".json", root)
        if not path.exists():
            continue
        setting = tuple(_plain(run.values.get(name)) for name in names)
        for metric in load_record(path).metrics:
            found.setdefault((*setting, run.name, *key_of(metric)), []).append(metric)
    rows = []
    for (*key, _), metrics in found.items():
        values = [metric.value for metric in metrics if metric.value is not None]
        known = metrics[0].interval
        low, high = (known.low, known.high) if known and len(values) == 1 else (np.nan, np.nan)
        if len(values) > 1:
            interval = seed_interval(values)
            low, high = interval.low, interval.high
        mean = float(np.mean(values)) if values else np.nan
        rows.append((*key, mean, low, high, len(values)))
    frame = pd.DataFrame(rows, columns=[*columns_of(runs), *_COLUMNS])
    return frame if frame["notebook"].nunique() > 1 else frame.drop(columns="notebook")


def main_metric(frame: pd.DataFrame) -> str:
    """Return the number that a figure shows: accuracy, or the first that was measured on a test.

    >>> main_metric(pd.DataFrame({"metric": ["flops", "f1"], "split": [None, "test"]}))
    'f1'
    """
    tested = frame.loc[frame["split"] == "test", "metric"]
    return main_measure((tested if len(tested) else frame["metric"]).tolist())


def best(frame: pd.DataFrame, parameters: Sequence[str], metric: str) -> pd.DataFrame:
    """Return the best settings, best first: parameters, what had that value, its interval.

    Of each setting the number that is best; a measure of loss or cost is better the less it is, but
    of one with its sign turned ("neg_bits_per_byte") more is better.
    The best of many is flattered by having been chosen: that is why the intervals stand beside it.

    >>> rows = [(0.1, "a", 0.5), (0.1, "b", 0.7), (0.2, "a", 0.6)]
    >>> frame = pd.DataFrame(rows, columns=["rate", "strategy", "value"]).assign(metric="f1")
    >>> best(frame, ["rate"], "f1").values.tolist()
    [[0.1, 'b', 0.7], [0.2, 'a', 0.6]]
    """
    chosen = frame[frame["metric"] == metric].dropna(subset="value")
    less = not metric.startswith("neg_") and any(word in metric for word in _LESS_IS_BETTER)
    chosen = chosen.sort_values("value", ascending=less, kind="stable")
    settings = [*parameters, *(["notebook"] if "notebook" in frame else [])]
    first = chosen.drop_duplicates(subset=settings).head(_MOST_BEST)
    return first.drop(columns="metric").dropna(axis="columns", how="all").reset_index(drop=True)


def draw_metric(frame: pd.DataFrame, parameters: Sequence[str], metric: str) -> Figure:
    """Draw ``metric`` over each parameter: a dot a setting, lines through the means."""
    figures.style()
    shown = frame[frame["metric"] == metric].assign(
        strategy=lambda rows: rows["strategy"].fillna(metric)
    )
    figure = Figure(figsize=(4.2 * min(len(parameters), _MOST_PANELS), 3.8))
    panels = figure.subplots(1, min(len(parameters), _MOST_PANELS), squeeze=False, sharey=True)[0]
    for ax, name in zip(panels, parameters, strict=False):
        figures.by_parameter(shown, name, "value", "strategy", ax)
    panels[0].set_ylabel(metric.replace("_", " "))
    handles, labels = panels[0].get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def write_summary(grid: Path, runs: Sequence[PlannedRun], root: Path = ROOT) -> Path:
    """Write the summary of a grid's runs, as far as they are done; return the page's path."""
    out = root / "build" / "sweeps" / grid.stem
    out.mkdir(parents=True, exist_ok=True)
    frame, names = table_by_setting(runs, root), columns_of(runs)
    write_atomically(out / "summary.csv", frame.map(_no_formula).to_csv(index=False))
    picture, metric, leading = "", "", ""
    if len(frame) and names:
        metric = main_metric(frame)
        ranked = best(frame, names, metric)
        write_atomically(out / "best.csv", ranked.map(_no_formula).to_csv(index=False))
        caption = f"The best settings by {metric.replace('_', ' ')}, each at its best"
        leading = to_html(ranked, caption)
        data = base64.b64encode(figures.png(draw_metric(frame, names, metric))).decode("ascii")
        picture = f"data:image/png;base64,{data}"
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    page = jinja2.Environment(loader=loader, autoescape=True).get_template("sweep.html.j2")
    css = (_TEMPLATES / "book.css").read_text(encoding="utf-8")
    missing = [run.label for run in runs if not run.file(".json", root).exists()]
    filled = frame.dropna(axis="columns", how="all") if len(frame) else frame
    table = to_html(filled, f"{len(frame)} measured numbers")
    text = page.render(
        generator="transfer learning, measured: sweep",
        css=Markup(css),  # noqa: S704 - our own file
        site=False,
        script_source="",
        title=safe(grid.name),
        runs=len(runs),
        missing=[safe(label) for label in missing],
        parameters=names,
        metric=metric.replace("_", " "),
        picture=picture,
        best=Markup(leading),  # noqa: S704 - escaped by to_html
        table=Markup(table),  # noqa: S704 - escaped by to_html
    )
    write_atomically(out / "index.html", text)
    return out / "index.html"


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else json.dumps(value, ensure_ascii=False)


def _no_formula(value: Any) -> Any:
    """Keep a spreadsheet from running a text as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
