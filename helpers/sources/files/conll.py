"""CoNLL's lines: a word, perhaps other columns, its tag; an empty line ends a sentence.

A row is a document (``-DOCSTART-``), or a sentence where no document is marked.
"""

from pathlib import Path

from helpers import UserError
from helpers.sources.encoding import decode
from helpers.sources.rows import Format, Rows
from helpers.sources.tokens import TAGGED, lines


def read(path: Path, data: bytes) -> Rows:
    """Return the documents or sentences as tagged text, see :mod:`helpers.sources.tokens`.

    Raises:
        UserError: a line without a tag, or with one that is none.

    >>> read(Path("a.conll"), b"Elena NNP B-PER\\nlives VBZ O\\n\\nHi O\\n").values
    [{'tagged': 'Elena\\tB-PER\\nlives\\tO'}, {'tagged': 'Hi\\tO'}]
    """
    text = decode(path, data)
    documents = "-DOCSTART-" in text
    found: list[tuple[int, list[str]]] = []  # line, sentences
    sentence: list[str] = []
    start = 0
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        cells = line.split("\t") if "\t" in line else line.split()
        if cells and line.startswith("-DOCSTART-"):
            found.append((number, []))
        elif not line.strip():
            if sentence and documents and found:
                found[-1][1].append("\n".join(sentence))
            elif sentence:
                found.append((start, ["\n".join(sentence)]))
            sentence = []
        elif line.startswith("# "):  # a comment, as in newer releases
            continue
        elif len(cells) < 2:
            raise UserError(
                f"Line {number} of {path} has one column, '{cells[0][:40]}'; a word and its tag "
                "are needed."
            )
        else:
            start = start if sentence else number
            word, tag = cells[0].strip(), cells[-1].strip()
            sentence.append(lines([word], [tag], f"line {number} of {path.name}"))
    kept = [(number, sentences) for number, sentences in found if sentences]
    values = [{TAGGED: "\n\n".join(sentences)} for _, sentences in kept]
    return Rows(path.name, "line", [number for number, _ in kept], values)


FORMAT = Format((".conll", ".bio", ".iob", ".iob2"), read)
