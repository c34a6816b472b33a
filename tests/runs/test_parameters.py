import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import ROOT, UserError
from helpers.runs.parameters import check, check_against, parameters_hash, parse_cell

ADDS = ROOT / "tests" / "fixtures" / "01_adds_numbers.ipynb"
DECLARED = parse_cell(
    """
name: str = "a"  # any text
mode: str = "auto"  # where, {auto, cpu}
count: int = 3  # how many, [1, inf)
rate: float = 2e-5  # step (not a range), (0, 1)
flag: bool = False  # whether
sizes: list[int] = [16, 64]  # label counts, [2, 1_000]
rates: list[float] = [
    0.1,
    1,
]  # several, [0, 1]
names: list[str] = ["a"]  # several, {a, b c, 'd'}
depth: int = 6  # layers, {6, 12}
""",
    "nb",
)

GOOD = [
    ("count", "7", 7),
    ("count", " +7 ", 7),
    ("rate", "1e-3", 1e-3),
    ("rate", 0.5, 0.5),
    ("flag", "True", True),
    ("flag", "false", False),
    ("sizes", "[16, 64]", [16, 64]),
    ("sizes", "[2]", [2]),
    ("sizes", (2, 3), [2, 3]),
    ("sizes", [1000], [1000]),
    ("rates", "[1e-3, 1]", [1e-3, 1.0]),
    ("rates", [0, 1], [0.0, 1.0]),
    ("names", "[a, 'b c']", ["a", "b c"]),
    ("names", ["d"], ["d"]),
    ("name", "007", "007"),
    ("name", "", ""),
    ("mode", "cpu", "cpu"),
    ("depth", 12, 12),
]

BAD = [
    ("coun", 1, "nb has no parameter 'coun'. Did you mean 'count'?"),
    (
        "zzzzzz",
        1,
        "nb has no parameter 'zzzzzz'. Known: count, depth, flag, mode, name, names, rate, rates, "
        "sizes.",
    ),
    ("count", "many", "nb: count must be a whole number, not 'many'."),
    ("count", 3.0, "nb: count must be a whole number, not 3.0 (write 3)."),
    ("count", 3.5, "nb: count must be a whole number, not 3.5."),
    ("count", "1e3", "nb: count must be a whole number, not '1e3'."),
    ("count", True, "nb: count must be a whole number, not True."),
    ("count", None, "nb: count must be a whole number, not None."),
    ("count", [3], "nb: count must be a whole number, not [3]."),
    ("count", 0, "nb: count must be in [1, inf), not 0."),
    ("count", "-4", "nb: count must be in [1, inf), not -4."),
    ("rate", 0, "nb: rate must be in (0, 1), not 0.0."),
    ("rate", 1, "nb: rate must be in (0, 1), not 1.0."),
    ("rate", "fast", "nb: rate must be a number, not 'fast'."),
    ("rate", "nan", "nb: rate must be a number, not 'nan'."),
    ("rate", math.nan, "nb: rate must be a number, not nan."),
    ("rate", math.inf, "nb: rate must be a number, not inf."),
    ("rate", True, "nb: rate must be a number, not True."),
    ("rate", {"a": 1}, "nb: rate must be a number, not {'a': 1}."),
    ("flag", 1, "nb: flag must be true or false, not 1."),
    ("flag", "yes", "nb: flag must be true or false, not 'yes'."),
    ("name", 7, "nb: name must be text, not 7 (write -r name 7 for papermill, '7' in YAML)."),
    (
        "name",
        True,
        "nb: name must be text, not True (write -r name True for papermill, 'True' in YAML).",
    ),
    ("name", None, "nb: name must be text, not None."),
    ("name", ["a"], "nb: name must be text, not ['a']."),
    ("mode", "gpu", "nb: mode must be one of auto, cpu, not 'gpu'. Did you mean 'cpu'?"),
    ("mode", "zzz", "nb: mode must be one of auto, cpu, not 'zzz'."),
    ("depth", 7, "nb: depth must be one of 6, 12, not 7."),
    ("sizes", 16, "nb: sizes must be a list of whole numbers like [16, 64], not 16."),
    ("sizes", "16", "nb: sizes must be a list of whole numbers like [16, 64], not '16'."),
    ("sizes", "[16", "nb: sizes must be a list of whole numbers like [16, 64], not '[16'."),
    ("sizes", [], "nb: sizes must be a list of whole numbers like [16, 64], not an empty list."),
    ("sizes", "[]", "nb: sizes must be a list of whole numbers like [16, 64], not an empty list."),
    ("sizes", [16, 1], "nb: sizes must hold numbers in [2, 1_000], not 1."),
    ("sizes", [16, 1001], "nb: sizes must hold numbers in [2, 1_000], not 1001."),
    ("sizes", ["a"], "nb: sizes must hold whole numbers, not 'a'."),
    ("sizes", [[16]], "nb: sizes must hold whole numbers, not [16]."),
    ("sizes", [True], "nb: sizes must hold whole numbers, not True."),
    ("sizes", {"a": 1}, "nb: sizes must be a list of whole numbers like [16, 64], not {'a': 1}."),
    ("rates", [0.5, 2], "nb: rates must hold numbers in [0, 1], not 2.0."),
    ("names", ["e"], "nb: names must hold one of a, b c, d, not 'e'."),
    ("names", [1], "nb: names must hold texts, not 1."),
    ("count", "x" * 200, "nb: count must be a whole number, not '" + "x" * 58 + "…."),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_a_right_value_is_read_as_its_type(name, value, expected):
    read = check_against("nb", DECLARED, {name: value})[name]
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_a_wrong_value_gives_one_sentence(name, value, sentence):
    with pytest.raises(UserError) as error:
        check_against("nb", DECLARED, {name: value})
    assert str(error.value) == sentence


CELLS = [
    ("half: int = 4 // 2", "must be a literal in the parameters cell, not '4 // 2'"),
    ("a: int = 1\nb: int = a", "b must be a literal in the parameters cell, not 'a'"),
    ("a: str = f'{1}'", "must be a literal"),
    ("a: list[int] = list((1, 2))", "must be a literal"),
    ("a: int", "must be a literal in the parameters cell, not 'nothing'"),
    ("a = 1", "typed assignments only, like `seeds: int = 3  # draws, [1, inf)`, not `a = 1`"),
    ("import os", "typed assignments only"),
    ("a: int = 1\na: int = 2", "a is declared twice"),
    ("a: dict = {}", "a is annotated dict; a parameter is str, int, float, bool or a list"),
    ("a: int = 0  # n, [1, inf)", "the default of a must be in [1, inf), not 0"),
    ("a: int = '3'", "the default of a must be int, not '3'"),
    ("a: list[int] = []", "not an empty list"),
    ("a: int = 3  # n, [5, 1]", "has an empty range [5, 1]"),
    ("a: int = 3  # n, {3, many}", "has choices that are not of type int"),
    ("a: str = 'gpu'  # where, {auto}", "the default of a must be one of auto, not 'gpu'"),
    ("a: int = ", "is no valid Python"),
]


@pytest.mark.parametrize(("cell", "part"), CELLS)
def test_a_parameters_cell_holds_typed_literals_within_their_range(cell, part):
    with pytest.raises(UserError, match=r"^nb: ") as error:
        parse_cell(cell, "nb")
    assert part in str(error.value)


def test_help_and_range_are_read_from_the_comment():
    assert DECLARED["rate"].help == "step (not a range)"
    assert DECLARED["rate"].allowed.text == "(0, 1)"
    assert DECLARED["rates"].help == "several"
    assert DECLARED["rates"].annotation == "list[float]"
    assert DECLARED["flag"].allowed is None
    quoted = parse_cell('a: str = "x # [1, 2]"  # text with a hash')["a"]
    assert (quoted.default, quoted.help, quoted.allowed) == (
        "x # [1, 2]",
        "text with a hash",
        None,
    )


def test_check_fills_in_the_defaults():
    values = check(ADDS, {"numbers": "[5]"})
    assert values["numbers"] == [5]
    assert values["corpus"] == "tiny"
    assert list(values)[-1] == "record"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (None, "There is no notebook x.ipynb in "),
        ("", "is no notebook: it is not valid JSON"),
        ("[1]", "is no notebook: it has no list of cells"),
        ('{"cells": []}', "x.ipynb has 0 code cells tagged `parameters`; it must have one."),
    ],
)
def test_a_file_that_is_no_notebook_is_named(tmp_path: Path, text, part):
    path = tmp_path / "x.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as error:
        check(path, {})
    assert part in str(error.value)


def test_the_hash_names_the_setting_and_nothing_else():
    assert parameters_hash({"a": 1, "b": [2]}) == parameters_hash({"b": [2], "a": 1})
    assert parameters_hash({"a": 1}) != parameters_hash({"a": 2})


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=6,
)


@given(st.sampled_from(sorted(DECLARED)), json_like)
def test_any_value_is_taken_with_its_type_or_refused_in_one_line(name, value):
    try:
        read = check_against("nb", DECLARED, {name: value})[name]
    except UserError as error:
        assert str(error).startswith(f"nb: {name} must ")
        assert "\n" not in str(error)
        return
    kinds = {"str": str, "int": int, "float": float, "bool": bool}
    for one in read if DECLARED[name].many else [read]:
        assert type(one) is kinds[DECLARED[name].kind]
    assert json.loads(json.dumps(read, allow_nan=False)) == read
    assert check_against("nb", DECLARED, {name: read})[name] == read


@given(st.text())
def test_no_text_breaks_the_reading_of_a_list(text):
    for name in ("sizes", "names", "rates"):
        try:
            assert check_against("nb", DECLARED, {name: text})[name]
        except UserError as error:
            assert "\n" not in str(error)


@given(st.lists(st.integers(2, 1000), min_size=1))
def test_a_list_survives_the_command_line(sizes):
    assert check_against("nb", DECLARED, {"sizes": str(sizes)})["sizes"] == sizes
