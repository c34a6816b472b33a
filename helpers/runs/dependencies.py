"""What a notebook depends on, worked out from the code: nothing is listed by hand."""

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grimp

from helpers import ROOT
from helpers.runs.parameters import code_cells

_MODULE = re.compile(r"\bhelpers(?:\.\w+)+")
_MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
ALWAYS = ("requirements.txt",)
"""Library versions are pinned here; every result depends on them."""

RESULTS = ("record", "out", "save_to", "save_bert_to")
"""Parameters that say where results go: what lies there is no input of the next run."""


def dependencies(notebook: Path | str) -> list[Path]:
    """Return the files that decide what ``notebook`` computes, sorted.

    They are the notebook, every module of `helpers` that it imports, directly or not, the
    pins of data and libraries, and the files under the root that the code names as
    ``ROOT / "data" / …``. A module that it does not import is not among them.
    """
    path = Path(notebook).resolve()
    trees = [_parse(source) for source in code_cells(path)]
    modules = _closure({name for tree in trees for name in imported(tree)})
    files = {path} | {found for name in ALWAYS if (found := ROOT / name).exists()}
    for tree in trees:
        files |= set(_named_files(tree))
    for module in modules:
        files |= _files_of_module(module)
    return sorted(files)


def module_dependencies(module: str) -> list[Path]:
    """Return the files of ``module`` and of all that it imports within `helpers`, sorted."""
    return sorted({file for module in _closure({module}) for file in _files_of_module(module)})


def named_inputs(values: Mapping[str, Any]) -> list[Path]:
    """Return the existing files that parameters name: a text file of one's own, a model folder.

    A checkpoint of the project is named by its folder's name alone, perhaps with a variant.

    >>> named_inputs({"corpus": "reuters-r8", "seeds": 3})
    []
    """
    texts = [
        text
        for name, value in values.items()
        for text in (value if isinstance(value, list) else [value])
        if name not in RESULTS and isinstance(text, str)
    ]
    places = [ROOT / text for text in texts if re.search(r"[/\\.]", text)]
    names = {text.partition(":")[0] for text in texts} - {""}
    own = ROOT / "data" / "checkpoints"
    places += [own / name for name in names if re.fullmatch(r"[\w-]+", name)]
    return sorted({file for place in places for file in _files_at(place)})


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names below `helpers` that a syntax tree imports or names in a string.

    >>> sorted(imported(ast.parse("from helpers.runs import record\\nimport numpy")))
    ['helpers.runs', 'helpers.runs.record']
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = _MODULE.findall(node.value)
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "helpers")


@functools.cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("helpers", cache_dir=None)


def _closure(names: Iterable[str]) -> set[str]:
    """Return the modules behind ``names``, their packages, and all that these import."""
    graph = _graph()
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in graph.modules and name not in found:
            found.add(name)
            waiting += graph.find_modules_directly_imported_by(name)
        parent = name.rpartition(".")[0]  # importing a.b.c runs a and a.b; a name may be a class
        if parent and parent not in found:
            waiting.append(parent)
    return found


@functools.cache
def _files_of_module(module: str) -> frozenset[Path]:
    base = ROOT.joinpath(*module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset({path, *_named_files(tree), *_files_beside(path, tree)})


def _files_beside(path: Path, tree: ast.AST) -> Iterator[Path]:
    """Yield what stands beside the module and is named in it: a style file, templates."""
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and re.fullmatch(r"[\w-]+(\.[\w-]+)*", text):
            found = _files_at(path.parent / text)
            yield from (file for file in found if file.suffix not in (".py", ".pyc"))


def _named_files(tree: ast.AST) -> Iterator[Path]:
    """Yield the files that ``ROOT / "data" / "x.yaml"`` and the like name in the code."""
    for node in ast.walk(tree):
        parts = _division(node)
        if len(parts) > 1 and parts[0] == "ROOT":
            place = ROOT.joinpath(*parts[1:])
            if place.is_relative_to(ROOT / "data") and place != ROOT / "data":
                yield from _files_at(place)


def _division(node: ast.AST) -> list[str]:
    """Return the parts of ``ROOT / "a" / "b"``; an empty list for anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and node.attr == "ROOT":
        return ["ROOT"]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        left = _division(node.left)
        if left and isinstance(node.right, ast.Constant) and isinstance(node.right.value, str):
            return [*left, node.right.value]
    return []


def _files_at(place: Path) -> Iterator[Path]:
    try:
        if place.is_file():
            yield place.resolve()
        elif place.is_dir() and (ROOT / "data/cache") not in (place, *place.parents):
            yield from (found.resolve() for found in place.rglob("*") if found.is_file())
    except (OSError, ValueError):  # a text that no file system takes for a name
        return


def _parse(source: str) -> ast.AST:
    """Parse a cell without its magics; of one that is no Python keep the modules it names."""
    try:
        return ast.parse(_MAGIC.sub(r"\1pass", source))
    except SyntaxError:
        return ast.parse(repr(source))
