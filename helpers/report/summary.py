"""What the records of a report say, as tables: what was measured, what it took, on what.

Numbers that belong together (the same notebook, data, model, strategy, labels and setting, other
seeds) are one row: their mean with the least and the greatest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from helpers.runs.schema import Metric, Record
from helpers.show.numbers import (
    as_typed,
    date,
    duration,
    gigabytes,
    number,
    power_of_ten,
    with_interval,
)

_NOT_A_SETTING = {"seed", "record"}


@dataclass
class Table:
    """A table for the template; columns that say nothing are left out."""

    caption: str
    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool] = field(default_factory=list)


@dataclass
class Results:
    """What one notebook measured on test items, by its main measure, and everything else."""

    notebook: str
    main: Table | None
    rest: Table | None


def settings(records: Sequence[Record]) -> list[str]:
    """Return for each record what tells it from the other records of its notebook, "" for none."""
    texts = []
    for record in records:
        same_notebook = [other for other in records if other.notebook == record.notebook]
        names = [
            name
            for name, value in record.parameters.items()
            if name not in _NOT_A_SETTING
            and any(other.parameters.get(name) != value for other in same_notebook)
        ]
        texts.append(", ".join(f"{name} = {as_typed(record.parameters[name])}" for name in names))
    return texts


def results(records: Sequence[Record]) -> list[Results]:
    """Return the tables of each notebook that measured anything, accuracy first."""
    with_setting = list(zip(records, settings(records), strict=True))
    tables = []
    for notebook in sorted({record.notebook for record in records}):
        groups: dict[tuple, list[Metric]] = {}
        for record, setting in with_setting:
            if record.notebook != notebook:
                continue
            for metric in record.metrics:
                key = (*key_of(metric), setting)
                groups.setdefault(key, []).append(metric)
        tested = {key: group for key, group in groups.items() if group[0].split == "test"}
        names = list(dict.fromkeys(group[0].name for group in tested.values()))
        main_name = main_measure(names) if names else None
        main = {key: group for key, group in tested.items() if group[0].name == main_name}
        rest = {key: group for key, group in groups.items() if key not in main}
        tables.append(
            Results(
                notebook,
                _table(f"{main_name} on the test split".capitalize(), main, with_split=False),
                _table("Other measures", rest, with_split=True),
            )
        )
    return [table for table in tables if table.main or table.rest]


def main_measure(names: Sequence[str]) -> str:
    """Return the measure that is shown first: accuracy, or the first of the names.

    >>> main_measure(["loss", "accuracy"]), main_measure(["loss", "f1"])
    ('accuracy', 'loss')
    """
    return "accuracy" if "accuracy" in names else names[0]


def key_of(metric: Metric) -> tuple:
    """Return what numbers share that are one row: measure, split, data, model, strategy, labels.

    And whether they are over all seeds: such a number and those of single seeds are not the same.
    """
    return (
        metric.name,
        metric.split,
        metric.dataset,
        metric.model,
        metric.strategy,
        metric.labels,
        metric.seed is None,
    )


def _table(caption: str, groups: dict[tuple, list[Metric]], *, with_split: bool) -> Table | None:
    if not groups:
        return None
    columns = ["Measure", "Split", "Data", "Model", "Strategy", "Labels", "Setting", "Value", "n"]
    rows = []
    for key, group in groups.items():
        name, split, dataset, model, strategy, labels, _, setting = key
        texts = [name, split, dataset, model, strategy, number(labels), setting]
        counts = sorted({metric.n for metric in group if metric.n is not None})
        many = "–".join(number(count) for count in (counts[:1] + counts[1:][-1:])) or "–"
        rows.append([*(text or "–" for text in texts), _value(group), many])
    numeric = [False] * 5 + [True, False, True, True]
    # What is the same in every row is said once, above: the value stays in sight on a phone.
    same = [
        place
        for place, column in enumerate(columns)
        if column not in ("Measure", "Value") and len({row[place] for row in rows}) == 1
    ]
    constants = [
        f"{columns[place]} {rows[0][place]}"
        if columns[place] in ("Labels", "n")
        else rows[0][place]
        for place in same
        if rows[0][place] != "–" and (with_split or columns[place] != "Split")
    ]
    keep = [
        place
        for place, column in enumerate(columns)
        if place not in same and (with_split or column not in ("Measure", "Split"))
    ]
    return Table(
        f"{caption} ({', '.join(constants)})" if constants else caption,
        [columns[place] for place in keep],
        [[row[place] for place in keep] for row in rows],
        [numeric[place] for place in keep],
    )


def _value(group: list[Metric]) -> str:
    if len(group) == 1:
        return with_interval(group[0].value, group[0].interval)
    values = [metric.value for metric in group if metric.value is not None]
    if not values:
        return "–"
    mean, low, high = fmean(values), min(values), max(values)
    return f"{number(mean)} ({number(low)} to {number(high)}, {len(values)} runs)"


def costs(records: Sequence[Record]) -> Table:
    """Return what each record took, and the sum."""
    columns = ["Notebook", "Setting", "Time", "Peak memory", "GPU memory", "Tokens", "FLOPs"]
    rows = [
        [
            record.notebook,
            setting or "–",
            duration(record.cost.wall_seconds),
            gigabytes(record.cost.peak_memory_mb),
            gigabytes(record.cost.peak_gpu_memory_mb),
            number(record.cost.tokens) if record.cost.tokens else "–",
            power_of_ten(record.cost.flops) if record.cost.flops else "–",
        ]
        for record, setting in zip(records, settings(records), strict=True)
    ]
    total = duration(sum(record.cost.wall_seconds for record in records))
    most = gigabytes(max(record.cost.peak_memory_mb for record in records))
    rows.append(["All together", "–", total, f"at most {most}", "–", "–", "–"])
    keep = [0] + [at for at in range(1, 7) if any(row[at] != "–" for row in rows)]
    return Table(
        "What the notebooks took",
        [columns[place] for place in keep],
        [[row[place] for place in keep] for row in rows],
        [place > 1 for place in keep],
    )


def origin_of_records(records: Sequence[Record]) -> list[tuple[str, list[str]]]:
    """Return what the records were made with: each fact once, in the records' order."""
    sources = [record.provenance for record in records]

    def each(values: Iterable[str | None]) -> list[str]:
        return list(dict.fromkeys(value for value in values if value))

    dates = sorted(source.started for source in sources)
    days = each(map(date, [dates[0], dates[-1]]))
    changed = " with changes not committed"
    several = len({source.git_commit for source in sources if source.git_commit}) > 1
    commits = [
        f"{source.git_commit[: 12 if several else None]}{changed if source.git_dirty else ''}"
        for source in sources
        if source.git_commit
    ]
    facts = [
        ("Run", [" to ".join(days)]),
        ("Commit", each(commits) or ["not known: the project was not a git checkout"]),
        ("Processor", each(f"{source.cpu}, {source.threads} threads" for source in sources)),
        ("Accelerator", each(source.gpu for source in sources) or ["none"]),
        ("System", each(source.platform for source in sources)),
        ("Python", each(source.python for source in sources)),
    ]
    return facts


def versions(records: Sequence[Record]) -> list[str]:
    """Return the package versions in the records, "name version"; where they differ, each."""
    found = {
        (name.lower(), f"{name} {version}")
        for record in records
        for name, version in record.provenance.packages.items()
    }
    return [text for _, text in sorted(found)]
