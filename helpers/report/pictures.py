"""Pictures of a notebook as a page carries them: the same pixels in a third of the bytes."""

import base64
import binascii
import io
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

_WORTH_IT = 2_000
"""Bytes from which a picture is written anew."""


@dataclass(frozen=True)
class Picture:
    """A picture for a page: MIME type, base64, and its size in pixels (0 where it has none)."""

    kind: str
    data: str
    width: int = 0
    height: int = 0


def smaller(png: str) -> Picture:
    """Return a PNG (base64) as the smaller of itself and lossless WebP.

    Every browser since 2020 shows WebP. What is no picture is returned as it came: the browser
    shows its alternative text.

    >>> import base64, io
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.effect_noise((300, 200), 50).save(file, "PNG")
    >>> found = smaller(base64.b64encode(file.getvalue()).decode("ascii"))
    >>> found.kind, found.width, found.height
    ('image/webp', 300, 200)
    >>> smaller("AAAA")
    Picture(kind='image/png', data='AAAA', width=0, height=0)
    """
    try:
        raw = base64.b64decode(png)
        file = io.BytesIO()
        with Image.open(io.BytesIO(raw)) as picture:
            width, height = picture.size
            if len(raw) >= _WORTH_IT:
                picture.save(file, "WEBP", lossless=True, quality=80, method=4)
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError):
        return Picture("image/png", png)
    if not 0 < len(file.getvalue()) < len(raw):
        return Picture("image/png", png, width, height)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture("image/webp", data, width, height)
