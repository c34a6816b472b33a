"""Is the estimate that `assess` reports honest? How often its interval covers the truth.

Each draw is a user's file: so many labelled texts of R8, of which some are set aside to judge, as
`assess` does. The cheap candidates compete, one is taken, judged, trained on every label. The truth
is the accuracy of what is delivered on all training texts of R8 that the draw has left: nobody has
seen them, and they are of the same months. (R8's test split is later, and easier by one to two
points: it would be a question about time.)
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from helpers.base.determinism import settle
from helpers.delivery import curve, folder
from helpers.delivery import deliver as delivery
from helpers.delivery.clock import Clock
from helpers.sources.corpora import Corpus, from_rows, load_texts

WORDS = 16
"""Each text is cut to so many: the question is the same, and a hundred draws take minutes."""


def drawn(n: int, seed: int, whole: Corpus, *, judged: float, words: int = 10_000) -> Corpus:
    """Return n labelled texts of R8; this share judges, or, where it is 0, all of R8's test."""
    pool, test = whole.splits["train"], whole.splits["test"]
    order = np.random.default_rng(seed).permutation(len(pool))[:n].tolist()
    names = whole.label_names
    texts, labels = pool[order]["text"], [names[k] for k in pool[order]["label"]]
    held = round(judged * n)
    cut = ["test"] * held + ["validation"] * 5 + ["train"] * (n - held - 5)
    if not held:
        texts, labels = texts + test["text"][:], labels + [names[k] for k in test["label"]]
        cut += ["test"] * len(test)
    return from_rows("r8", [beginning(text, words) for text in texts], labels, cut)


def beginning(text: str, words: int) -> str:
    """Return the first words of a text."""
    return " ".join(text.split()[:words])


def covered(seed: int, n: int, whole: Corpus) -> tuple[bool, str]:
    """Return whether the interval of one draw covers the truth, and a line about it."""
    pool = whole.splits["train"]
    unseen = pool[np.random.default_rng(seed).permutation(len(pool))[n:].tolist()]
    corpus = drawn(n, seed, whole, judged=0.3, words=WORDS)
    texts = [beginning(text, WORDS) for text in unseen["text"]]
    with tempfile.TemporaryDirectory() as out:
        answer = delivery.deliver(corpus, Path(out), Clock(60), encoders=(), fine_tune=False)
        model, facts = folder.load(Path(out) / "model")
    said = np.array(facts["labels"])[model.probabilities(texts).argmax(1)]
    true = np.mean(said == np.array(whole.label_names)[unseen["label"]])
    found = answer.estimate().accuracy
    line = f"{found} true {true:.3f}, {answer.delivered['name']}"
    return bool(found.low <= true <= found.high), line


def main() -> None:
    """Print every draw, and in how many the interval covers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    chosen = parser.parse_args()
    settle(0)
    # The curve over labels is not asked about here.
    curve.PARTS, curve.DRAWS = (2, 1), 1
    whole, hits = load_texts("reuters-r8"), 0
    for done, seed in enumerate(range(chosen.first, chosen.first + chosen.draws), start=1):
        hit, line = covered(seed, chosen.labels, whole)
        hits += hit
        print(f"draw {seed}: {line}; covers in {hits} of {done}", flush=True)
    low, high = stats.binomtest(hits, chosen.draws).proportion_ci()
    print(f"The 95 % interval covers in {hits} of {chosen.draws} draws ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
