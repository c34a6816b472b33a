"""Learning curves out of a record: two strategies at the same label counts and seeds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers import UserError, nearest
from helpers.runs.schema import Record

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Scores of two strategies, paired: ``first`` and ``second`` are (seeds, label counts)."""

    labels: list[int]
    seeds: list[int]
    first: Floats
    second: Floats


def paired_curves(record: Record, first: str, second: str, measure: str = "accuracy") -> Curves:
    """Return what a record holds of two strategies at the label counts that both have.

    Raises:
        UserError: a strategy or measure that the record has not, fewer than two common label
            counts, or seeds that one of the two lacks somewhere (the curves are not paired).
    """
    scores: dict[str, dict[tuple[int, int], float]] = {}
    measures = set()
    for metric in record.metrics:
        measures.add(metric.name)
        if None in (metric.strategy, metric.labels, metric.seed, metric.value):
            continue
        if metric.name == measure:
            key = (metric.labels, metric.seed)
            scores.setdefault(str(metric.strategy), {})[key] = metric.value  # type: ignore[index,assignment]
    if measure not in measures:
        raise UserError(
            f"The record of {record.notebook} holds no {measure}.{nearest(measure, measures)}"
        )
    for name in (first, second):
        if name not in scores:
            raise UserError(
                f"The record of {record.notebook} has no {measure} of the strategy '{name}' by "
                f"labels and seed.{nearest(name, scores)}"
            )
    both = [{n for n, _ in scores[name]} for name in (first, second)]
    labels = sorted(both[0] & both[1])
    if len(labels) < 2:
        raise UserError(
            f"{first} and {second} have {len(labels)} label counts in common in the record of "
            f"{record.notebook}; a curve needs at least 2."
        )
    seeds = sorted({seed for name in (first, second) for n, seed in scores[name] if n in labels})
    for name in (first, second):
        for n in labels:
            missing = [seed for seed in seeds if (n, seed) not in scores[name]]
            if missing:
                raise UserError(
                    f"The curves are not paired: the record of {record.notebook} lacks seed "
                    f"{missing[0]} of {name} at {n} labels."
                )
    tables = [
        np.array([[scores[name][n, seed] for n in labels] for seed in seeds])
        for name in (first, second)
    ]
    return Curves(labels, seeds, *tables)
