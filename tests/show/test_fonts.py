"""Chinese characters in figures are letters, not boxes, whatever fonts a machine has."""

import warnings

import pytest
from matplotlib.figure import Figure

from helpers.show import figures, fonts


def test_the_fonts_come_with_the_environment():
    for family in (fonts.MATHS, fonts.HAN):
        file = fonts.font_file(family)
        assert file is not None and file.stat().st_size > 100_000, f"{family}: `make setup`"


def test_chinese_in_a_figure_is_no_box():
    figures.style()
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.4, "迁移学习, transfer learning")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Glyph … missing from font(s) …"
        figures.png(figure)


def test_without_the_package_a_font_of_the_system_serves(monkeypatch):
    monkeypatch.setitem(fonts._CARRIERS, fonts.HAN, ("no_such_package", "x.ttf"))
    assert fonts.font_file(fonts.HAN) is None
    families = fonts.for_figures()
    assert families[0] == "DejaVu Sans" and len(families) <= 2


def test_a_page_without_its_font_is_refused_in_a_sentence(monkeypatch):
    from helpers import UserError
    from helpers.report.fonts import font_faces

    monkeypatch.setitem(fonts._CARRIERS, fonts.HAN, ("no_such_package", "x.ttf"))
    with pytest.raises(UserError, match="Noto Sans SC comes with no_such_package, which is miss"):
        font_faces("<p>此页无字体</p>")
