"""A million labelled texts, read and examined: does the time grow linearly, does it fit in 3 GB?

Run: python -m tests.bench.reading
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from helpers import ROOT
from helpers.sources.user_corpus import load_yours

SIZES = (250_000, 500_000, 1_000_000)
MOST_GB = 3.0


def write(path: Path, rows: int) -> None:
    """Write texts of 42 words, about 270 characters, of three topics."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("aeioulmnrst"), 6)) for _ in range(4000)])
    with path.open("w", encoding="utf-8") as file:
        for i in range(rows):
            topic = i % 3
            own = rng.integers(300 * topic, 300 * (topic + 1), 8)
            text = " ".join(words[np.append(own, rng.integers(900, 4000, 34))])
            file.write(json.dumps({"text": text, "label": f"topic {topic}"}) + "\n")


def main() -> int:
    """Print seconds per 100,000 rows relative to the smallest file, and the peak memory."""
    costs, peak = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        for rows in SIZES:
            path = Path(folder) / f"{rows}.jsonl"
            write(path, rows)
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.reading", str(path)],
                capture_output=True, check=True, cwd=ROOT, text=True,
            )  # fmt: skip
            seconds, peak = map(float, done.stdout.split())
            costs.append(seconds / rows)
            print(
                f"{rows:>9,} rows, {path.stat().st_size / 1e6:.0f} MB: {costs[-1] / costs[0]:.2f} "
                f"times the time a row of the smallest, peak {peak:.2f} GB"
            )
            path.unlink()
    linear = max(costs) < 1.5 * costs[0]
    print(f"linear: {linear}; at most {MOST_GB:g} GB: {peak < MOST_GB}")
    return 0 if linear and peak < MOST_GB else 1


def measure(path: str) -> None:
    """Read one file in this process; print seconds and peak memory in GB."""
    started = time.perf_counter()
    load_yours(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(time.perf_counter() - started, peak)


if __name__ == "__main__":
    sys.exit(measure(sys.argv[1]) if sys.argv[1:] else main())
