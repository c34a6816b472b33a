"""Differences by several measures side by side: what decides alone is filled, in its colour."""

import pytest
from matplotlib.colors import to_hex

from helpers import UserError
from helpers.evaluation.bounds import Interval
from helpers.show.measures import side_by_side


def gain(value, half=0.04):
    return Interval(value, value - half, value + half, 10, 0.95, "t over seeds", df=9)


def test_each_panel_has_a_line_for_each_comparison():
    rows = [("a − b", [gain(0.1), gain(-0.1)]), ("a − c", [gain(0.01), gain(0.2)])]
    figure = side_by_side(rows, ["accuracy", "recall"], 0.01)
    assert [ax.get_title() for ax in figure.axes] == ["accuracy", "recall"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a − b", "a − c"]
    points = [
        [line for line in ax.lines if line.get_marker() not in ("None", "")] for ax in figure.axes
    ]
    assert [float(line.get_xdata()[0]) for line in points[0]] == [0.1, 0.01]
    looks = [(to_hex(p.get_color()), p.get_marker()) for each in points for p in each]
    blue, orange, grey = ("#0072b2", ">"), ("#d55e00", "<"), ("#555555", "o")
    assert looks == [blue, grey, orange, blue]


def test_no_comparison_and_a_missing_measure_are_refused():
    with pytest.raises(UserError, match="a difference by each measure"):
        side_by_side([], ["accuracy"], 0.01)
    with pytest.raises(UserError, match="a difference by each measure"):
        side_by_side([("a − b", [gain(0.1)])], ["accuracy", "recall"], 0.01)
