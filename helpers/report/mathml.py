"""Formulas that show with the network off: LaTeX to MathML, and a small maths font to go with it.

Browsers draw MathML themselves, so a page needs no JavaScript and no network; they need a font
with a MATH table, or brackets do not stretch. STIX Two Math (SIL Open Font License) comes with
ziamath; only the glyphs that a page uses are put into it.
"""

import base64
import functools
import html
import importlib.util
import io
import re
from collections.abc import Iterable
from pathlib import Path

import math_core
from fontTools import subset
from fontTools.ttLib import TTFont

from helpers import UserError

FONT_FAMILY = "STIX Two Math Report"

# The browser shows <mi>x</mi> as the italic letter at another code point, so the letters of the
# page alone would not do: the whole italic alphabets, Latin and Greek, are always in.
_ALWAYS = frozenset(
    [*range(0x20, 0x7F), *range(0x391, 0x3CA), *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)]
    + [ord(sign) for sign in "ℎ−′″√∑∏∫∂∇∞±×·⋅≤≥≠≈∈→‖…∣\u2061\u2062\u2063\ufe00ıȷ"]
)
_ENVIRONMENT = re.compile(r"\\begin\{(equation|align|gather|multline)\*?\}")


class Converter:
    r"""Turns the formulas of one notebook into MathML, numbering its equations in order.

    Errors: `UserError` that names the place and the formula, for LaTeX that math-core (0.9) does
    not know, such as ``\SI``, ``\ce`` or ``eqnarray``, and for a reference to no equation.

    >>> convert = Converter("06_bert_finetuning")
    >>> convert(r"\frac{1}{n}", block=False, where="cell c03")
    '<math><mfrac><mn>1</mn><mi>n</mi></mfrac></math>'
    >>> convert(r"\frac{1}{", block=False, where="cell c03")
    Traceback (most recent call last):
        ...
    helpers.UserError: 06_bert_finetuning, cell c03: the formula "\frac{1}{" cannot be shown: ...
    """

    def __init__(self, notebook: str) -> None:
        """Start the equation numbers of `notebook` at 1."""
        self._notebook = notebook
        # \widetilde and its kin vary a little between browsers; that is better than no formula.
        self._latex = math_core.LatexToMathML(fancy_error=False, allow_unreliable_rendering=True)

    def __call__(self, latex: str, *, block: bool, where: str) -> str:
        """Return the MathML of `latex`; `where` (the cell) is named if it cannot be shown."""
        shown = " ".join(latex.split())
        place = f'{self._notebook}, {where}: the formula "{shown}" cannot be shown'
        if not shown:
            raise UserError(f"{self._notebook}, {where}: there is an empty formula; remove it.")
        try:
            mathml = self._latex.convert_with_global_state(
                _no_formula_in_text(latex.strip()), displaystyle=block
            )
        except math_core.LatexError as error:
            reason = re.sub(r"^\d+: ", "", str(error)).rstrip(".")
            raise UserError(f"{place}: {reason}; write it with LaTeX that math-core knows.") from (
                error
            )
        if "(??)" in mathml:
            raise UserError(f"{place}: it refers to an equation that does not stand before it.")
        # A named entity of the HTML standard, which XML tools (the tests' among them) do not know.
        return mathml.replace("&ApplyFunction;", "\u2061")


def _no_formula_in_text(latex: str) -> str:
    r"""Return the same formula without formulas inside its words, which math-core does not know.

    >>> _no_formula_in_text(r"1 \text{ where $w_{i}$ is in $d$}")
    '1 \\text{ where }{w_{i}}\\text{ is in }{d}\\text{}'
    """
    parts, done = [], 0
    for begin in re.finditer(r"\\text\{", latex):
        if begin.start() < done:  # inside the one before
            continue
        depth, end = 1, begin.end()
        while depth and end < len(latex):
            depth += {"{": 1, "}": -1}.get(latex[end], 0) * (latex[end - 1] != "\\")
            end += 1
        words = re.split(r"(?<!\\)\$", latex[begin.end() : end - 1])
        if depth or len(words) % 2 == 0:  # unbalanced: math-core says so
            continue
        pieces = [
            f"{{{piece}}}" if place % 2 else rf"\text{{{piece}}}"
            for place, piece in enumerate(words)
        ]
        parts += [latex[done : begin.start()], *pieces]
        done = end
    return "".join([*parts, latex[done:]])


def split_latex(output: str) -> list[tuple[str, bool | None]]:
    r"""Split a ``text/latex`` output into (text, is a block formula; None: not a formula).

    >>> split_latex(r"$\displaystyle x^{2}$")
    [('x^{2}', True)]
    >>> split_latex(r"the loss $L$")
    [('the loss ', None), ('L', False)]
    >>> split_latex(r"\begin{align}a\end{align}")
    [('\\begin{align}a\\end{align}', True)]
    """
    text = output.strip()
    if not re.search(r"(?<!\\)\$", text):
        bare = re.fullmatch(r"\\[\[(](.*)\\[\])]", text, re.DOTALL)
        return [(bare[1] if bare else text, True)]
    parts: list[tuple[str, bool | None]] = []
    pattern = r"(?<!\\)(\$\$.+?(?<!\\)\$\$|\$.+?(?<!\\)\$)"
    for piece in re.split(pattern, text, flags=re.DOTALL):
        if not piece.strip():
            continue
        if not (piece.startswith("$") and piece.endswith("$") and len(piece) > 1):
            parts.append((piece, None))
            continue
        inner = piece.strip("$").strip()
        body = inner.removeprefix(r"\displaystyle").strip()
        block = piece.startswith("$$") or body != inner or bool(_ENVIRONMENT.match(body))
        parts.append((body, block))
    return parts


def font_face(pages: Iterable[str]) -> str:
    """Return the CSS rule with the font for the formulas in `pages` (HTML), as a data URI.

    No formula, no rule: ``font_face(["<p>text</p>"]) == ""``. About 45 kB otherwise; the
    same formulas give the same bytes.

    >>> font_face(["<p>text</p>"])
    ''
    >>> font_face(["<math><mi>x</mi></math>"])[:50]
    '@font-face{font-family:"STIX Two Math Report";src:'
    """
    signs: set[int] = set()
    for page in pages:
        for formula in re.findall(r"<math.*?</math>", page, re.DOTALL):
            signs |= {ord(sign) for sign in html.unescape(re.sub(r"<[^>]*>", "", formula))}
    return _face(frozenset(signs | _ALWAYS)) if signs else ""


@functools.lru_cache(maxsize=4)
def _face(signs: frozenset[int]) -> str:
    options = subset.Options()
    options.name_IDs = [0, 1, 2, 5, 13, 14]  # copyright and licence stay with the font
    options.layout_features = []  # ssty, redrawn letters for superscripts, would double the size
    options.notdef_outline = True
    options.hinting = False
    package = importlib.util.find_spec("ziamath")  # found, not imported: only its font is wanted
    if package is None or package.origin is None:
        raise UserError("The maths font comes with ziamath, which is missing: run `make setup`.")
    source = Path(package.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
    # recalcTimestamp would write today's date into the font: other bytes on every build.
    font = TTFont(io.BytesIO(source.read_bytes()), recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=signs)
    subsetter.subset(font)
    font.flavor = "woff"  # zlib; woff2 would need brotli
    file = io.BytesIO()
    font.save(file)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return (
        f'@font-face{{font-family:"{FONT_FAMILY}";'
        f'src:url(data:font/woff;base64,{data}) format("woff")}}'
    )
