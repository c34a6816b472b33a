"""Separated values: what separates, how a file ends, columns without a name, open quotes."""

import bz2
import gzip
import io
import lzma
import time
import zipfile

import pytest

from helpers import UserError
from helpers.sources.readers import choose_columns, columns, read_file

TEXTS = ["red, with a comma", "green; and this", "blue | bar", 'a "quoted" word']
ROWS = [{"text": text, "label": "xy"[i % 2]} for i, text in enumerate(TEXTS)]


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"'


def table(mark, quote=quoted):
    return f"text{mark}label\n" + "".join(
        f"{quote(row['text'])}{mark}{row['label']}\n" for row in ROWS
    )


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_separates_is_read_off_the_header(tmp_path, mark, ends):
    text = table(mark).replace("\n", ends)
    assert read_file(written(tmp_path / "a.csv", text)).values == ROWS


def test_unquoted_commas_are_text_where_semicolons_separate(tmp_path):
    text = "text;label\nred, green, blue;x\none, two;y\n"
    found = read_file(written(tmp_path / "a.csv", text)).values
    assert found[0] == {"text": "red, green, blue", "label": "x"}


def test_a_header_with_two_marks_is_decided_by_the_lines(tmp_path):
    text = "text;label (a,b)\nred;a\ngreen, blue;b\n"
    assert list(read_file(written(tmp_path / "a.csv", text)).columns) == ["text", "label (a,b)"]


def test_a_single_column_may_hold_any_mark(tmp_path):
    text = "text\nred, green; blue\none|two\n"
    found = read_file(written(tmp_path / "a.csv", text))
    assert columns(found, "text", None)[0] == ["red, green; blue", "one|two"]


def test_excels_line_about_the_separator_is_no_header(tmp_path):
    assert read_file(written(tmp_path / "a.csv", "sep=;\n" + table(";"))).values == ROWS


@pytest.mark.parametrize("name", ["a.tsv", "a.tab", "A.TSV"])
def test_tabs_have_their_own_endings(tmp_path, name):
    assert read_file(written(tmp_path / name, table("\t"))).values == ROWS


def test_tabs_without_quoting_may_begin_with_a_quote(tmp_path):
    text = 'text\tlabel\n"Well\tx\nhe said "no"\ty\n'
    found = read_file(written(tmp_path / "a.tsv", text)).values
    assert [row["text"] for row in found] == ['"Well', 'he said "no"']


def zipped(data, *names):
    with zipfile.ZipFile(target := io.BytesIO(), "w") as archive:
        for name in names or ("inside.csv",):
            archive.writestr(name, data)
    return target.getvalue()


PACKED = [
    ("a.csv.gz", gzip.compress), ("a.csv.bz2", bz2.compress), ("a.csv.xz", lzma.compress),
    ("a.csv.zip", zipped), ("a.CSV.GZ", gzip.compress),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pack"), PACKED)
def test_packed_tables_are_read(tmp_path, name, pack):
    assert read_file(written(tmp_path / name, pack(table(",").encode()))).values == ROWS


def test_columns_without_a_name_are_left_out(tmp_path):
    text = "v1,v2,,,\n" + "".join(f"{'xy'[i % 2]},some words of text {i},,,\n" for i in range(12))
    rows = read_file(written(tmp_path / "a.csv", text))
    assert list(rows.columns) == ["v1", "v2"] and rows.notes == ()
    assert choose_columns(rows, "text", "label").texts == ("v2",)


def test_what_is_lost_in_columns_without_a_name_is_told(tmp_path):
    text = ",text,label,\n0,a,x,\n1,b,y,more\n"
    rows = read_file(written(tmp_path / "a.csv", text))
    assert rows.values == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
    assert rows.notes == ("2 rows of a.csv have something in a column without a name: left out.",)


def test_names_are_read_without_the_blanks_around_them(tmp_path):
    rows = read_file(written(tmp_path / "a.csv", "text , label\na,x\nb,y\n"))
    assert list(rows.columns) == ["text", "label"]


def lines(n):
    return [f"words of a text {i},{'xy'[i % 2]}" for i in range(n)]


def with_quote(at, n=240):
    made = lines(n)
    made[at - 2] = '"' + made[at - 2]
    return "\n".join(["text,label", *made]) + "\n"


NEVER = "{path} is not valid CSV: the quote that opens in line 101 is never closed."
INSIDE = "{path} is not valid CSV: the quote that opens in line 101 closes inside line 152."
QUOTES = [
    (with_quote(101), NEVER),
    (with_quote(101).replace("text 150", 'so called "text" 150'), INSIDE),
    (with_quote(101).replace("words of a text 150", '"words, of a text" 150'), INSIDE),
    (
        with_quote(101).replace("text 150,x", 'text 150",x'),
        "{path} is not valid CSV: the quote that opens in line 101 closes only in line 152, and "
        "the lines between look like rows.",
    ),
    (
        with_quote(101).replace("text 100,x", 'text 100",x,y'),
        "Line 102 of {path} has 3 fields, but the header has 2 (text, label); its quote opens in "
        "line 101.",
    ),
    ('"text,label\na,b\n', "{path} is not valid CSV: the quote that opens in line 1 is never "
     "closed."),
    (",,\n1,2,3\n", "{path} names no column in its first line."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), QUOTES)
def test_an_open_quote_is_named_by_the_line_where_it_opens(tmp_path, text, says):
    path = written(tmp_path / "a.csv", text)
    with pytest.raises(UserError) as error:
        read_file(path)
    assert str(error.value) == says.replace("{path}", str(path))


def test_a_long_text_over_many_lines_is_a_text(tmp_path):
    letter = "Dear all,\n" + "\n".join(f"line {i} of it" for i in range(30)) + "\nYours, me"
    path = written(tmp_path / "a.csv", f"text,label\n{quoted(letter)},x\nshort,y\n")
    assert read_file(path).values[0]["text"] == letter


def test_an_open_quote_at_the_beginning_of_a_large_file_is_found_fast(tmp_path):
    path = written(tmp_path / "a.csv", with_quote(2, 200_000))
    start = time.perf_counter()
    with pytest.raises(UserError, match="opens in line 2 is never closed"):
        read_file(path)
    assert time.perf_counter() - start < 5


FOREIGN = [
    ("a.xlsx", b"PK\x03\x04", '{path} is a workbook of Excel: save its sheet as "CSV UTF-8" first.'),
    ("a.xls", b"\xd0\xcf\x11\xe0", '{path} is a workbook of Excel: save its sheet as "CSV UTF-8" first.'),
    ("a.ods", b"PK\x03\x04", '{path} is a workbook of LibreOffice: save its sheet as "CSV UTF-8" first.'),
    ("a.csv", b"PK\x03\x04 and more", '{path} is no .csv file in spite of its name, but a workbook of Excel or a zip archive: save its sheet as "CSV UTF-8", or unpack it.'),
    ("a.csv", gzip.compress(b"text", mtime=0), "{path} is packed by gzip: name it a.csv.gz."),
    ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "{path} is a git-lfs pointer, not the file: run `git lfs pull` first."),
    ("a.tsv", "text\tlabel\na\tx\n".encode("utf-16"), '{path} is UTF-16, which Excel calls Unicode text: save it as UTF-8 (in Excel "CSV UTF-8").'),
    ("a.csv.zip", zipped(b"x", "a.csv", "b.csv"), "{path} holds 2 files (a.csv, b.csv), and one is read: unpack it and name a file."),
    ("a.csv.zip", b"no zip", "{path} is not a whole zip file: File is not a zip file."),
    ("a.csv.xz", lzma.compress(b"text,label\n")[:-9], "{path} is cut short: its xz stream ends too early."),
    ("a.csv.bz2", bz2.compress(b"text,label\n")[:-9], "{path} is cut short: its bzip2 stream ends too early."),
    ("a.csv", b"text,label\n" + "déjà vu, garçon, à bientôt, très étonné, où êtes-vous\n".encode("cp1252") * 20, "{path} is not UTF-8: byte 12 (line 2) is 0xe9; save it as UTF-8 (it seems to be a code page of Windows such as 1252)."),
    ("a.csv", ("text,label\n" + "今天天气很好我们去公园散步吧,好\n" * 20).encode("gb18030"), "{path} is not UTF-8: byte 11 (line 2) is 0xbd; save it as UTF-8 (it seems to be GB18030 (Chinese))."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "says"), FOREIGN)
def test_what_is_something_else_is_said_by_its_name(tmp_path, name, content, says):
    path = written(tmp_path / name, content)
    with pytest.raises(UserError) as error:
        read_file(path)
    assert str(error.value) == says.replace("{path}", str(path))
