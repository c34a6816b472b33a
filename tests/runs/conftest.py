import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers import ROOT
from helpers.runs.schema import comparable, load_record

FIXTURES = ROOT / "tests" / "fixtures"


class Project:
    """A copy of the project's runner with fixture notebooks, in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignore = shutil.ignore_patterns("__pycache__")
        for room in ("base", "claims", "commands", "evaluation", "runs", "sources"):
            place = Path("helpers") / room
            shutil.copytree(ROOT / place, root / place, ignore=ignore)
        for name in (
            "helpers/__init__.py",
            "helpers/__main__.py",
            "Snakefile",
        ):
            shutil.copy(ROOT / name, root / name)
        (root / "data").mkdir()
        for name in ("claims.yaml", "catalog.yaml"):
            shutil.copy(ROOT / "data" / name, root / "data")
        for name, text in {
            "requirements.txt": "numpy==0\n",
            "helpers/tasks/__init__.py": "",
            "helpers/tasks/used.py": "OFFSET = 0\n",
            "helpers/tasks/unused.py": "OFFSET = 0\n",
            "helpers/report/__init__.py": "",
            "helpers/report/book.py": _BOOK,
            "helpers/report/sweeps.py": _SWEEPS,
            "notebooks/profiles/full.yaml": "01_adds_numbers:\n  numbers: [5]\n",
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for name in ("01_adds_numbers", "02_takes_a_while"):
            self.add(name)

    def add(self, fixture: str, name: str | None = None) -> Path:
        place = self.root / "notebooks" / f"{name or fixture}.ipynb"
        shutil.copy(FIXTURES / f"{fixture}.ipynb", place)
        return place

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(self.root)}

    def start(self, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "helpers", *words],
            cwd=cwd or self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *words: str, cwd: Path | None = None, timeout: float | None = 300
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, cwd=cwd)
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def records(self) -> dict[str, Path]:
        found = (self.root / "build" / "runs").glob("*/*.json")
        return {str(path.relative_to(self.root)): path for path in sorted(found)}

    def contents(self) -> dict[str, Any]:
        """What the records say that does not hang on time and place, by their names."""
        return {name: comparable(load_record(path)) for name, path in self.records().items()}


_BOOK = """
def build(notebooks, records, out, sources=()):
    # as the real one: what is no report is left alone
    assert not any(out.glob("*")) or (out / "index.html").exists(), "not a report"
    if "fail" in notebooks[0].parent.name:
        raise SystemExit(1)
    out.mkdir(parents=True, exist_ok=True)
    assert all(path.exists() for path in [*notebooks, *records])
    (out / "page.html").write_text("")
    (out / "index.html").write_text("\\n".join(path.parent.name for path in records))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


_SWEEPS = """
from helpers import ROOT


def write_summary(grid, runs):
    page = ROOT / "build" / "sweeps" / grid.stem / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\\n".join(run.label for run in runs if run.file(".json").exists()))
    return page
"""
