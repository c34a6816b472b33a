"""What a notebook may be given: the cell tagged `parameters`, read without running it.

A parameters cell holds typed assignments of literals, each with a comment; a range may stand at
the end of the comment, as an interval or a choice, and holds for every element of a list::

    labels: list[int] = [16, 64]  # labelled training items to compare, [2, inf)
    device: str = "auto"  # where to compute, {auto, cpu, cuda, mps}
"""

import ast
import hashlib
import io
import json
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model

from helpers import UserError, nearest
from helpers.runs.ranges import READ, OneOf, Range, shortened, split_range

_KINDS = {"str": str, "int": int, "float": float, "bool": bool}
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
_PLURAL = {"str": "texts", "int": "whole numbers", "float": "numbers", "bool": "true or false"}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    ``kind`` is "str", "int", "float" or "bool", of the value or of each element of a list.
    """

    name: str
    kind: str
    many: bool
    default: Any
    help: str
    allowed: Range | OneOf | None

    @property
    def annotation(self) -> str:
        """Return the type as written."""
        return f"list[{self.kind}]" if self.many else self.kind

    def coerce(self, value: Any) -> Any:
        """Return ``value`` as this parameter's type; a ValueError says what would be right.

        Text is read as papermill's command line passes it ("[16, 64]", "1e-3"); everything
        else must have the type already. true is not a number here, and 3.0 no whole number.

        >>> Parameter("labels", "int", True, [16], "", None).coerce("[16, 64]")
        [16, 64]
        """
        value = _plain(value)
        if not self.many:
            return self._one(value, "must be")
        if isinstance(value, str):
            value = self._parse_list(value)
        if not isinstance(value, list | tuple):
            raise ValueError(f"must be {self._example()}, not {shortened(value)}.")
        if not value:
            raise ValueError(f"must be {self._example()}, not an empty list.")
        return [self._one(_plain(element), "must hold") for element in value]

    def _example(self) -> str:
        shown = self.default if self.many and self.default else ["…"]
        return f"a list of {_PLURAL[self.kind]} like {shortened(shown)}"

    def _parse_list(self, text: str) -> Any:
        try:
            parsed = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - plain texts, no objects
        except (yaml.YAMLError, ValueError, RecursionError):
            parsed = None
        return parsed if isinstance(parsed, list) else text

    def _one(self, value: Any, verb: str) -> Any:
        read = READ[self.kind](value)
        if read is None:
            words = (_PLURAL if self.many else _WORDS)[self.kind]
            raise ValueError(f"{verb} {words}, not {shortened(value)}{self._cure(value)}.")
        if self.allowed is not None and read not in self.allowed:
            raise ValueError(f"{verb} {self._word_for_range()}{self.allowed.refusal(read)}")
        return read

    def _word_for_range(self) -> str:
        return "numbers " if self.many and isinstance(self.allowed, Range) else ""

    def _cure(self, value: Any) -> str:
        if self.kind == "str" and isinstance(value, bool | int | float) and not self.many:
            return f" (write -r {self.name} {value} for papermill, '{value}' in YAML)"
        if self.kind == "int" and isinstance(value, float) and value.is_integer():
            return f" (write {int(value)})"
        return ""


def read_parameters(notebook: Path | str) -> dict[str, Parameter]:
    """Return the parameters that ``notebook`` declares, in order; nothing is executed.

    Raises UserError when the file is missing or no notebook, has not exactly one code cell
    tagged `parameters`, or that cell holds anything but typed literals within their range.
    """
    path = Path(notebook)
    cells = code_cells(path, tag="parameters")
    if len(cells) != 1:
        raise UserError(
            f"{path.name} has {len(cells)} code cells tagged `parameters`; it must have one."
        )
    return parse_cell(cells[0], path.stem)


def code_cells(notebook: Path | str, tag: str | None = None) -> list[str]:
    """Return the text of the code cells of ``notebook``, of those with ``tag`` where it is told.

    Raises UserError when the file is missing or no notebook.
    """
    return [
        "".join(cell.get("source", ""))
        for cell in _cells(Path(notebook))
        if cell.get("cell_type") == "code"
        and (tag is None or tag in cell.get("metadata", {}).get("tags", []))
    ]


def parse_cell(source: str, where: str = "parameters cell") -> dict[str, Parameter]:
    """Return the parameters declared in the text of a parameters cell.

    >>> found = parse_cell("rate: float = 2e-5  # step size, (0, 1)")["rate"]
    >>> found.default, found.help, found.allowed.text
    (2e-05, 'step size', '(0, 1)')
    >>> parse_cell("half: int = 4 // 2")
    Traceback (most recent call last):
    helpers.UserError: parameters cell: half must be a literal in the parameters cell, not '4 // 2'; derive values in the next cell.
    """  # noqa: E501
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise UserError(f"{where}: the parameters cell is no valid Python: {error}.") from None
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    parameters: dict[str, Parameter] = {}
    for statement in tree.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            raise UserError(
                f"{where}: the parameters cell holds typed assignments only, like "
                f"`seeds: int = 3  # draws, [1, inf)`, not `{ast.unparse(statement)}`."
            )
        comment = comments.get(statement.end_lineno or statement.lineno, "")
        parameter = _declare(statement, statement.target.id, comment, where)
        if parameter.name in parameters:
            raise UserError(f"{where}: {parameter.name} is declared twice.")
        parameters[parameter.name] = parameter
    return parameters


def model_of(name: str, parameters: Mapping[str, Parameter]) -> type[BaseModel]:
    """Return the strict pydantic model of these parameters; names not declared are refused."""
    fields: dict[str, Any] = {
        parameter.name: (
            Annotated[
                _type(parameter),
                BeforeValidator(partial(_validate, parameter)),
            ],
            parameter.default,
        )
        for parameter in parameters.values()
    }
    config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return create_model(name, __config__=config, **fields)


def check(notebook: Path | str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter of ``notebook``: ``values`` coerced, defaults for the rest.

    Raises UserError, one sentence, on a name that is not declared, a wrong type or a value out
    of range: which parameter, what was given, what would be right.
    """
    return check_against(Path(notebook).stem, read_parameters(notebook), values)


def check_against(
    name: str, parameters: Mapping[str, Parameter], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Check ``values`` as `check` does, against parameters that were read before.

    >>> check_against("06", parse_cell("seeds: int = 3  # draws, [1, inf)"), {"seeds": "5"})
    {'seeds': 5}
    >>> check_against("06", parse_cell("seeds: int = 3  # draws, [1, inf)"), {"seed": 5})
    Traceback (most recent call last):
    helpers.UserError: 06 has no parameter 'seed'. Did you mean 'seeds'?
    """
    for given in values:
        if given not in parameters:
            raise UserError(f"{name} has no parameter {given!r}.{nearest(str(given), parameters)}")
    try:
        return model_of(name, parameters)(**dict(values)).model_dump()
    except ValidationError as problem:
        first = problem.errors()[0]
        reason = first.get("ctx", {}).get("error", first["msg"])
        raise UserError(f"{name}: {first['loc'][0]} {reason}") from None


def parameters_hash(values: Mapping[str, Any]) -> str:
    """Return 12 hex digits that name this setting; `record`, where it is told, does not count.

    >>> parameters_hash({"seeds": 3}) == parameters_hash({"record": "x.json", "seeds": 3})
    True
    """
    kept = {name: value for name, value in values.items() if name != "record"}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _cells(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = [found.stem for found in path.parent.glob("*.ipynb")]
        hint = nearest(path.stem, known) if known else ""
        raise UserError(f"There is no notebook {path.name} in {path.parent}.{hint}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a notebook (.ipynb).") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is no notebook: it is not valid JSON ({error}).") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise UserError(f"{path} is no notebook: it has no list of cells.")
    return content["cells"]


def _declare(statement: ast.AnnAssign, name: str, comment: str, where: str) -> Parameter:
    written = ast.unparse(statement.annotation)
    many = written.startswith("list[") and written.endswith("]")
    kind = written[5:-1] if many else written
    if kind not in _KINDS:
        raise UserError(
            f"{where}: {name} is annotated {written}; a parameter is str, int, float, bool or a "
            "list of one of them."
        )
    given = ast.unparse(statement.value) if statement.value else "nothing"
    try:
        default = ast.literal_eval(statement.value or ast.Name(""))
    except (ValueError, TypeError, SyntaxError):
        raise UserError(
            f"{where}: {name} must be a literal in the parameters cell, not {given!r}; derive "
            "values in the next cell."
        ) from None
    try:
        help_text, allowed = split_range(comment, kind)
        parameter = Parameter(name, kind, many, default, help_text, allowed)
        coerced = parameter.coerce(default)
        if isinstance(default, str) != isinstance(coerced, str):
            raise ValueError(f"must be {written}, not {given}.")
    except ValueError as error:
        raise UserError(f"{where}: the default of {name} {error}") from None
    return Parameter(name, kind, many, coerced, help_text, allowed)


def _type(parameter: Parameter) -> Any:
    one: Any = _KINDS[parameter.kind]
    return list[one] if parameter.many else one


def _validate(parameter: Parameter, value: Any) -> Any:
    return parameter.coerce(value)


def _plain(value: Any) -> Any:
    """Turn a numpy scalar or array into what Python and JSON know."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    return value
