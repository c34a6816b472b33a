"""What a sweep adds to each of its runs: seconds beside those that the notebook itself sleeps.

A small project of its own is made in a temporary folder, with a notebook that takes a second. Runs
go one after the other. What the processor did is told beside the clock's time, which other
processes on the machine lengthen.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path

from tests.runs.conftest import Project

SECONDS = 1.0


def measure(count: int) -> tuple[float, float, float]:
    """Return what a run takes beside its second: by the clock, of a processor; and a second call.

    The third number is the seconds that the same sweep takes when nothing is left to do.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        grid = f"notebook: '02'\nparameters: {{seconds: [{SECONDS}]}}\nseeds: {count}\n"
        (project.root / "grid.yaml").write_text(grid)
        words = ("sweep", "grid.yaml", "--cores", "1", "--json")
        before, started = _processor(), time.perf_counter()
        done = project.run(*words, timeout=None)
        took, used = time.perf_counter() - started, _processor() - before
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)["done"]) == count
        started = time.perf_counter()
        assert project.run(*words, timeout=None).returncode == 0
        return took / count - SECONDS, used / count, time.perf_counter() - started


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the overhead of a run for each number of runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[20, 100], help="runs (20 100)")
    chosen = parser.parse_args()
    for count in chosen.counts:
        clock, processor, again = measure(count)
        print(
            f"{count:,} runs of {SECONDS:g} s, one by one: {clock:.2f} s more a run "
            f"(wanted: at most 3), {processor:.2f} s of a processor; nothing left to do: "
            f"{again:.1f} s (load of the machine {os.getloadavg()[0]:.1f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
