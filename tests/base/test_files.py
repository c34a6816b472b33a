import os
import subprocess
import sys

import pytest

from helpers import UserError
from helpers.base.files import replacing_file, write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def path(tmp_path):
    """A file with something in it, alone in its folder."""
    path = tmp_path / "notes.txt"
    path.write_text("old")
    return path


def test_the_new_takes_the_place_of_the_old_at_the_end(path):
    with replacing_file(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent and temporary != path
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(path.parent) == ["notes.txt"]


def test_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "notes.txt"
    write_atomically(path, "北京 é\n")
    assert path.read_bytes() == "北京 é\n".encode()
    assert names(path.parent) == ["notes.txt"]


def test_others_may_read_it(path):
    write_atomically(path, "new")
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, UserError])
def test_an_error_leaves_the_old_and_passes_on(path, error):
    with pytest.raises(error, match="mine"), replacing_file(path) as temporary:
        temporary.write_text("half")
        raise error("mine")
    assert path.read_text() == "old"
    assert names(path.parent) == ["notes.txt"]


def test_an_error_leaves_nothing_where_nothing_was(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing_file(tmp_path / "new") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_full_disk_is_a_sentence(path):
    with pytest.raises(UserError) as told, replacing_file(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert str(told.value) == (
        f"Cannot write {path}: No space left on device; free some space or name another place. "
        "Nothing half-written is left."
    )
    assert path.read_text() == "old"
    assert names(path.parent) == ["notes.txt"]


def test_a_folder_in_its_place_is_a_sentence(tmp_path):
    (tmp_path / "notes.txt").mkdir()
    with pytest.raises(UserError, match=r"Cannot write .*notes\.txt: Is a directory; free"):
        write_atomically(tmp_path / "notes.txt", "new")
    assert names(tmp_path) == ["notes.txt"]


def test_a_file_in_place_of_its_folder_is_a_sentence(path):
    with pytest.raises(UserError, match=r"^Cannot write .*/notes\.txt/x: .*; free some space"):
        write_atomically(path / "x", "new")
    assert path.read_text() == "old"


def test_a_kill_leaves_the_old_whole(path):
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from helpers.base.files import replacing_file\n"
        "with replacing_file(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=60)
    assert done.returncode == -9
    assert path.read_text() == "old"
    assert [name for name in names(path.parent) if not name.startswith(".")] == ["notes.txt"]


def test_it_is_on_the_disk_before_it_takes_its_place(path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.read_text()))
    write_atomically(path, "new")
    assert seen == ["old"]
