import pytest
from matplotlib.patches import Rectangle

from helpers import UserError
from helpers.show import parts

SHARES = {"full": [1.0, 1.0, 1.0], "lora": [0.0, 0.0065, 1.0]}
PLACES = ["embeddings", "layer 1", "head"]


def test_each_strategy_is_a_row_and_each_place_a_column():
    ax = parts.who_learns(SHARES, PLACES).axes[0]
    assert [one.get_text() for one in ax.get_xticklabels()] == PLACES
    assert [one.get_text() for one in ax.get_yticklabels()] == ["full", "lora"]
    assert len([one for one in ax.patches if isinstance(one, Rectangle)]) == 6


def test_what_learns_is_told_without_colour_too():
    ax = parts.who_learns(SHARES, PLACES).axes[0]
    assert [one.get_text() for one in ax.texts] == ["0.7%"]
    hatched = [bool(one.get_hatch()) for one in ax.patches]
    assert hatched == [False, False, False, False, True, False]
    colours = [one.get_facecolor() for one in ax.patches]
    assert colours[0] == colours[5] != colours[3] != colours[4]


def test_the_words_say_the_same():
    assert parts.in_words(SHARES, PLACES) == (
        "full: embeddings, layer 1, head; lora: a part of layer 1, head"
    )
    assert parts.in_words({"none": [0.0]}, ["head"]) == "none: nothing"


@pytest.mark.parametrize(
    ("shares", "says"),
    [({}, "at least one strategy"), ({"full": [1.0]}, "'full' has 1 shares, but there are 3")],
)
def test_what_cannot_be_drawn_is_a_sentence(shares, says):
    with pytest.raises(UserError, match=says):
        parts.who_learns(shares, PLACES)
