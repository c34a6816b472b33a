"""Fonts inside a page: of a large font only the signs that the page shows, as a data URI.

A page must show its formulas and its Chinese words with the network off, on a machine that has no
font for them. The two fonts are those of :mod:`helpers.show.fonts`, under the SIL Open Font
License, which stays in a font's own name table.
"""

import base64
import functools
import html
import io
import re
from collections.abc import Sequence

from fontTools import subset
from fontTools.ttLib import TTFont

from helpers import UserError
from helpers.show import fonts as carried

MATHS = "STIX Two Math Report"
HAN = "Noto Sans SC Report"
_WHOLE = {MATHS: carried.MATHS, HAN: carried.HAN}

# The browser shows <mi>x</mi> as the italic letter at another code point, so the letters of the
# page alone would not do: the whole italic alphabets, Latin and Greek, are always in.
_ALWAYS = frozenset(
    [*range(0x20, 0x7F), *range(0x391, 0x3CA), *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)]
    + [ord(sign) for sign in "ℎ−′″√∑∏∫∂∇∞±×·⋅≤≥≠≈∈→‖…∣\u2061\u2062\u2063\ufe00ıȷ"]
)
# Chinese characters and what is written between them: ideographs, their punctuation, kana, bopomofo
# and the wide forms of Latin letters and digits.
_CHINESE = re.compile(
    "[\u2e80-\u2fdf\u3000-\u312f\u31a0-\u31ef\u3200-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uffef\U00020000-\U000323af]"
)


def chinese_in(text: str) -> frozenset[str]:
    """Return the Chinese characters in `text`, with their punctuation.

    >>> sorted(chinese_in("transfer learning (迁移学习)"))
    ['习', '学', '移', '迁']
    """
    return frozenset(_CHINESE.findall(text))


def font_faces(page: str) -> str:
    """Return the CSS rules with the fonts that `page` (HTML) needs, as data URIs; "" for none.

    A formula brings the maths font (about 45 kB), each Chinese character about 200 bytes of Noto
    Sans SC. The same page gives the same bytes.

    Raises:
        UserError: where the package that carries the font is missing.

    >>> font_faces("<p>text</p>")
    ''
    >>> font_faces("<math><mi>x</mi></math>")[:50]
    '@font-face{font-family:"STIX Two Math Report";src:'
    >>> font_faces("<p>迁移</p>").count("@font-face")
    1
    """
    return font_faces_of([page])[0]


def font_faces_of(pages: Sequence[str]) -> list[str]:
    """Return :func:`font_faces` of each page of a report: the same bytes in a fraction of the time.

    A font of thirty thousand signs is read once, for what all pages show, and cut from there.

    >>> pages = ["<p>迁</p>", "<p>移</p>"]
    >>> font_faces_of(pages) == [font_faces(page) for page in pages]
    True
    """
    shown = [{MATHS: _of_formulas(page), HAN: _chinese(page)} for page in pages]
    among = {family: frozenset[int]().union(*(each[family] for each in shown)) for family in _WHOLE}
    return [
        "".join(_face(family, signs, among[family]) for family, signs in each.items() if signs)
        for each in shown
    ]


def _of_formulas(page: str) -> frozenset[int]:
    formulas = "".join(re.findall(r"<math.*?</math>", page, re.DOTALL))
    signs = html.unescape(re.sub(r"<[^>]*>", "", formulas))
    return _ALWAYS.union(map(ord, signs)) if signs else frozenset()


def _chinese(page: str) -> frozenset[int]:
    return frozenset(map(ord, chinese_in(html.unescape(page))))


def _face(family: str, signs: frozenset[int], among: frozenset[int]) -> str:
    data = base64.b64encode(_cut(family, signs, among)).decode("ascii")
    return (
        f'@font-face{{font-family:"{family}";src:url(data:font/woff;base64,{data}) format("woff")}}'
    )


@functools.lru_cache(maxsize=64)
def _cut(family: str, signs: frozenset[int], among: frozenset[int]) -> bytes:
    """Return a font of ``signs``, cut from that of the signs ``among`` which they are."""
    source = _whole(family) if signs == among else _cut(family, among, among)
    options = subset.Options()
    options.name_IDs = [0, 1, 2, 5, 13, 14]  # copyright and licence stay with the font
    options.layout_features = []  # ssty, redrawn letters for superscripts, would double the size
    options.notdef_outline = True
    options.hinting = False
    # recalcTimestamp would write today's date into the font: other bytes on every build.
    font = TTFont(io.BytesIO(source), recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=signs)
    subsetter.subset(font)
    font.flavor = "woff"  # zlib; woff2 would need brotli
    small = io.BytesIO()
    font.save(small)
    return small.getvalue()


def _whole(family: str) -> bytes:
    whole = _WHOLE[family]
    file = carried.font_file(whole)
    if file is None:
        package = carried.carrier_of(whole)
        raise UserError(f"The font {whole} comes with {package}, which is missing: `make setup`.")
    return file.read_bytes()
