"""Formulas that show with the network off: LaTeX to MathML.

Browsers draw MathML themselves, so a page needs no JavaScript and no network; they need a font
with a MATH table, or brackets do not stretch: :mod:`helpers.report.fonts` puts it into the page.
"""

import re

import math_core

from helpers import UserError

_ENVIRONMENT = re.compile(r"\\begin\{(equation|align|gather|multline)\*?\}")


class Converter:
    r"""Turns the formulas of one notebook into MathML, numbering its equations in order.

    Raises:
        UserError: that names the place and the formula, for LaTeX that math-core (0.9) does not
            know, such as ``\SI``, ``\ce`` or ``eqnarray``, and for a reference to no equation.

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
