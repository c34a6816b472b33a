"""The record of one run of a notebook: parameters in, one JSON file out.

A notebook calls `open_run` first and `Run.close` last. Two runs with equal parameters on one
machine give equal records outside cost and provenance (`comparable`).
"""

import ast
import copy
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import ValidationError

from helpers import ROOT, UserError
from helpers.base import doors, provenance
from helpers.base.determinism import THREADS, settle
from helpers.claims import statements
from helpers.claims.evidence import Bounds, Evidence, as_python, bounds
from helpers.runs.closing import closing_text
from helpers.runs.parameters import check_against, parameters_hash, read_parameters
from helpers.runs.schema import (
    Cost,
    Metric,
    Provenance,
    Record,
    comparable,
    finite_number,
    load_record,
    save_record,
)

__all__ = ["Bounds", "Record", "Run", "comparable", "load_record", "open_run", "record_path"]

RECORD_VARIABLE = "TRANSFER_RECORD"
NOTEBOOK_VARIABLE = "TRANSFER_NOTEBOOK"
"""How `helpers.runs.execute` tells a kernel what would otherwise show in an injected cell."""


def open_run(name: str, namespace: dict[str, Any], notebook: Path | str | None = None) -> "Run":
    """Check the parameters in ``namespace``, fix seeds and threads, start the cost clock.

    Args:
        name: the notebook's name, like "06_bert_finetuning".
        namespace: the notebook's ``globals()``.
        notebook: its file where it is not ``notebooks/<name>.ipynb``.

    Raises:
        UserError: an unknown parameter that papermill injected, a wrong type, a value out of
            range; one sentence, before anything is computed.
    """
    place = notebook or os.environ.get(NOTEBOOK_VARIABLE)
    path = Path(place) if place else ROOT / "notebooks" / f"{name}.ipynb"
    declared = read_parameters(path)
    given = {parameter: namespace[parameter] for parameter in declared if parameter in namespace}
    values = check_against(name, declared, injected(namespace) | given)
    if "get_ipython" in namespace:  # this process is a notebook's: advice comes in its words
        doors.enter(doors.NOTEBOOK if "text_column" in declared else doors.FILE)
    return Run(name, values, namespace)


def injected(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what papermill assigned in the cell that it added, from the kernel's history.

    papermill injects a parameter that the notebook does not declare without a word, so the
    notebook has to look for itself.

    >>> injected({"In": ["", "# Parameters\\nlabel = [4]\\nseed = 1"], "label": [4], "seed": 1})
    {'label': [4], 'seed': 1}
    """
    for source in reversed(list(namespace.get("In", []))):
        if isinstance(source, str) and source.startswith("# Parameters\n"):
            targets = [
                target.id
                for statement in ast.parse(source).body
                if isinstance(statement, ast.Assign)
                for target in statement.targets
                if isinstance(target, ast.Name)
            ]
            return {name: namespace.get(name) for name in targets}
    return {}


def record_path(name: str, values: Mapping[str, Any]) -> Path:
    """Return where the record of this setting goes; a relative `record` starts at the root."""
    place = values.get("record") or os.environ.get(RECORD_VARIABLE)
    return ROOT / str(place or f"build/records/{name}/{parameters_hash(values)}.json")


class Run:
    """One run of a notebook: its parameters, what it measured, what it took.

    ``parameters`` holds the checked values as attributes; ``path`` is the record's file.
    """

    def __init__(self, name: str, values: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
        """Fix seeds and threads and start the clock; `open_run` has checked ``values``."""
        self.name = name
        self.path = record_path(name, values)
        self.parameters = SimpleNamespace(**copy.deepcopy(dict(values)))
        self._values = {key: value for key, value in values.items() if key != "record"}
        self._namespace = namespace
        seed = values.get("seed", 0)
        self._seed = seed if isinstance(seed, int) else 0
        settle(self._seed)
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._metrics: dict[tuple[Any, ...], tuple[int, Metric]] = {}
        self._claims: dict[tuple[Any, ...], tuple[int, Evidence]] = {}
        self._hashes: dict[str, str] = {}
        self._trials: dict[str, None] = {}
        self._tokens, self._flops = 0, 0.0

    def metric(
        self, name: str, value: Any, *, interval: Any = None, n: int | None = None, **where: Any
    ) -> None:
        """Record one number: ``run.metric("accuracy", .9, split="test", seed=0, labels=64)``.

        Args:
            name: what was measured.
            value: one number (numpy's too), or None where the measure is undefined.
            interval: a `significance.Interval` around it.
            n: items (or draws) that it was measured on.
            **where: any of seed, split, dataset, model, strategy, labels.

        Raises UserError on NaN and on a second, different value under one description. (By hand,
        in JupyterLab, a cell that is executed again replaces what it recorded before.)
        """
        what = f"{self.name}: metric {name!r}"
        fields = {"n": n} | where
        metric = self._build(
            Metric,
            what,
            name=name,
            value=finite_number(value, what),
            interval=bounds(interval),
            **{key: as_python(one) for key, one in fields.items()},
        )
        key = (name, *sorted((k, v) for k, v in where.items() if v is not None))
        self._keep(self._metrics, key, metric, what)

    def evidence(
        self,
        claim: str,
        value: Any,
        interval: Any = None,
        n: int | None = None,
        seeds: int | list[int] | None = None,
        note: str = "",
    ) -> None:
        """Record a number of this run, whose trials are not stored, that bears on a claim.

        It is shown and never counted; :meth:`compares` is for stored trials. Raises UserError on an
        unknown claim.
        """
        statements.claim(claim)
        what = f"{self.name}: evidence for {claim}"
        evidence = self._build(
            Evidence,
            what,
            claim=claim,
            value=finite_number(value, what),
            interval=bounds(interval),
            n=as_python(n),
            seeds=as_python(seeds),
            note=note,
        )
        self._keep(self._claims, (claim, note), evidence, what)

    def compares(
        self,
        study: str,
        arms: Any,
        *,
        overlap: Mapping[int, float],
        flops: Mapping[tuple[str, int], float] | None = None,
        sizes: Mapping[tuple[str, int], float] | None = None,
        made_on: Mapping[tuple[str, int], Sequence[str]] | None = None,
        complete: bool = True,
        others: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the differences that the rules of the claims ask of a study.

        Args:
            study: its name in `data/claims.yaml`.
            arms: its :class:`helpers.evaluation.comparison.Comparison`; or one for each measure,
                for the claims that hold measures against each other.
            overlap: by label count, the share of labelled items that two draws have in common.
            flops: operations of training by arm and label count.
            sizes: bytes of the stored model by arm and label count.
            made_on: devices of the trials by arm and label count.
            complete: whether the comparison has all arms of the study.
            others: other measures of the same trials, by name.

        Raises:
            UserError: as :func:`helpers.claims.gathering.gather`.
        """
        from helpers.claims.gathering import gather

        known: Any = {"flops": flops, "sizes": sizes, "made_on": made_on, "others": others}
        for evidence in gather(study, arms, overlap=overlap, complete=complete, **known):
            what = f"{self.name}: evidence for {evidence.claim}"
            self._keep(self._claims, (evidence.claim, evidence.note), evidence, what)

    def uses(self, fingerprints: Mapping[str, str]) -> None:
        """Note the sha256 of data and weights by name; they stand in the provenance."""
        self._hashes |= {str(name): str(value) for name, value in fingerprints.items()}

    def reads(self, keys: Iterable[str]) -> None:
        """Note the keys of stored trials that this run read; they stand in the record."""
        self._trials |= dict.fromkeys(keys)

    def add_tokens(self, n: int) -> None:
        """Count tokens that were trained on."""
        self._tokens += int(n)

    def add_flops(self, n: float) -> None:
        """Count estimated floating-point operations."""
        self._flops += float(n)

    def record(self) -> Record:
        """Return the record as it stands now."""
        commit, dirty = provenance.git_state()
        return Record(
            notebook=self.name,
            parameters=self._values,
            metrics=[metric for _, metric in self._metrics.values()],
            claims=[evidence for _, evidence in self._claims.values()],
            trials=sorted(self._trials),
            cost=Cost(
                wall_seconds=round(time.perf_counter() - self._clock, 3),
                peak_memory_mb=round(provenance.peak_memory_mb(), 1),
                peak_gpu_memory_mb=provenance.peak_gpu_memory_mb(),
                tokens=self._tokens,
                flops=self._flops,
            ),
            provenance=Provenance(
                git_commit=commit,
                git_dirty=dirty,
                python=platform.python_version(),
                packages=provenance.package_versions(),
                hashes=self._hashes,
                platform=platform.platform(),
                cpu=provenance.cpu_model(),
                gpu=provenance.gpu_model(),
                threads=THREADS,
                seeds={"python": self._seed, "numpy": self._seed, "torch": self._seed},
                started=self._started.isoformat(timespec="seconds"),
            ),
        )

    def close(self) -> None:
        """Write the record, whole or not at all, and show what it says in a few lines.

        The text shown holds no time and no path, so that two equal runs show the same.
        """
        record = self.record()
        save_record(record, self.path)
        text = closing_text(record)
        try:
            from IPython.core.getipython import get_ipython
            from IPython.display import display
        except ImportError:
            get_ipython = None  # type: ignore[assignment]
        if get_ipython is None or get_ipython() is None:
            print(text)
        else:
            display({"text/markdown": text, "text/plain": text}, raw=True)

    def _build(self, part: Any, what: str, /, **fields: Any) -> Any:
        try:
            return part(**fields)
        except ValidationError as problem:
            first = problem.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError(f"{what}: {place}: {first['msg']}, not {first['input']!r}.") from None

    def _keep(self, kept: dict[Any, Any], key: Any, value: Any, what: str) -> None:
        """Keep ``value``; where another one would be lost, refuse.

        By hand a cell may be executed again, which replaces what it recorded; in a run from the
        command line each is executed once.
        """
        by_hand = RECORD_VARIABLE not in os.environ
        execution = len(self._namespace.get("In", [])) if by_hand else 0
        if key in kept and kept[key][0] == execution and kept[key][1] != value:
            raise UserError(
                f"{what} is recorded twice with different values; tell the two apart by seed, "
                "split, dataset, model, strategy, labels or note."
            )
        kept[key] = (execution, value)
