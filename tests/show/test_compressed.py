import pytest

from helpers import UserError
from helpers.show.compressed import score_by_amount


def test_each_way_has_a_panel_with_its_points_between_the_two_lines():
    series = {"bits": [(8, 0.9), (4, 0.8)], "share of zeros": [(0.5, 0.85)]}
    figure = score_by_amount(series, whole=0.91, chance=0.4)
    assert [ax.get_xlabel() for ax in figure.axes] == list(series)
    for ax, points in zip(figure.axes, series.values(), strict=True):
        above, below, drawn = ax.lines
        assert list(zip(drawn.get_xdata(), drawn.get_ydata(), strict=True)) == points
        assert {*above.get_ydata()} == {0.91} and {*below.get_ydata()} == {0.4}
    legend = figure.axes[0].get_legend().get_texts()
    assert [one.get_text() for one in legend] == ["as it was", "nothing learned", "made smaller"]


@pytest.mark.parametrize("series", [{}, {"bits": []}])
def test_nothing_to_draw_is_a_sentence(series):
    with pytest.raises(UserError, match="needs points to draw"):
        score_by_amount(series, 0.9, 0.5)
