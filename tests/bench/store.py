"""Index of a store of 10,000 trials: seconds and memory, own files and a shipped table.

``python -m tests.bench.store [trials]``
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from helpers.trials.outcome import Outcome, to_bytes
from helpers.trials.store import ENDING, Store
from helpers.trials.trial import Trial


def main(n: int) -> None:
    """Write n outcomes of 2,189 items, ship half of them, and look all of them up."""
    rng = np.random.default_rng(0)
    trials = [
        Trial("classification", "bench", "0" * 64, "fine_tuned", 64, draw, 2189, model="m")
        for draw in range(n)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "own", Path(folder) / "shipped")
        for trial in trials:
            predicted = rng.integers(0, 8, 2189).astype(np.uint8)
            chance = rng.random(2189).astype(np.float16)
            data = to_bytes(trial, Outcome({"predicted": predicted, "probability": chance}))
            place = store.own / trial.key[:2]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{trial.key}{ENDING}").write_bytes(data)
        written = store.ship(trials[: n // 2])
        size = sum(file.stat().st_size for file in written) / 1e6
        fresh = Store(store.own, store.shipped)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        missing = fresh.missing(trials)
        took = time.perf_counter() - started
        started = time.perf_counter()
        for trial in trials[:200]:
            fresh.get(trial)
        each = (time.perf_counter() - started) / 200
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{n:,} trials, {n // 2:,} of them in a table of {size:.1f} MB: {len(missing)} missing, "
        f"index {took:.2f} s, {1000 * each:.1f} ms to read a shipped one, peak memory "
        f"{after / 1024:.0f} MB ({(after - before) / 1024:.0f} more than before)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
