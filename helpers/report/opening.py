"""What a newcomer sees first: one experiment as a handful of bars, in words that need no course.

The experiment is notebook 06's: news texts sorted by topic with few labels, by the same network
pretrained and from scratch, and by word counts without any network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from helpers.runs.schema import Record

NOTEBOOK = "06_bert_finetuning"
ARMS = {
    "fine_tuned": "Pretrained network, fine-tuned",
    "frozen": "Pretrained network, left as it is",
    "tfidf": "Word counts alone (TF-IDF)",
    "from_scratch": "The same network from scratch",
    "majority": "Always the most frequent topic",
}
"""The ways of using the labels that are drawn, in words, in the order of the bars."""


@dataclass(frozen=True)
class Bar:
    """One way of using the labels: its name, and how many of 100 test texts it gets right."""

    arm: str
    name: str
    right: float


@dataclass(frozen=True)
class Opening:
    """The first picture of a report.

    Attributes:
        title: what it shows, in one sentence with the two numbers that matter.
        bars: the ways, best known first.
        caption: data, model, repetitions.
    """

    title: str
    bars: tuple[Bar, ...]
    caption: str


def opening(records: Sequence[Record]) -> Opening | None:
    """Return the first picture; None where these records do not hold its experiment, once.

    >>> opening([]) is None
    True
    """
    mine = [record for record in records if record.notebook == NOTEBOOK]
    if len(mine) != 1:  # a sweep over it has no one answer
        return None
    tested = [
        metric
        for metric in mine[0].metrics
        if metric.name == "accuracy"
        and metric.split == "test"
        and metric.labels is not None
        and metric.seed is not None
        and metric.value is not None
    ]
    counts = [
        {metric.labels for metric in tested if metric.strategy == arm and metric.labels}
        for arm in ("fine_tuned", "from_scratch")
    ]
    both = counts[0] & counts[1]
    if not both:
        return None
    labels = min(both)
    bars = []
    for arm, name in ARMS.items():
        found = [m.value for m in tested if m.strategy == arm and m.labels == labels]
        values = [value for value in found if value is not None]
        if values:
            bars.append(Bar(arm, name, 100 * fmean(values)))
    right = {bar.arm: bar.right for bar in bars}
    draws = len({metric.seed for metric in tested if metric.labels == labels})
    items = next((metric.n for metric in tested if metric.n), None)
    model, corpus = (mine[0].parameters.get(name, "?") for name in ("model", "corpus"))
    return Opening(
        title=(
            f"With {labels:,} labelled news texts a pretrained network sorts "
            f"{right['fine_tuned']:.0f} of 100 new ones rightly; the same network without "
            f"pretraining {right['from_scratch']:.0f}."
        ),
        bars=tuple(bars),
        caption=(
            f"Share of {items or 0:,} test texts ({corpus}) that is right, mean of {draws} draws "
            f"of {labels:,} labelled texts; network: {model}."
        ),
    )
