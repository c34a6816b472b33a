import base64
import hashlib
import zipfile

import pytest

from helpers.sources import catalog


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setattr(catalog, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def wheelhouse(tmp_path, monkeypatch):
    """A folder with one tiny wheel, the only place where pip may look."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    files = {
        "tiny/data/texts.csv": b"text,label\n",
        "tiny/other.txt": b"not asked for",
        "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()[:-1]},"
        f"{len(data)}\n"
        for name, data in files.items()
    )
    files["tiny-1.0.dist-info/RECORD"] = record.encode() + b"tiny-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


@pytest.fixture
def tiny(wheelhouse):
    """Return a function that makes a catalogue of the tiny wheel, with changes."""

    def make(**changes):
        wheel = wheelhouse / "tiny-1.0-py3-none-any.whl"
        package = {
            "version": "1.0",
            "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
            "megabytes": 1,
            "licence": "MIT",
            "files": ["tiny/data/texts.csv"],
        } | changes
        return catalog.Catalog.model_validate(
            {"packages": {"tiny": package}, "texts": {}, "weights": {}}
        )

    return make
