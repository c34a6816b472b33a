"""Execute one notebook: parameters checked first, the record renamed into place last."""

import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# nbformat checks notebooks by jsonschema, which with these packages can check web addresses and
# lengths of time, for which nothing here asks: 1.8 seconds of each run, most for a grammar.
if "jsonschema" not in sys.modules:
    for optional in ("rfc3987_syntax", "rfc3986_validator", "isoduration"):
        sys.modules[optional] = None  # type: ignore[assignment]
import nbformat

from helpers import ROOT, UserError
from helpers.base.determinism import ENVIRONMENT
from helpers.base.files import write_atomically
from helpers.runs.notebooks import SOLUTIONS
from helpers.runs.parameters import check_against, read_parameters
from helpers.runs.planned import RECORDS
from helpers.runs.record import NOTEBOOK_VARIABLE, RECORD_VARIABLE
from helpers.runs.schema import load_record

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class CellError(Exception):
    """A cell failed in a way that the user's input does not explain: a bug, or no memory."""


def execute(
    notebook: Path | str,
    parameters: Mapping[str, Any],
    out_notebook: Path | str,
    record: Path | str,
    *,
    progress: bool = False,
) -> None:
    """Execute ``notebook`` with ``parameters``; leave the executed notebook and its record.

    Nothing half-finished stands under the names ``out_notebook`` and ``record``: both are
    written under other names and renamed, the record as the last act, so that a record that
    exists means a run that is done. An older record goes before the kernel starts.

    Raises:
        UserError: bad parameters (before a kernel starts), or a cell said so.
        CellError: a cell failed otherwise; the message names the notebook as far as it came.
    """
    source, out, record = Path(notebook), Path(out_notebook).resolve(), Path(record).resolve()
    declared = read_parameters(source)
    values = check_against(source.stem, declared, parameters)
    given = {name: values[name] for name in parameters if values[name] != declared[name].default}
    _make_room(out, record)
    mark = f".{os.getpid()}."
    partial = out.with_name(f"{mark}{out.name}")
    partial_record = record.with_name(f"{mark}{record.name}")
    failed = out.with_name(f"{out.stem}.failed{out.suffix}")
    try:
        _run_papermill(source, partial, given, partial_record, failed, progress)
        if not partial_record.exists():
            raise UserError(
                f"{source.stem} left no record: its last cell must be `run.close()`, and its "
                "parameter `record` must stay empty here."
            )
        load_record(partial_record)
        text = nbformat.writes(normalise(nbformat.read(partial, as_version=4)))
        write_atomically(out, text + "\n")
        failed.unlink(missing_ok=True)
        partial_record.replace(record)
    finally:
        for leftover in (partial, partial_record):
            leftover.unlink(missing_ok=True)


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return ``notebook`` without what differs between equal runs; it is changed in place.

    Times, papermill's and the widgets' metadata go; pieces of one stream that arrived apart
    are joined. Cell ids, execution counts and outputs stay.
    """
    for name in ("papermill", "widgets"):
        notebook.metadata.pop(name, None)
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def in_place(notebooks: Iterable[Path | str]) -> Iterator[tuple[Path, float]]:
    """Execute each notebook at its defaults and put the outputs into the file itself.

    Yields each notebook and the seconds that it took. A notebook is replaced as a whole, and
    only after it ran to its end: sources, metadata and cell ids stay as they were. Its record
    goes to `data/reference/quick`, where the notebooks that read records find it. A notebook in
    the folder of solutions has no parameters and leaves no record.
    """
    for notebook in map(Path, notebooks):
        started = time.perf_counter()
        is_solution = notebook.parent.name == SOLUTIONS
        scratch = ROOT / "build" / "notebooks" / (SOLUTIONS if is_solution else "") / notebook.stem
        out = scratch / notebook.name
        if is_solution:
            scratch.mkdir(parents=True, exist_ok=True)
            failed = out.with_name(f"{out.stem}.failed{out.suffix}")
            _run_papermill(notebook, out, {}, scratch / "record.json", failed, progress=False)
        else:
            execute(notebook, {}, out, scratch / "record.json")
        fresh = nbformat.read(out, as_version=4)
        kept = normalise(nbformat.read(notebook, as_version=4))
        for old, new in zip(kept.cells, fresh.cells, strict=True):
            if old.cell_type == "code":
                old.outputs, old.execution_count = new.outputs, new.execution_count
        write_atomically(notebook, nbformat.writes(kept) + "\n")
        if not is_solution and RECORDS not in read_parameters(notebook):
            text = (scratch / "record.json").read_text(encoding="utf-8")
            shipped = ROOT / "data" / "reference" / "quick"
            shipped.mkdir(parents=True, exist_ok=True)
            write_atomically(shipped / f"{notebook.stem}.json", text)
        yield notebook, time.perf_counter() - started


def _make_room(out: Path, record: Path) -> None:
    """Remove the older record and what killed runs left; an older notebook may stay."""
    try:
        for folder in {out.parent, record.parent}:
            folder.mkdir(parents=True, exist_ok=True)
        record.unlink(missing_ok=True)
        for name in (out, record):
            for leftover in name.parent.glob(f".[0-9]*.{name.name}*"):
                leftover.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write to {error.filename}: {error.strerror}.") from None


def _run_papermill(
    source: Path,
    partial: Path,
    given: dict[str, Any],
    record: Path,
    failed: Path,
    progress: bool,
) -> None:
    # slow to import, and most calls of this module's neighbours never need them
    with _without("pyarrow"):
        import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    variables = {RECORD_VARIABLE: str(record), NOTEBOOK_VARIABLE: str(source.resolve())}
    try:
        with _own_folder() as folder, _environment(ENVIRONMENT | variables | {"TMPDIR": folder}):
            papermill.execute_notebook(
                str(source),
                str(partial),
                parameters=given,
                progress_bar=progress,
                config=Config(
                    {
                        "KernelManager": {"transport": "ipc", "ip": f"{folder}/k"},
                        "NotebookClient": {
                            # All is done after the last cell. Asked to leave, one kernel in ten
                            # waits for a thread of its own that waits for it, until it is killed
                            # 2.5 s later (ipykernel 7.4; as posit-dev/positron issue 7142).
                            "shutdown_kernel": "immediate",
                            # The client interrupts a kernel before it ends it; at times the kernel
                            # says so as an ERROR, on the stderr of a run that went well.
                            "extra_arguments": ["--log-level=CRITICAL"],
                        },
                    }
                ),
            )
    except PapermillExecutionError as error:
        if error.traceback == [f"{error.ename}: {error.evalue}"]:  # see UserError's rendering
            raise UserError(error.evalue) from None
        partial.replace(failed)
        trace = _ANSI.sub("", "\n".join(error.traceback))
        raise CellError(
            f"{trace}\n{source.stem} failed in cell [{error.exec_count}] with {error.ename}: "
            f"{error.evalue}\nThe notebook as far as it came: {failed}"
        ) from None
    except DeadKernelError:
        partial.replace(failed)
        raise CellError(
            f"The kernel of {source.stem} was killed, perhaps for want of memory. The notebook "
            f"as far as it came: {failed}"
        ) from None
    except OSError as error:
        raise UserError(f"Cannot run {source.name}: {error}.") from None
    except Exception as error:  # whatever goes wrong between us and the kernel
        raise CellError(
            f"The kernel of {source.stem} could not be used. {type(error).__name__}: {error}"
        ) from error


@contextlib.contextmanager
def _own_folder() -> Iterator[str]:
    """Give a folder for one run's sockets and temporary files, gone with the run.

    jupyter_client's own choice of sockets is ``kernel-ipc-1`` … in the working directory, where
    parallel runs meet each other; network ports, its default, can clash as well. And a kernel that
    is killed cannot remove its own temporary files.
    """
    place = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(
        prefix="nb-",
        dir=place if len(place) < 60 else "/tmp",  # noqa: S108 - a socket's path has 107 bytes
        ignore_cleanup_errors=True,
    ) as folder:
        yield folder


@contextlib.contextmanager
def _without(module: str) -> Iterator[None]:
    """Let imports do without ``module``: papermill loads pyarrow to ask for files on Hadoop."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the kernel, which inherits them, and put them back."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _joined(outputs: list[Any]) -> list[Any]:
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if (
            last
            and output.output_type == last.output_type == "stream"
            and (output.name == last.name)
        ):
            last.text += output.text
        else:
            joined.append(output)
    return joined
