import pytest

from helpers import UserError
from helpers.show.drawings.canvas import spills, svg
from helpers.show.drawings.replies import PAIRS, in_batch_negatives


@pytest.mark.parametrize("n", [2, 3, 4])
def test_every_pair_stands_in_the_drawing_and_nothing_spills(n):
    pairs = [*PAIRS, ("How are you?", "Fine, and you?")][:n]
    figure, alt = in_batch_negatives(pairs)
    assert spills(figure) == []
    text = svg(figure, alt)
    for pair in pairs:
        assert all(side in text for side in pair)
    for i in range(n):
        assert f">q{i + 1}<" in text and f">r{i + 1}<" in text
    assert text.count("<title>") == 1 and f"all {n * n} cosines" in alt


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_batch_that_does_not_fit_is_refused(n):
    with pytest.raises(UserError, match=rf"^The drawing holds 2 to 4 pairs, not {n}\.$"):
        in_batch_negatives([("a", "b")] * n)
