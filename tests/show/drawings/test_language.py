"""Drawings of language models: nothing spills, and what is drawn is what the arms do."""

import pytest

from helpers.show.drawings import language
from helpers.show.drawings.canvas import spills


def words(drawing):
    return [text.get_text() for text in drawing.figure.axes[0].texts]


@pytest.mark.parametrize("draw", [language.shifted_labels, language.steps_of_arms])
def test_every_text_is_within_its_box_and_there_are_words_for_it(draw):
    drawing = draw()
    assert spills(drawing.figure) == []
    assert len(drawing.alt) > 60


def test_every_position_is_asked_for_the_token_after_it():
    drawn = words(language.shifted_labels())
    first = drawn.index("sees")
    seen, asked = drawn[first + 1 : first + 7], drawn[first + 8 : first + 14]
    assert seen == ["▮", "Oil", "rose", ".", "▮", "pad"]
    assert asked == [*seen[1:5], "–", "–"]


def test_the_joint_step_reads_both():
    drawn = words(language.steps_of_arms())
    at = drawn.index("joint (0 < λ < ∞)")
    assert drawn[at + 1 : at + 3] == ["source", "target"]
    at = drawn.index("two phases: preliminary")
    assert drawn[at + 1 : at + 3] == ["target", "last layer"]
