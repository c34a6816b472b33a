"""Files that are whole or not there: written beside their place, then renamed."""

import contextlib
import os
import tempfile
from pathlib import Path

from helpers import UserError


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` so that no reader, and no kill, ever meets half of it.

    Raises UserError when the disk is full or the folder cannot be written to; what stood at
    ``path`` before then still stands.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise UserError(
            f"Cannot write {path}: {error.strerror or error}; free some space or name another "
            "place. Nothing half-written is left."
        ) from None
