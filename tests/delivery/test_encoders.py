"""Which encoder is tried where the user names none."""

import pytest

from helpers import UserError
from helpers.delivery import encoders
from helpers.delivery.encoders import encoders_for


@pytest.fixture
def resolved(monkeypatch):
    """Names that were looked for, none of them fetched."""
    names = []
    monkeypatch.setattr(encoders, "resolve", names.append)
    return names


def test_what_is_named_is_tried_once_each_and_looked_for_before_any_work(resolved):
    assert encoders_for(" minilm  gpt2-mini minilm:2 minilm ", {"CJK": 1.0}) == (
        ["minilm", "gpt2-mini", "minilm:2"],
        "",
    )
    assert resolved == ["minilm", "gpt2-mini", "minilm"]


@pytest.mark.parametrize(
    ("scripts", "name", "script"),
    [
        ({"LATIN": 1.0}, "minilm", ""),
        ({"LATIN": 0.5, "CJK": 0.5}, "minilm", ""),
        ({}, "minilm", ""),  # no letter at all
        ({"CJK": 0.7, "LATIN": 0.3}, "e5", "CJK"),
        ({"CYRILLIC": 0.9, "LATIN": 0.1}, "e5", "Cyrillic"),
    ],
)
def test_where_none_is_named_the_script_decides(resolved, scripts, name, script):
    names, why = encoders_for("", scripts)
    assert names == [name] and bool(why) == bool(script)
    if script:
        assert why == (
            f"Most letters are {script}: e5 is tried, which reads about a hundred languages."
        )
        assert resolved == ["e5"]


def test_where_it_cannot_be_had_the_other_is_tried_and_it_is_said(monkeypatch):
    def nothing(name):
        raise UserError("No network.")

    monkeypatch.setattr(encoders, "resolve", nothing)
    assert encoders_for("", {"CJK": 1.0}) == (
        ["minilm"],
        "Most letters are CJK, which minilm was not made for; e5, which reads about a hundred "
        "languages, could not be had. No network.",
    )
    with pytest.raises(UserError, match="No network"):
        encoders_for("e5", {"CJK": 1.0})  # what was asked for is not replaced
