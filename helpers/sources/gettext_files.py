"""Message catalogues as gettext keeps them, ``.po`` (text) or ``.mo`` (compiled), to messages.

The parser is Babel's. Of a message with a plural, the English plural and the Chinese form of many
are taken: Chinese has one form, and the English singular often lacks the number ("one file").
"""

import re
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.core import UnknownLocaleError
from babel.messages import mofile, pofile

from helpers import UserError

SUFFIXES = (".po", ".mo")
_LINE = re.compile(r'(?:msg(?:ctxt|id|id_plural|str(?:\[\d+\])?)\s+)?"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class Message:
    """A message as it stands in a catalogue; ``target`` is "" where it is not translated.

    ``origin`` names where it is from; ``fuzzy`` translations are guesses that nobody has checked
    (``.mo`` files hold none).
    """

    source: str
    target: str
    origin: str
    fuzzy: bool = False


def read_catalogue(path: Path, origin: str) -> list[Message]:
    """Return the messages of a ``.po`` or ``.mo`` file in its order, obsolete ones left out.

    Raises:
        UserError: no such file, or not such a format; with the line, for a ``.po``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        if path.suffix.lower() == ".mo":
            found = mofile.read_mo(BytesIO(data))
        else:
            # Obsolete entries go here already, their lines stay for the counting: the parser does
            # not know all that gettext writes in them.
            data = re.sub(rb"(?m)^#~[^\r\n]*", b"", data)
            _check_quotes(path, data)
            found = pofile.read_po(BytesIO(data), abort_invalid=True)
    except pofile.PoFileError as error:
        raise UserError(
            f"{path} is no valid message catalogue: line {error.lineno + 1}: {error}."
        ) from None
    except (OSError, ValueError, LookupError, struct.error, UnknownLocaleError) as error:
        raise UserError(
            f"{path} is no valid message catalogue: {str(error).rstrip('.') or 'damaged'}."
        ) from None
    return [
        Message(_last(message.id), _last(message.string), origin, message.fuzzy)
        for message in found
        if message.id  # the header has none
    ]


def _check_quotes(path: Path, data: bytes) -> None:
    """Refuse a line that is no whole string: the parser would cut letters off it, silently."""
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:  # the header names another encoding, or the parser will complain
        return
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and line[0] != "#" and not _LINE.fullmatch(line):
            raise UserError(
                f"{path} is no valid message catalogue: line {number} is no keyword with a string "
                f"in double quotes, {line[:40]!r}."
            )


def _last(forms: str | list[str] | tuple[str, ...] | None) -> str:
    """Return the only form, or the last of several: the plural."""
    if forms is None or isinstance(forms, str):
        return forms or ""
    return forms[-1] or ""
