r"""One interface message and its translation, made clean: markup, shortcut letters, placeholders.

A message catalogue holds strings of a program, not sentences of a text. What belongs to the program
and not to the language is taken off both sides, or, where the two sides disagree about it, the
message is left out:

* **markup**: HTML tags are taken off (``<br>`` and the like become a space) and entities become
  their characters, where both sides hold the same tags;
* **accelerators**: the mark of a shortcut letter, ``&File`` or ``_File``, with its Chinese forms
  ``文件(&F)``, ``文件(_F)`` and ``文件(F)``;
* **placeholders** stay: ``{name}``, ``{0}``, ``{{ name }}``, ``${name}``, ``%s``, ``%d``, ``%.2f``,
  ``%(name)s``, ``%1``. They have to be the same on both sides, in any order;
* **code** (``{"toolbar": [...]}``) in a message is neither language: such messages are left out;
* white space: every run of it is one space.
"""

import html
import re

REASONS = {
    "fuzzy": "marked as a guess that nobody has checked",
    "empty": "no translation",
    "markup": "other HTML tags than the source",
    "placeholders": "other placeholders than the source",
    "equal": "the translation is the source",
    "not English": "no Latin letter in the source, or a Chinese one",
    "not Chinese": "no Chinese character in the translation",
    "code": "a brace that belongs to no placeholder, as in a sample of settings",
    "repeated": "the same pair once more",
    "other translation": "the source has another, more frequent translation",
    "near held-out": "a near duplicate of another corpus' validation or test source",
}
"""Why a message is left out, in the order in which it is asked."""

_NUMBER_FORM = r"[-#0+]*\d*(?:\.\d+)?[sdifegxrc]"
PLACEHOLDER = re.compile(
    r"\{\{\s*[\w.|]+\s*\}\}"  # {{ name }}
    r"|\$?\{[\w.]*(?:![rsa])?(?::[^{}\s]*)?\}"  # {name}, {0}, {:x}, ${name}
    rf"|%\([\w .]+\){_NUMBER_FORM}"  # %(name)s
    rf"|(?<!%)%{_NUMBER_FORM}(?![A-Za-z])"  # %s
    r"|(?<!%)%\d{1,2}(?!\d)"  # %1
)
_BREAKS = ("br", "p", "hr", "li", "ul", "ol", "div", "tr", "td", "th", "table", "pre")
_TAG = re.compile(
    r"<(/?)(a|abbr|b|big|code|em|font|h[1-6]|i|img|kbd|q|s|small|span|strong|sub|sup|tt|u"
    rf"|{'|'.join(_BREAKS)})\b[^<>]*>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|\w+);", re.IGNORECASE)
_CHINESE = re.compile(r"[\u3400-\u9fff]")
# The Chinese form stands at the end, before a colon or dots, 描述(_D)：, or at the beginning.
_SHORTCUT = re.compile(r"\s*[(（]([&_]?)([A-Za-z0-9])[)）](?=[\s:：.…。]*$)|^\([&_]([A-Za-z0-9])\)")
_MARK = re.compile(r"(?<![&\w])[&_](?=\w)|(?<=[^\W_])[&_](?=[^\W_])")


def placeholders(text: str) -> list[str]:
    """Return what a program puts values into, sorted; spaces inside ``{{ }}`` do not count.

    >>> placeholders("%(count)d of {total}: 100 % of {{ user.name }} and %1")
    ['%(count)d', '%1', '{total}', '{{user.name}}']
    """
    return sorted("".join(found.split()) for found in PLACEHOLDER.findall(text))


def without_placeholders(text: str) -> str:
    """Return the text with a space for every placeholder.

    >>> without_placeholders("Delete %s?")
    'Delete  ?'
    """
    return PLACEHOLDER.sub(" ", text)


def one_line(text: str) -> str:
    r"""Return the text with every run of white space as one space, none at the ends.

    >>> one_line("Back to\n  %s ")
    'Back to %s'
    """
    return " ".join(text.split())


def without_markup(text: str) -> tuple[str, list[str]]:
    """Return the text without HTML tags and entities, and the tags that there were, sorted.

    Only names that HTML has are tags: ``<name>`` in a command's usage stays. Tags that break lines
    are not listed, since a translation may break elsewhere.

    >>> without_markup("<b>Stop</b> &amp; exit<br>now <file>")
    ('Stop & exit now <file>', ['/b', 'b'])
    """
    tags = [(slash, name.lower()) for slash, name in _TAG.findall(text)]
    plain = _TAG.sub(lambda tag: " " if tag[2].lower() in _BREAKS else "", text)
    # Only with its semicolon: html alone would read "Run &current line" as "Run ¤t line".
    plain = _ENTITY.sub(lambda entity: html.unescape(entity[0]), plain)
    return plain, sorted(s + name for s, name in tags if name not in _BREAKS)


def without_accelerators(source: str, target: str) -> tuple[str, str]:
    """Return English source and Chinese target without the marks of their shortcut letters.

    In the source a mark is ``&``, or ``_`` before a capital letter, at the beginning of a word; or
    either of them anywhere, before the letter that the target names: ``E&xit``, ``退出(&X)``.
    "AT&T", ``file_name`` and ``__init__`` stay as they are.

    >>> without_accelerators("&File", "文件(&F)"), without_accelerators("Fi_nd:", "查找(_N)：")
    (('File', '文件'), ('Find:', '查找：'))
    >>> without_accelerators("AT&T file_name", "AT&T 的 file_name")
    ('AT&T file_name', 'AT&T 的 file_name')
    """
    found = _SHORTCUT.search(target)
    letter = ""
    if found and found[0].strip() not in source and (found[1] or (found[3] or found[2]).isupper()):
        letter = (found[3] or found[2]).casefold()
        target = target[: found.start()] + target[found.end() :]
    for mark in _MARK.finditer(source):
        before, after = source[: mark.start()], source[mark.end() :]
        begins = not before or before[-1] in " (/-"
        capital = mark[0] == "&" or after[0].isupper()
        if (begins and capital) or after[0].casefold() == letter:
            return before + after, target if letter else _unmarked(target, mark[0], after[0])
    return source, target


def _unmarked(target: str, mark: str, letter: str) -> str:
    """Take off the mark of a target that has it where the source has: _文件, or &D调试."""
    before, found, after = target.partition(mark)
    if not found or mark in after or not after[:1].isalnum():
        return target
    added = after[0].casefold() == letter.casefold() and _CHINESE.match(after[1:2])
    return before + (after[1:] if added else after)


def clean_message(source: str, target: str) -> tuple[str, str] | str:
    """Return a message as English and Chinese text, or the reason why it is left out.

    >>> clean_message("Open <b>{name}</b> ...", "打开 <b>{name}</b> ...")
    ('Open {name} ...', '打开 {name} ...')
    >>> [clean_message(*pair) for pair in [("Open {name}", "打开"), ("A", "A"), ("Yes", " ")]]
    ['placeholders', 'equal', 'empty']
    """
    if not target.strip():
        return "empty"
    (source, ours), (target, theirs) = without_markup(source), without_markup(target)
    if ours != theirs:
        return "markup"
    source, target = without_accelerators(one_line(source), one_line(target))
    source, target = one_line(source), one_line(target)
    if placeholders(source) != placeholders(target):
        return "placeholders"
    if source == target:
        return "equal"
    if not re.search("[A-Za-z]", without_placeholders(source)) or _CHINESE.search(source):
        return "not English"
    if not _CHINESE.search(target):
        return "not Chinese"
    return "code" if re.search("[{}]", without_placeholders(source + target)) else (source, target)
