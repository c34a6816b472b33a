"""Figures of evidence: what is drawn is what was given."""

import pytest

from helpers import UserError
from helpers.evaluation.calibration import reliability as bins_of
from helpers.evaluation.intervals import Interval
from helpers.show.evidence_figures import (
    pareto,
    reliability,
)

GAIN = Interval(0.2, 0.1, 0.3, 9, 0.95, "")


def texts(figure):
    return [one.get_text() for one in figure.axes[0].texts]


def test_reliability_draws_every_bin_with_its_items():
    found = bins_of([0.95, 0.9, 0.55], [1, 0, 1])
    ax = reliability(found, "probe").axes[0]
    assert ax.lines[1].get_xdata().tolist() == [0.55, 0.925]
    assert ax.lines[1].get_ydata().tolist() == [1.0, 0.5]
    assert texts(reliability(found)) == ["1", "2"]
    assert [one.get_text() for one in ax.get_legend().get_texts()] == ["calibrated", "probe"]


def test_the_pareto_figure_joins_what_nothing_surpasses_and_names_all():
    better = Interval(0.5, 0.4, 0.6, 9, 0.95, "")
    points = [("full", 4.0, better), ("low_rank", 1.0, GAIN), ("both_worse", 5.0, GAIN)]
    ax = pareto(points, "memory").axes[0]
    assert [one.get_text() for one in ax.get_legend().get_texts()] == [
        "full", "low rank", "both worse",
    ]  # fmt: skip
    front = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert [line.get_xdata().tolist() for line in front] == [[1.0, 4.0]]
    assert not ax.texts
    assert ax.get_xlabel() == "memory"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: reliability([]), "at least one bin"),
        (lambda: pareto([], "memory"), "at least one method"),
        (lambda: pareto([("a", 0.0, GAIN)], "memory"), "costs above 0"),
    ],
)
def test_nothing_to_draw_is_a_sentence(call, says):
    with pytest.raises(UserError, match=says):
        call()
