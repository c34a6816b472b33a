"""Markdown and HTML from a notebook as HTML that can do nothing but be read.

Formulas become MathML, mermaid charts SVG. Everything else goes through an allow list, for texts
of data sets end up in tables and sentences, and a text may hold markup.
"""

import html
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import bs4
import nh3
from nbconvert.filters.markdown_mistune import (
    InvalidNotebook,
    IPythonRenderer,
    MarkdownWithMath,
)

from helpers import UserError
from helpers.report.mathml import Converter

# What we made ourselves (MathML, SVG) waits outside while the rest is cleaned; two code points of
# the private use area stand for it, and are taken out of every text that comes in.
_OPEN, _CLOSE = "\ue000", "\ue001"
_SLOT = re.compile(f"{_OPEN}(\\d+){_CLOSE}")

_TAGS = set(
    re.findall(
        r"\w+",
        "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption"
        " figure h1 h2 h3 h4 h5 h6 hr i img input kbd li mark ol p pre q s samp small span strong"
        " sub summary sup table tbody td tfoot th thead tr u ul var",
    )
)
_ATTRIBUTES = set(
    re.findall(
        r"\S+",
        "align alt aria-label checked class colspan dir disabled height href id lang open role"
        " rowspan scope span src start style tabindex title type width",
    )
)
# What goes with all that is in it; of other tags that are not allowed the text stays.
_DROPPED = re.findall(
    r"\w+",
    "script style iframe object embed template noscript svg math title textarea select xmp"
    " plaintext form video audio",
)
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*\Z")
_LINK = re.compile(r"(https?://|mailto:|#|[\w.-]+\.html(#|\Z))", re.IGNORECASE)

_LONG_FORMULA = 60
"""Characters of LaTeX from which a formula in a line may be wider than a phone."""


def _kept(tag: str, name: str, value: str) -> str | None:
    """Return the value of an attribute, or None where it has to go."""
    if name == "src":
        kept = tag == "img" and bool(_IMAGE.match(value))
    elif name == "href":
        kept = tag == "a" and bool(_LINK.match(value))
    elif tag == "input":  # task lists only
        kept = name in ("type", "checked", "disabled") and value in ("checkbox", "")
    else:
        kept = True
    return value if kept else None


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"*": _ATTRIBUTES},
    attribute_filter=_kept,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel=None,
    filter_style_properties={
        "text-align",
        "font-weight",
        "font-style",
        "width",
        "max-width",
        "overflow-x",
    },
)


def clean(markup: str, link: Callable[[str], str | None] = lambda url: url) -> str:
    """Return `markup` (HTML) with scripts, handlers, styles and foreign addresses taken out.

    `link` maps the target of a link to the one in the book, or to None where there is none: the
    words stay, the link goes. Tables can be scrolled, by keyboard too; an image from elsewhere
    becomes its alternative text.

    >>> clean('<b onclick="x()">bold</b><script>x()</script><img src="http://a.b/c.png" alt="A">')
    '<b>bold</b>A'
    """
    soup = bs4.BeautifulSoup(markup, features="html.parser")
    for element in soup.find_all(_DROPPED):
        element.decompose()
    for image in soup.find_all("img"):
        if not _IMAGE.match(str(image.get("src", ""))):
            image.replace_with(str(image.get("alt", "")))
    for anchor in soup.find_all("a", href=True):
        target = link(str(anchor["href"]))
        if target is None:
            anchor.unwrap()
        else:
            anchor["href"] = target
    # What scrolls is a group: regions, tens of them, would crowd the list of a page's landmarks.
    for region in soup.find_all("div", role="region"):
        region["role"] = "group"
    for lines in soup.find_all("pre"):  # long lines scroll, by keyboard too
        lines["tabindex"] = "0"
    for table in soup.find_all("table"):
        around = table.parent
        scrolls = around is not None and around.name == "div" and around.has_attr("tabindex")
        if table.find_parent("table") is None and not scrolls:
            caption = table.find("caption")
            label = " ".join(caption.get_text().split()) if caption else ""
            scroll = {"class": "scroll", "tabindex": "0", "role": "group"}
            table.wrap(soup.new_tag("div", attrs={**scroll, "aria-label": label or "Table"}))
    return _CLEANER.clean(str(soup))


def chart(source: str, name: str) -> str:
    """Return the mermaid chart `source` as inline SVG whose ids begin with `name`.

    Labels are SVG text, never HTML, so nothing in them is markup. ``accTitle:`` in the source is
    the alternative text.

    Raises:
        ValueError: where mermaid cannot read the source.

    >>> "<title" in chart("flowchart LR\\n accTitle: From source to target\\n A --> B", "c1")
    True
    """
    import mermaidx  # only where there is a chart: it warns of leaks at the end beside torch

    # Labels as SVG text have no bold; the words are what matters.
    source = re.sub(r"</?(b|i|em|strong)>", "", source)
    config = {
        "htmlLabels": False,
        "flowchart": {"htmlLabels": False},
        "handDrawnSeed": 1,  # rounded shapes go through a sketching library: same bytes every time
        "fontFamily": "system-ui, sans-serif",
        "securityLevel": "strict",
    }
    try:
        svg = mermaidx.Diagram(source, theme="neutral", config=config).svg()
    except RuntimeError as error:
        raise ValueError(re.sub(r"\s+", " ", str(error)).split(" Expecting ")[0]) from None
    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    root = ElementTree.fromstring(svg.replace("my-svg", name))  # noqa: S314 - mermaid's own output
    for parent in root.iter():
        for child in list(parent):
            if str(child.tag).rpartition("}")[2] in ("script", "foreignObject", "image"):
                parent.remove(child)
        for key in list(parent.attrib):
            local = key.rpartition("}")[2].lower()
            if local.startswith("on") or local in ("href", "src", "data-points"):
                del parent.attrib[key]
    # A wide chart can be scrolled on a phone, rather than shrink until nothing can be read.
    wide = f"{float(root.attrib['viewBox'].split()[2]):.0f}px"
    root.set("style", f"max-width: {wide}; min-width: min({wide}, 32rem)")
    root.set("role", "img")
    if "aria-labelledby" not in root.attrib:
        labels = [" ".join(text.itertext()).split() for text in root.iter() if "}text" in text.tag]
        words = "; ".join(" ".join(label) for label in labels if label)
        root.set("aria-label", f"Chart: {words}")
    return ElementTree.tostring(root, encoding="unicode")


class Prose(IPythonRenderer):
    """Renders the Markdown of one notebook, cell by cell, and collects its headings.

    Raises:
        UserError: naming notebook, cell and what cannot be shown.

    >>> Prose("01_derivation").render("**The loss** $L_s$", where="cell c01")
    '<p><strong>The loss</strong> <math><msub><mi>L</mi><mi>s</mi></msub></math></p>'
    """

    def __init__(
        self,
        notebook: str,
        *,
        path: str = "",
        link: Callable[[str], str | None] = lambda url: url,
    ) -> None:
        """Render for `notebook`, whose images lie beside `path`; `link` is as in `clean`."""
        super().__init__(escape=False, embed_images=bool(path), path=path)
        self.headings: list[tuple[int, str, str]] = []  # level, id, HTML
        self._notebook = notebook
        self._link = link
        self._convert = Converter(notebook)
        self._slots: list[tuple[str, str]] = []  # what we made, its source
        self._where = ""
        self._ids: dict[str, int] = {}
        self._charts = 0

    def render(self, markdown: str, *, where: str, attachments: dict | None = None) -> str:
        """Return Markdown as clean HTML."""
        self._where = where
        self.attachments = attachments or {}
        source = markdown.replace(_OPEN, "").replace(_CLOSE, "")
        first = len(self.headings)
        try:
            markup = MarkdownWithMath(renderer=self).render(source)
        except InvalidNotebook as error:
            raise UserError(f"{self._notebook}, {where}: {error}.") from None
        for place in range(first, len(self.headings)):
            level, anchor, text = self.headings[place]
            self.headings[place] = level, anchor, self._finish(text, inline=True)
        return self._finish(markup).strip()

    def formula(self, latex: str, *, block: bool, where: str) -> str:
        """Return a formula as MathML; a block can be scrolled where it is wider than the page."""
        mathml = self._convert(latex, block=block, where=where)
        # A span, for Markdown puts block formulas inside paragraphs.
        if not block and len(latex) <= _LONG_FORMULA:
            return mathml
        place = "formula" if block else "formula inline"
        return f'<span class="{place}" tabindex="0">{mathml}</span>'

    def chart(self, source: str, *, where: str) -> str:
        """Return a mermaid chart as a figure."""
        self._charts += 1
        try:
            svg = chart(source, f"chart-{self._charts}")
        except ValueError as error:
            first = source.strip().partition("\n")[0]
            raise UserError(
                f'{self._notebook}, {where}: the chart "{first}" cannot be drawn: {error}'
            ) from None
        return f'<div class="chart" tabindex="0">{svg}</div>'

    def _finish(self, markup: str, *, inline: bool = False) -> str:
        # A formula in an attribute (an image's alternative text) stays LaTeX: markup cannot go
        # there, and would break out of the quotes.
        soup = bs4.BeautifulSoup(markup, features="html.parser")
        for element in soup.find_all(True):
            for name, value in element.attrs.items():
                if isinstance(value, str) and _OPEN in value:
                    element[name] = _SLOT.sub(lambda slot: self._slots[int(slot[1])][1], value)
        if inline:  # in the table of contents: no links inside links
            for anchor in soup.find_all("a"):
                anchor.unwrap()
        markup = clean(str(soup), self._link)
        return _SLOT.sub(lambda slot: self._slots[int(slot[1])][0], markup)

    def _hold(self, made: str, source: str) -> str:
        self._slots.append((made, source))
        return f"{_OPEN}{len(self._slots) - 1}{_CLOSE}"

    # What mistune calls for each thing it finds.

    def block_math(self, body: str) -> str:
        """Return a formula between double dollars."""
        return self._hold(self.formula(body, block=True, where=self._where), body)

    def inline_math(self, body: str) -> str:
        """Return a formula between single dollars."""
        return self._hold(self.formula(body, block=False, where=self._where), body)

    def latex_environment(self, name: str, body: str) -> str:
        r"""Return a formula that begins with ``\begin{...}``."""
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def block_mermaidjs(self, code: str) -> str:
        """Return a mermaid chart."""
        return self._hold(self.chart(code, where=self._where), code)

    def heading(self, text: str, level: int, **attrs: object) -> str:
        """Return a heading that can be linked to by JupyterLab's own anchor."""
        words = _SLOT.sub(lambda slot: self._slots[int(slot[1])][1], text)
        plain = html.unescape(re.sub(r"<[^>]*>", "", words))
        anchor = re.sub(r"\s+", "-", re.sub("[<>\"'&]", "", plain).strip()) or "section"
        self._ids[anchor] = self._ids.get(anchor, 0) + 1
        if self._ids[anchor] > 1:
            anchor = f"{anchor}-{self._ids[anchor]}"
        self.headings.append((level, anchor, text))
        mark = f'<a class="anchor" href="#{anchor}" aria-label="Link to this section">¶</a>'
        return f'<h{level} id="{anchor}">{text} {mark}</h{level}>\n'
