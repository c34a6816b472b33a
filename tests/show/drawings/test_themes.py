"""Every drawing of every theme: its words stay inside their boxes, and it says what it shows."""

import importlib
import inspect
import pkgutil
import typing

import pytest

from helpers.show import drawings
from helpers.show.drawings import canvas


def found():
    for module in pkgutil.iter_modules(drawings.__path__, f"{drawings.__name__}."):
        for name, function in inspect.getmembers(importlib.import_module(module.name)):
            local = inspect.isfunction(function) and function.__module__ == module.name
            if not local or name.startswith("_"):
                continue
            required = [p for p in inspect.signature(function).parameters.values()
                        if p.default is p.empty]  # fmt: skip
            if typing.get_type_hints(function).get("return") is canvas.Drawing and not required:
                yield pytest.param(function, id=f"{module.name.rsplit('.', 1)[1]}.{name}")


DRAWINGS = list(found())


def test_there_are_drawings():
    assert len(DRAWINGS) >= 6


@pytest.mark.parametrize("draw", DRAWINGS)
def test_words_fit_and_the_alternative_text_is_a_sentence(draw):
    made = draw()
    assert canvas.spills(made.figure) == []
    assert len(made.alt.split()) >= 10 and made.alt.endswith(".")
    assert canvas.svg(*made) == canvas.svg(*draw())
    assert made.figure.get_figwidth() == 6 and made.figure.get_figheight() <= 7
