"""What `assess` delivers with few labels of R8, against frozen vectors on the same draws.

The delivered model's accuracy and that of logistic regression on frozen vectors, and their
difference over draws. Whether its estimate is honest: `tests.bench.estimate`; how fast it answers:
`tests.bench.predict`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from helpers.base.determinism import THREADS_ALONE, settle
from helpers.delivery import choose, curve
from helpers.delivery import deliver as delivery
from helpers.delivery.candidates import Frozen
from helpers.delivery.clock import Clock
from helpers.evaluation.intervals import bootstrap_interval
from helpers.sources.corpora import load_texts
from tests.bench.estimate import drawn


def few(draws: int, n: int) -> None:
    """Print the accuracy of the delivered model, of frozen vectors, and their difference."""
    whole = load_texts("reuters-r8")
    frozen = Frozen("minilm", 128, delivery.precision_of("cpu"))
    delivery.Frozen = lambda *_: frozen  # type: ignore[assignment,misc]  # reads each text once
    found = []
    for seed in range(draws):
        corpus = drawn(n, seed, whole, judged=0)
        with tempfile.TemporaryDirectory() as out:
            answer = delivery.deliver(corpus, Path(out), Clock(60), fine_tune=False, own_test=True)
        learned = [corpus.splits[name] for name in ("train", "validation")]
        texts = [text for part in learned for text in part["text"]]
        labels = np.array([k for part in learned for k in part["label"]])
        n_classes, test = len(corpus.label_names), corpus.splits["test"]
        folds = choose.folds_of(labels)
        best = choose.cross_validate(
            frozen, texts, labels, n_classes, folds, frozen.settings, n
        ).setting
        (probe,) = frozen.fit(texts, labels, n_classes, [best])
        said = probe.probabilities(list(test["text"])).argmax(1)
        right = said == np.array(test["label"])
        found.append((answer.estimate().accuracy.value, right.mean()))
        print(f"draw {seed}: {answer.delivered['name']} {found[-1][0]:.3f}, "
              f"frozen {found[-1][1]:.3f}", flush=True)  # fmt: skip
    table = np.array(found)
    print(f"delivered {table[:, 0].mean():.3f}, frozen {table[:, 1].mean():.3f}, difference "
          f"{bootstrap_interval(table[:, 0] - table[:, 1])} over {draws} draws")  # fmt: skip


def main() -> None:
    """Compare them over draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, default=64)
    chosen = parser.parse_args()
    settle(0, THREADS_ALONE)
    curve.DRAWS, curve.PARTS = 1, (2, 1)  # the curve is not asked about here
    few(chosen.draws, chosen.labels)


if __name__ == "__main__":
    main()
