"""The drawing of what rows are used for says what it shows."""

from helpers.delivery.choose import FOLDS
from helpers.show.drawings.canvas import spills, svg
from helpers.show.drawings.delivery import three_uses


def test_nothing_spills_and_equal_drawings_are_equal_text():
    drawn = three_uses()
    assert spills(drawn.figure) == []
    assert svg(*drawn) == svg(*three_uses())


def test_there_are_as_many_parts_as_folds():
    assert FOLDS == 5 and "five parts" in three_uses().alt
