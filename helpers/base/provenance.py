"""Where a record comes from: commit, versions, machine. Never compared between runs."""

import functools
import importlib.metadata
import platform
import re
import resource
import shutil
import subprocess  # git is asked, nothing else
import sys
from pathlib import Path
from typing import Any

from helpers import ROOT


def git_state(root: Path = ROOT) -> tuple[str | None, bool | None]:
    """Return the commit and whether tracked files differ from it; (None, None) without git."""
    git = shutil.which("git")
    if git is None:
        return None, None

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(  # noqa: S603 - fixed words
                [git, "-C", str(root), *words], capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    changes = ask("status", "--porcelain", "--untracked-files=no")
    return commit, None if changes is None else bool(changes)


@functools.cache
def package_versions() -> dict[str, str]:
    """Return the installed versions of what `requirements.txt` names."""
    pins = ROOT / "requirements.txt"
    text = pins.read_text(encoding="utf-8") if pins.exists() else ""
    versions = {}
    for name in re.findall(r"^([A-Za-z0-9_.-]+)==", text, re.MULTILINE):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@functools.cache
def cpu_model() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"model name\s*:\s*(.+)", info.read_text(errors="replace"))
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine()


def gpu_model() -> str | None:
    """Return the name of the GPU that torch sees, None without one or before torch is loaded."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name(0))


def peak_memory_mb() -> float:
    """Return the most memory in MB (10⁶ bytes) that this process has held so far.

    >>> 1 < peak_memory_mb() < 1e6
    True
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def peak_gpu_memory_mb() -> float | None:
    """Return the most GPU memory in MB that torch has held, None where it used none."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return float(torch.cuda.max_memory_allocated()) / 1e6
