from xml.etree import ElementTree

from helpers.show.drawings import canvas, translation


def test_the_row_of_a_pair_and_what_it_is_asked_for():
    figure, alt = translation.prompt_and_target()
    assert canvas.spills(figure) == []
    drawn = canvas.svg(figure, alt)
    words = [
        each.text for each in ElementTree.fromstring(drawn).iter() if each.tag.endswith("}text")
    ]
    assert [words.count(character) for character in "打开文件"] == [2] * 4
    assert words.count("no loss") == 3 and "loss" in alt
