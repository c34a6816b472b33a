"""Where outcomes are kept: own ones a file each, shipped ones a table a corpus.

Own outcomes lie in ``build/trials/<first two digits>/<key>.safetensors`` and are put in place by a
rename, so that many processes may write and a kill loses the trial in hand only. Shipped ones lie
in ``data/trials/<corpus>.parquet``: one row a trial, its fields as columns and the outcome's file
as bytes (:mod:`helpers.trials.outcome`). Shipped outcomes win, own ones fill the gaps.
"""

import functools
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from helpers import ROOT, UserError
from helpers.base.files import replacing_file
from helpers.trials.outcome import Outcome, from_bytes, read_trial, to_bytes
from helpers.trials.tasks import task_of
from helpers.trials.trial import Trial

OWN = Path(os.environ.get("TRANSFER_TRIALS_DIR") or ROOT / "build" / "trials").resolve()
"""Own outcomes; the variable TRANSFER_TRIALS_DIR moves them, to a disk that many share, say."""

SHIPPED = ROOT / "data" / "trials"
ENDING = ".safetensors"
COLUMNS = ("key", "task", "corpus", "arm", "model", "labels", "draw", "split", "outcome")
"""Of a shipped table; ``outcome`` is the file, the others are for a reader with pandas."""


class Store:
    """Outcomes by trial.

    >>> store = Store(own=None)
    >>> store.own is None
    True
    """

    def __init__(self, own: Path | None = OWN, shipped: Path | None = SHIPPED) -> None:
        """Take the two folders; None leaves one out."""
        self.own = own
        self.shipped = shipped
        self._index: dict[str, tuple[Path, int]] | None = None

    def where(self, trial: Trial) -> Literal["shipped", "own"] | None:
        """Return where the outcome of ``trial`` would be read from, None where there is none."""
        if trial.key in self._shipped():
            return "shipped"
        return "own" if self.own and self._file(trial.key).exists() else None

    def missing(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return those of ``trials`` that have no outcome, in their order."""
        here = self._own_keys() | self._shipped().keys()
        return [trial for trial in trials if trial.key not in here]

    def get(self, trial: Trial) -> Outcome | None:
        """Return the outcome of ``trial``, None where there is none.

        Raises:
            UserError: a file or table that is cut short, or holds another trial.
        """
        data = self._bytes(trial.key)
        if data is None:
            return None
        found, outcome = from_bytes(data, f"The outcome {trial.key} of {trial.label}")
        if found != trial:
            raise UserError(f"The outcome {trial.key} is of another trial ({found.label}).")
        return outcome

    def put(self, trial: Trial, outcome: Outcome) -> None:
        """Keep an outcome, whole or not at all; an earlier own one of the same trial is replaced.

        Raises:
            UserError: as :func:`helpers.trials.outcome.check_items`; no room on the disk.
        """
        self._put_bytes(trial.key, to_bytes(trial, outcome))

    def merge(self, file: Path | str, known: dict[str, int] | None = None) -> tuple[int, int]:
        """Take in the outcomes of a zip file that :meth:`export` wrote; return new and known ones.

        All are looked at before the first is kept.

        Args:
            file: the zip file.
            known: number of scored items of each corpus's split, by "corpus split"; an outcome for
                another number is refused. None: not checked.

        Raises:
            UserError: no such file or no zip; an outcome cut short, of another protocol, or for
                other items than the task has; one that disagrees with a kept one of the same
                device and versions.
        """
        new: dict[str, bytes] = {}
        count = 0
        for name, data in _members(Path(file)):
            trial, outcome = from_bytes(data, f"{name} in {file}")
            protocol = task_of(trial.task).protocol
            if trial.protocol != protocol:
                raise UserError(
                    f"{name} in {file} is of protocol {trial.protocol} of {trial.task}, this is "
                    f"protocol {protocol}: run it again."
                )
            expected = (known or {}).get(f"{trial.corpus} {trial.split}", trial.items)
            if trial.items != expected:
                raise UserError(
                    f"{name} in {file} scored {trial.items:,} items of {trial.corpus}'s "
                    f"{trial.split} split, which has {expected:,}."
                )
            to_bytes(trial, outcome)  # refuses arrays of other items
            before = self.get(trial)
            if before is None and trial.key in new:
                before = from_bytes(new[trial.key])[1]
            count += 1
            if before is None:
                new[trial.key] = data
            elif _same_origin(before, outcome) and not _agree(before, outcome):
                raise UserError(
                    f"{name} in {file} disagrees with the kept outcome of {trial.label}, though "
                    "device and versions are equal: one of the two is wrong; verify both."
                )
        for key, data in new.items():
            self._put_bytes(key, data)
        return len(new), count - len(new)

    def export(self, file: Path | str, trials: Sequence[Trial]) -> int:
        """Write the outcomes of ``trials`` that there are into a zip file; return how many."""
        count = 0
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for trial in trials:
                data = self._bytes(trial.key)
                if data is not None:
                    archive.writestr(
                        zipfile.ZipInfo(trial.key + ENDING), data, zipfile.ZIP_DEFLATED
                    )
                    count += 1
        return count

    def ship(self, trials: Sequence[Trial]) -> dict[Path, int]:
        """Write the outcomes of ``trials`` into the shipped tables; return rows by table.

        Each table is written anew with what it held; nothing shipped is replaced.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.shipped is None:
            raise UserError("This store has no folder of shipped outcomes to write to.")
        written = {}
        for corpus in sorted({trial.corpus for trial in trials}):
            file = self.shipped / (re.sub(r"[^\w.-]+", "-", corpus) + ".parquet")
            rows: dict[str, dict[str, Any]] = {}
            if file.exists():
                self._shipped()  # refuses a table that is cut short
                rows = {row["key"]: row for row in pq.read_table(file).to_pylist()}
            for trial in (each for each in trials if each.corpus == corpus):
                data = self._bytes(trial.key)
                if data is not None and trial.key not in rows:
                    fields = {name: getattr(trial, name) for name in COLUMNS[:-1]}
                    rows[trial.key] = fields | {"outcome": data}
            if not rows:
                continue
            order = sorted(rows.values(), key=lambda r: [str(r[c]).zfill(9) for c in COLUMNS[1:-1]])
            table = pa.Table.from_pylist([{name: row[name] for name in COLUMNS} for row in order])
            with replacing_file(file) as temporary:
                pq.write_table(
                    table, temporary, compression="zstd", compression_level=12, row_group_size=GROUP
                )
            written[file] = len(order)
        self._index = None
        return written

    def all_trials(self) -> list[Trial]:
        """Return every trial that has an outcome here, own ones first."""
        keys = [*sorted(self._own_keys()), *self._shipped()]
        datas = [self._bytes(key) for key in dict.fromkeys(keys)]
        return [read_trial(data) for data in datas if data is not None]

    def _shipped(self) -> dict[str, tuple[Path, int]]:
        """Return table and row of each shipped key."""
        if self._index is None:
            self._index = {}
            for file in sorted(self.shipped.glob("*.parquet")) if self.shipped else []:
                for row, key in enumerate(_read_column(file, "key")):
                    self._index[key] = (file, row)
        return self._index

    def _own_keys(self) -> set[str]:
        if self.own is None or not self.own.is_dir():
            return set()
        return {
            entry.name.removesuffix(ENDING)
            for part in os.scandir(self.own)
            if len(part.name) == 2 and part.is_dir()
            for entry in os.scandir(part.path)
            if entry.name.endswith(ENDING) and not entry.name.startswith(".")
        }

    def _file(self, key: str) -> Path:
        if self.own is None:
            raise UserError("This store reads shipped outcomes only; nothing can be put into it.")
        return self.own / key[:2] / f"{key}{ENDING}"

    def _bytes(self, key: str) -> bytes | None:
        if key in self._shipped():
            file, row = self._shipped()[key]
            return _read_row(file, row)
        try:
            return self._file(key).read_bytes() if self.own else None
        except FileNotFoundError:
            return None

    def _put_bytes(self, key: str, data: bytes) -> None:
        with replacing_file(self._file(key)) as temporary:
            temporary.write_bytes(data)


def _read_column(file: Path, column: str) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(file, columns=[column]).column(0).to_pylist()
    except (OSError, pa.ArrowException, KeyError, IndexError):
        raise UserError(_broken(file)) from None


GROUP = 64
"""Rows of a table that are written, and read, together."""


def _read_row(file: Path, row: int) -> bytes:
    """Return the outcome in a row; only its group of rows is read."""
    facts = file.stat()
    stamp = (facts.st_size, facts.st_mtime_ns)
    for group, size in enumerate(_group_sizes(file, stamp)):
        if row < size:
            return _read_group(file, stamp, group)[row]
        row -= size
    raise UserError(_broken(file))


@functools.lru_cache(maxsize=64)
def _group_sizes(file: Path, stamp: tuple[int, int]) -> list[int]:
    import pyarrow.parquet as pq

    found = pq.read_metadata(file)
    return [found.row_group(group).num_rows for group in range(found.num_row_groups)]


@functools.lru_cache(maxsize=4)  # trials are mostly asked for in the table's order
def _read_group(file: Path, stamp: tuple[int, int], group: int) -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            found: list[bytes] = table.read_row_group(group, ["outcome"]).column(0).to_pylist()
            return found
    except (OSError, pa.ArrowException, IndexError, KeyError):
        raise UserError(_broken(file)) from None


def _broken(file: Path) -> str:
    return f"{file} is cut short or no table of outcomes: restore it from git."


def _members(file: Path) -> Iterable[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    except FileNotFoundError:
        raise UserError(f"There is no file {file} to merge.") from None
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
        raise UserError(f"{file} is cut short or no zip file of outcomes ({error}).") from None


_ORIGIN = ("device", "threads", "torch", "transformers")


def _same_origin(first: Outcome, second: Outcome) -> bool:
    return all(first.origin.get(key) == second.origin.get(key) for key in _ORIGIN)


def _agree(first: Outcome, second: Outcome) -> bool:
    """Whether two outcomes are equal, but for a rounding here and there."""
    pairs = [(array, second.items[name]) for name, array in first.items.items()]
    return all(
        array.shape == other.shape and np.isclose(array, other, 0, 0, equal_nan=True).mean() > 0.99
        for array, other in pairs
    )
