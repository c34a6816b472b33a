from helpers.show.drawings import canvas, strategies


def test_all_texts_fit_their_boxes():
    assert canvas.spills(strategies.small_parts().figure) == []


def test_it_is_vector_and_the_same_every_time():
    first, second = (canvas.svg(*strategies.small_parts()) for _ in range(2))
    assert first == second
    assert "<image" not in first


def test_what_learns_is_told_from_what_is_frozen_by_its_line():
    (axes,) = strategies.small_parts().figure.axes
    lines = [patch.get_linestyle() for patch in axes.patches if hasattr(patch, "get_boxstyle")]
    assert lines.count("--") == 3  # the matrix, the layer, and the key
    words = [text.get_text() for text in axes.texts]
    assert [word.split(":")[0] for word in words if "0 at first" in word] == ["B", "up"]
