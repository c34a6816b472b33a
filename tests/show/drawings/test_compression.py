"""The drawing says what it shows, and its numbers are those of the method."""

import torch

from helpers.show.drawings.canvas import spills, svg
from helpers.show.drawings.compression import three_ways


def test_nothing_spills_and_equal_drawings_are_equal_text():
    drawn = three_ways()
    assert spills(drawn.figure) == []
    assert svg(*drawn) == svg(*three_ways())


def test_the_whole_numbers_are_those_of_its_weights():
    weights = torch.tensor([0.31, -0.84, 0.05])
    whole = (weights / (weights.abs().max() / 127)).round().int().tolist()
    words = [text.get_text() for text in three_ways().figure.axes[0].texts]
    assert [str(number) for number in whole] == ["47", "-127", "8"]
    assert {"0.31", "-0.84", "0.05", "47", "-127", "8"} <= {*words}
    assert "47, -127 and 8" in three_ways().alt
