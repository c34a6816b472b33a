"""Bytes to text: UTF-8 alone is read, and what else a file is in gets named."""

from pathlib import Path

import charset_normalizer

from helpers import UserError

_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_NAMES = {
    # Which of the Latin ones cannot be told from a few letters.
    "cp1252": "a code page of Windows such as 1252",
    "cp1251": "Windows-1251 (Cyrillic)",
    "gb18030": "GB18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "shift_jis": "Shift JIS (Japanese)",
    "euc_kr": "EUC-KR (Korean)",
}
_LOOKED_AT = 20_000
"""Bytes around the first strange one by which the encoding is guessed."""


def decode(path: Path, data: bytes) -> str:
    """Return the text of a file's bytes, without a mark of their order.

    Raises:
        UserError: they are not UTF-8; the sentence names what they seem to be.

    >>> decode(Path("a.csv"), "\\ufeffgrün".encode())
    'grün'
    """
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            raise UserError(
                f"{path} is {name}, which Excel calls Unicode text: save it as UTF-8 (in Excel "
                '"CSV UTF-8").'
            )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} is not UTF-8: byte {error.start} (line {line}) is 0x{data[error.start]:02x}; "
            f"save it as UTF-8{_seems(data, error.start)}."
        ) from None


def _seems(data: bytes, place: int) -> str:
    """Return ", it seems to be …", where enough of the text says so."""
    begin = data.rfind(b"\n", 0, max(place - _LOOKED_AT // 2, 0)) + 1
    end = data.find(b"\n", min(place + _LOOKED_AT // 2, len(data)))
    sample = data[begin : end if end > 0 else len(data)][: 4 * _LOOKED_AT]
    guess = charset_normalizer.from_bytes(sample, cp_isolation=list(_NAMES)).best()
    name = _NAMES.get(guess.encoding) if guess else None
    return f" (it seems to be {name})" if name and len(sample) >= 100 else ""
