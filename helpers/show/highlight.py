"""Named entities shown in their sentence: in colour, and with their type in words beside them.

Texts come from corpora and users, so they are shown as text, see :mod:`helpers.show.tables`.

CSS hooks of the HTML: ``p.entities`` around ``mark.entity`` with ``entity-per``, ``entity-loc``,
``entity-org``, ``entity-misc``, ``entity-time`` or ``entity-other``; the type is in ``small``.
"""

import html
from collections.abc import Iterable, Iterator, Sequence

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from helpers.show.tables import safe
from helpers.tasks.tags import Span, to_bio

COLOURS = {
    "PER": "#cfe3ff",
    "LOC": "#cdeccd",
    "ORG": "#ffe1b8",
    "MISC": "#ead6f7",
    "TIME": "#f9d5dc",
}
"""Background of each type: pale, so that the dark ink on it has a contrast of at least 7 to 1."""

OTHER = "#e4e6ea"
INK = "#1c1e21"

Shown = tuple[Sequence[str], Iterable[tuple[int, int, str]]]


def show(sentences: Iterable[Shown], caption: str) -> None:
    """Display sentences with their entities in a notebook: as HTML, and as text.

    ``sentences``: pairs of characters and spans, as :func:`highlight` takes them.

    >>> show([("江泽民在北京", [(0, 3, "PER"), (4, 6, "LOC")])], "January 1998")
    January 1998
    [江泽民 PER]在[北京 LOC]
    """
    rows = [(characters, list(spans)) for characters, spans in sentences]
    text = "\n".join([safe(caption), *(in_brackets(*row) for row in rows)])
    if not InteractiveShell.initialized():
        print(text)
        return
    page = "\n".join(
        [
            f"<p><strong>{html.escape(safe(caption))}</strong></p>",
            *(highlight(*row) for row in rows),
        ]
    )
    display({"text/html": page, "text/plain": text}, raw=True)


def highlight(characters: Sequence[str], spans: Iterable[tuple[int, int, str]]) -> str:
    """Return one paragraph of HTML in which every entity is coloured and names its type.

    Args:
        characters: a sentence: a string, or its characters.
        spans: start, end (behind the last character) and type of each entity.

    Raises:
        UserError: spans that overlap, are empty, or reach beyond the characters.

    >>> print(highlight("<b>北京", [(3, 5, "LOC")]))
    <p class="entities tex2jax_ignore mathjax_ignore" dir="auto">&lt;b&gt;<mark
    class="entity entity-loc" style="background-color:#cdeccd;color:#1c1e21">北京
    <small>LOC</small></mark></p>
    """
    out = []
    for piece, name in _pieces(characters, spans):
        text = html.escape(piece)
        if name:
            kind = name.lower() if name in COLOURS else "other"
            out.append(
                f'<mark class="entity entity-{kind}" '
                f'style="background-color:{COLOURS.get(name, OTHER)};color:{INK}">'
                f"{text} <small>{html.escape(safe(name))}</small></mark>"
            )
        else:
            out.append(text)
    return f'<p class="entities tex2jax_ignore mathjax_ignore" dir="auto">{"".join(out)}</p>'


def in_brackets(characters: Sequence[str], spans: Iterable[tuple[int, int, str]]) -> str:
    """Return the same as a line of text, for where there is no HTML.

    >>> in_brackets("在北京", [(1, 3, "LOC")])
    '在[北京 LOC]'
    """
    return "".join(
        f"[{piece} {safe(name)}]" if name else piece for piece, name in _pieces(characters, spans)
    )


def _pieces(
    characters: Sequence[str], spans: Iterable[tuple[int, int, str]]
) -> Iterator[tuple[str, str]]:
    """Yield the text of every piece and the type of the entity that it is, or ""."""
    found = sorted(Span(*span) for span in spans)
    to_bio(len(characters), found)  # refuses what does not lie in the text
    done = 0
    for start, end, name in [*found, Span(len(characters), len(characters), "")]:
        if start > done:
            yield safe("".join(characters[done:start])), ""
        if end > start:
            yield safe("".join(characters[start:end])), name
        done = end
