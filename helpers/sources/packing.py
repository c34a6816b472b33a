"""Packed files to their bytes: what stands behind the ending of the format, ``.csv.gz`` say."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from helpers import UserError


def _unzip(path: Path, data: bytes) -> bytes:
    """Return the one file of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # What macOS puts beside each file is no text of the user's.
        names = [
            name
            for name in archive.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX/")
        ]
        if len(names) != 1:
            listed = f" ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})" if names else ""
            raise UserError(
                f"{path} holds {len(names)} files{listed}, and one is read: unpack it and name a "
                "file."
            )
        return archive.read(names[0])


def _ungzip(path: Path, data: bytes) -> bytes:
    return gzip.decompress(data)


def _unbz2(path: Path, data: bytes) -> bytes:
    return bz2.decompress(data)


def _unxz(path: Path, data: bytes) -> bytes:
    return lzma.decompress(data)


_UNPACK: dict[str, tuple[str, Callable[[Path, bytes], bytes]]] = {
    ".gz": ("gzip", _ungzip),
    ".bz2": ("bzip2", _unbz2),
    ".xz": ("xz", _unxz),
    ".zip": ("zip", _unzip),
}
PACKINGS = tuple(_UNPACK)
"""Endings of packed files."""

_DAMAGE = (OSError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_CUT_SHORT = ("end-of-stream", "ended before", "truncated")


def ending(path: Path) -> str:
    """Return the ending of a file's name in lower case, without that of its packing.

    >>> ending(Path("a.CSV.gz")), ending(Path("a.b.jsonl")), ending(Path("a"))
    ('.csv', '.jsonl', '')
    """
    name = path.name.lower()
    return Path(
        name.removesuffix(path.suffix.lower()) if path.suffix.lower() in PACKINGS else name
    ).suffix


def unpack(path: Path, data: bytes) -> bytes:
    """Return the bytes that a packed file holds, or those of any other file as they are.

    Raises:
        UserError: it is not what its ending says, is cut short, locked, or holds several files.

    >>> unpack(Path("a.txt"), b"as it is"), unpack(Path("a.txt.gz"), gzip.compress(b"packed"))
    (b'as it is', b'packed')
    """
    packed = path.suffix.lower()
    if packed not in _UNPACK:
        return data
    name, unpacked = _UNPACK[packed]
    try:
        return unpacked(path, data)
    except EOFError:
        raise UserError(f"{path} is cut short: its {name} stream ends too early.") from None
    except (RuntimeError, NotImplementedError):  # a password, or an unusual compression
        raise UserError(f"{path} is locked or packed unusually: unpack it first.") from None
    except _DAMAGE as error:
        if any(words in str(error).lower() for words in _CUT_SHORT):
            raise UserError(f"{path} is cut short: its {name} stream ends too early.") from None
        raise UserError(f"{path} is not a whole {name} file: {error}.") from None
