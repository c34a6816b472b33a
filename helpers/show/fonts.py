"""Fonts that come with packages of the environment: figures and pages look alike everywhere.

STIX Two Math has the signs of formulas, Noto Sans SC Chinese characters; both are under the SIL
Open Font License.
"""

import importlib.util
from pathlib import Path

from matplotlib import font_manager

MATHS, HAN = "STIX Two Math", "Noto Sans SC"
_CARRIERS = {
    MATHS: ("ziamath", "STIXTwoMath-Regular.ttf"),
    HAN: ("zhplot", "NotoSansSC-Regular.ttf"),
}

_ELSEWHERE = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "PingFang SC",
              "Microsoft YaHei", "SimHei")  # fmt: skip
"""Fonts of systems with Chinese characters, for where the package is missing."""


def font_file(family: str) -> Path | None:
    """Return the file of :data:`MATHS` or :data:`HAN`; None where its package is missing.

    >>> font_file(MATHS).name
    'STIXTwoMath-Regular.ttf'
    """
    carrier, name = _CARRIERS[family]
    package = importlib.util.find_spec(carrier)  # found, not imported: only its font is wanted
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "fonts" / name


def carrier_of(family: str) -> str:
    """Return the package that carries a font.

    >>> carrier_of(HAN)
    'zhplot'
    """
    return _CARRIERS[family][0]


def for_figures() -> list[str]:
    """Return the families that matplotlib takes letters from, those of Chinese ones last.

    The first call makes the font of the environment known to matplotlib.

    >>> for_figures()[0]
    'DejaVu Sans'
    """
    known = {font.name for font in font_manager.fontManager.ttflist}
    file = font_file(HAN)
    if HAN not in known and file is not None:
        font_manager.fontManager.addfont(file)
        known.add(HAN)
    return ["DejaVu Sans", *[family for family in (HAN, *_ELSEWHERE) if family in known][:1]]
