"""What `assess` delivers with few labels of R8, beside SetFit on the same body and draws.

SetFit needs an environment of its own (it asks for an older transformers): `python -m venv other`,
`other/bin/pip install setfit==1.1.3 "transformers<5"`, then
`python -m tests.bench.beside_setfit --python other/bin/python`. Not part of `make bench`.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from helpers.base.determinism import THREADS_ALONE, settle
from helpers.delivery.clock import Clock
from helpers.delivery.deliver import deliver
from helpers.evaluation.intervals import bootstrap_interval
from helpers.sources.corpora import Corpus, load_texts
from helpers.sources.weights import resolve
from tests.bench.estimate import drawn

PEER = Path(__file__).with_name("setfit_peer.py")


def ours(corpus: Corpus, minutes: float) -> tuple[str, float, float]:
    """Return what is delivered, its accuracy on the test texts, and the seconds of all of it."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        answer = deliver(corpus, Path(out), Clock(minutes), own_test=True)
    seconds = time.perf_counter() - started
    return answer.delivered["name"], answer.estimate().accuracy.value, seconds


def theirs(corpus: Corpus, python: str, seed: int, threads: int) -> tuple[float, float]:
    """Return SetFit's accuracy, and the seconds of its training."""
    learned = [corpus.splits[name] for name in ("train", "validation")]
    with tempfile.TemporaryDirectory() as folder:
        given = {
            "texts": [text for part in learned for text in part["text"][:]],
            "labels": [int(label) for part in learned for label in part["label"][:]],
            "test": corpus.splits["test"]["text"][:],
            "body": resolve("minilm").location, "folder": folder, "seed": seed, "threads": threads,
        }  # fmt: skip
        done = subprocess.run(
            [python, str(PEER)], input=json.dumps(given) + "\n",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    right = np.array(found["answers"]) == np.array(corpus.splits["test"]["label"][:])
    return float(right.mean()), float(found["trained"])


def main() -> None:
    """Compare them over draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="of the environment that has SetFit")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--labels", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=10.0, help="as assess has them (10)")
    parser.add_argument("--threads", type=int, default=THREADS_ALONE)
    chosen = parser.parse_args()
    settle(0, chosen.threads)
    whole, rows = load_texts("reuters-r8"), []
    for seed in range(chosen.draws):
        corpus = drawn(chosen.labels, seed, whole, judged=0)
        name, accuracy, seconds = ours(corpus, chosen.minutes)
        peer, trained = theirs(corpus, chosen.python, seed, chosen.threads)
        rows.append((accuracy, peer, seconds / trained))
        print(
            f"draw {seed}: {name} {accuracy:.3f} in {seconds:.0f} s, all candidates in it; "
            f"SetFit {peer:.3f}, trained in {trained:.0f} s",
            flush=True,
        )
    table = np.array(rows)
    print(
        f"ours {table[:, 0].mean():.3f}, SetFit {table[:, 1].mean():.3f}, difference "
        f"{bootstrap_interval(table[:, 0] - table[:, 1])}, at {np.median(table[:, 2]):.1f} of its "
        f"time, over {chosen.draws} draws of {chosen.labels} labels"
    )


if __name__ == "__main__":
    main()
