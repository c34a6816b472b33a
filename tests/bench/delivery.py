"""What `assess` delivers, on draws of R8: is its estimate honest, is its choice good?

`coverage`: how often the interval that is reported covers the accuracy of the delivered model on
texts that nobody has seen. `few`: the delivered model's accuracy with few labels, against frozen
vectors with logistic regression on the same draws. `rate`: texts a second of `predict` and of
`pipeline` at its defaults, on a fine-tuned folder.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from helpers.base.determinism import settle
from helpers.delivery import choose, curve, folder
from helpers.delivery import deliver as delivery
from helpers.delivery.candidates import Frozen
from helpers.delivery.clock import Clock
from helpers.evaluation.intervals import bootstrap_interval
from helpers.sources.corpora import Corpus, from_rows, load_texts


def drawn(n: int, seed: int, whole: Corpus, *, judged: float) -> Corpus:
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
    return from_rows("r8", texts, labels, cut)


def coverage(draws: int, n: int) -> None:
    """Print in how many draws the interval covers, with words and characters as candidates."""
    whole = load_texts("reuters-r8")
    unseen = whole.splits["test"]
    covered = 0
    for seed in range(draws):
        corpus = drawn(n, seed, whole, judged=0.3)
        with tempfile.TemporaryDirectory() as out:
            answer = delivery.deliver(corpus, Path(out), Clock(60), encoders=(), fine_tune=False)
            model, facts = folder.load(Path(out) / "model")
        said = np.array(facts["labels"])[model.probabilities(list(unseen["text"])).argmax(1)]
        true = np.mean(said == np.array(whole.label_names)[unseen["label"]])
        found = answer.estimate().accuracy
        covered += found.low <= true <= found.high
        print(f"draw {seed}: {found} true {true:.3f}; {covered} of {seed + 1}", flush=True)


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
        best = choose.compare(frozen, texts, labels, n_classes, folds, frozen.settings, n).setting
        (probe,) = frozen.fit(texts, labels, n_classes, [best])
        said = probe.probabilities(list(test["text"])).argmax(1)
        right = said == np.array(test["label"])
        found.append((answer.estimate().accuracy.value, right.mean()))
        print(f"draw {seed}: {answer.delivered['name']} {found[-1][0]:.3f}, "
              f"frozen {found[-1][1]:.3f}", flush=True)  # fmt: skip
    table = np.array(found)
    print(f"delivered {table[:, 0].mean():.3f}, frozen {table[:, 1].mean():.3f}, difference "
          f"{bootstrap_interval(table[:, 0] - table[:, 1])} over {draws} draws")  # fmt: skip


def rate(model: Path, n: int) -> None:
    """Print texts a second of both, and whether they say the same."""
    from transformers import pipeline

    texts = list(load_texts("reuters-r8").splits["test"]["text"])[:n]
    read, facts = folder.load(model)
    started = time.perf_counter()
    table = read.probabilities(texts)
    ours = n / (time.perf_counter() - started)
    classify = pipeline("text-classification", str(model), truncation=True)
    started = time.perf_counter()
    said = [classify(text)[0]["label"] for text in texts]
    theirs = n / (time.perf_counter() - started)
    answers = [facts["labels"][k] for k in table.argmax(1)]
    same = np.mean([one == other for one, other in zip(answers, said, strict=True)])
    print(f"predict {ours:.0f}, pipeline {theirs:.0f} texts a second ({ours / theirs:.1f} times); "
          f"the same answer in {same:.1%} of {n}")  # fmt: skip


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["coverage", "few", "rate"])
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--model", type=Path)
    chosen = parser.parse_args()
    settle(0)
    if chosen.what == "rate":
        rate(chosen.model, 500)
        return
    curve.DRAWS, curve.PARTS = 1, (2, 1)  # the curve is not asked about here
    {"coverage": coverage, "few": few}[chosen.what](chosen.draws, chosen.labels)


if __name__ == "__main__":
    main()
