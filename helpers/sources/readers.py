"""The user's own files to rows; the catalogue's have formats of their own (``formats``).

Which formats there are: :mod:`helpers.sources.files`, one module each; any of them may be packed
(:mod:`helpers.sources.packing`). Whatever is wrong with a file is told in one sentence, with the
line, item or row.
"""

from pathlib import Path

from helpers import UserError
from helpers.sources import packing
from helpers.sources.columns import choose_columns, columns, values_of
from helpers.sources.files import formats
from helpers.sources.rows import Rows

__all__ = [
    "SUFFIXES",
    "VERSION",
    "Rows",
    "choose_columns",
    "columns",
    "endings",
    "read_file",
    "read_pairs",
    "suffix_of",
    "values_of",
]

VERSION = 2
"""Raise it when a file is read otherwise than before: what was kept of it expires."""

_REFUSED = (".xlsx", ".xls", ".xlsm", ".ods")  # known, to be named in the refusal
SUFFIXES = tuple(sorted(formats().keys() - {*_REFUSED}))
"""Endings of files that are read, without those of packed ones."""

_ZIP, _GZIP, _OLD_EXCEL = b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0"
POINTER = b"version https://git-lfs"
"""How the note begins that git-lfs leaves in place of a large file."""


def endings() -> str:
    """Return in words what a file's name may end with."""
    return f"{', '.join(SUFFIXES)} (also packed: {', '.join(packing.PACKINGS)})"


def suffix_of(path: Path) -> str | None:
    """Return which of the known endings a name has, that of its packing included, if any.

    >>> suffix_of(Path("news.JSON.gz")), suffix_of(Path("news.txt"))
    ('.json.gz', None)
    """
    ending = packing.ending(path)
    if ending not in formats():
        return None
    packed = path.suffix.lower()
    return ending if packed == ending else ending + packed


def read_file(path: Path) -> Rows:
    """Return the rows of a user's file.

    Raises:
        UserError: a missing, empty, damaged or foreign file; see the module's docstring.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a file of texts ({', '.join(SUFFIXES)}).")
    if not path.exists():
        raise UserError(f"There is no file {path}.{address_hint(str(path))}")
    if suffix_of(path) is None:
        raise UserError(f"{path} does not end with one of {endings()}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    data = packing.unpack(path, data)
    if not data:
        raise UserError(f"{path} is empty.")
    ending = packing.ending(path)
    _check_beginning(path, data[:32], ending)
    if not data[:4096].strip() and not data.strip():
        raise UserError(f"{path} holds nothing but white space.")
    rows = formats()[ending].read(path, data)
    if not rows.values:
        raise UserError(f"{path} holds no items.")
    return rows


def address_hint(name: str) -> str:
    """Return what to do with an address, as the end of a sentence; "" for anything else.

    >>> address_hint("https://huggingface.co/datasets/fancyzhx/ag_news")
    ' An address is not read: write the hub id, fancyzhx/ag_news.'
    """
    if ":/" not in name:
        return ""
    _, _, on_hub = name.partition("huggingface.co/")
    parts = [part for part in on_hub.removeprefix("datasets/").split("/") if part]
    if len(parts) >= 2:
        return f" An address is not read: write the hub id, {parts[0]}/{parts[1]}."
    return " An address is not read: download the file first."


def _check_beginning(path: Path, data: bytes, ending: str) -> None:
    """Refuse a file that is something else than its name says, where its first bytes tell."""
    if data.startswith(POINTER):
        raise UserError(f"{path} is a git-lfs pointer, not the file: run `git lfs pull` first.")
    if ending in _REFUSED or ending in (".parquet", ".feather", ".arrow"):
        return
    if data.startswith((_ZIP, _OLD_EXCEL)):
        raise UserError(
            f"{path} is no {ending} file in spite of its name, but a workbook of Excel or a zip "
            'archive: save its sheet as "CSV UTF-8", or unpack it.'
        )
    if data.startswith(_GZIP):
        raise UserError(f"{path} is packed by gzip: name it {path.name}.gz.")


def read_pairs(path: Path, first: str, second: str) -> tuple[list[str], list[str]]:
    """Return two columns of texts of a user's file.

    Raises:
        UserError: what :func:`read_file` refuses, a column that is not there, an empty text.
    """
    rows = read_file(path)
    present = rows.columns
    if not {first, second} <= present.keys():
        raise UserError(
            f"{path} needs the columns {first} and {second}; its columns are "
            f"{', '.join(present) or 'none'}."
        )
    return columns(rows, first, None)[0], columns(rows, second, None)[0]
