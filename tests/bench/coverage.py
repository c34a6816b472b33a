"""How often 95 % intervals cover the truth, and how often tests reject a true null: simulated.

Two models answer the same test items of three classes; some items are hard for both, as in life.
The truth is known because the items come from a model with known probabilities.
"""

import argparse

import numpy as np

from helpers.evaluation.metrics import contributions, macro_f1_difference
from helpers.evaluation.significance import mcnemar, paired_bootstrap, permutation_test

CLASSES = 3


def answers(rng, n, skill):
    """Return true classes (n,) and two models' answers of the given skills, correlated."""
    truth = rng.choice(CLASSES, n, p=[0.6, 0.3, 0.1])
    hard = rng.normal(0, 1, n)  # the same for both models
    said = []
    for one in skill:
        right = rng.normal(0, 1, n) + hard < one
        other = (truth + rng.integers(1, CLASSES, n)) % CLASSES
        said.append(np.where(right, truth, other))
    return truth, *said


def true_differences(skill):
    """Return the differences of accuracy and of macro F1 on very many items."""
    truth, a, b = answers(np.random.default_rng(12345), 2_000_000, skill)
    table = [contributions(truth, one, CLASSES).mean(axis=0) for one in (a, b)]
    return np.mean(a == truth) - np.mean(b == truth), float(macro_f1_difference(*table))


def main() -> None:
    """Print coverage and rejection rates, with the spread that so many experiments have."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--items", type=int, default=400)
    chosen = parser.parse_args()
    n, rng = chosen.items, np.random.default_rng(0)
    different, alike = (1.2, 0.9), (1.0, 1.0)
    accuracy, f1 = true_differences(different)
    covered, rejected = {"accuracy": 0, "macro F1": 0}, dict.fromkeys(("permutation", "mid-p"), 0)
    for i in range(chosen.experiments):
        truth, a, b = answers(rng, n, different)
        found = paired_bootstrap(a == truth, b == truth, resamples=2000, seed=i)
        covered["accuracy"] += found.low <= accuracy <= found.high
        tables = [contributions(truth, one, CLASSES) for one in (a, b)]
        found = paired_bootstrap(*tables, statistic=macro_f1_difference, resamples=2000, seed=i)
        covered["macro F1"] += found.low <= f1 <= found.high
        truth, a, b = answers(rng, n, alike)
        tables = [contributions(truth, one, CLASSES) for one in (a, b)]
        test = permutation_test(*tables, statistic=macro_f1_difference, resamples=1000, seed=i)
        rejected["permutation"] += test.p < 0.05
        rejected["mid-p"] += mcnemar(a == truth, b == truth).p < 0.05
    noise = 100 * 1.96 * np.sqrt(0.05 * 0.95 / chosen.experiments)
    print(f"{chosen.experiments} experiments of {n} items (± {noise:.1f} points by chance):")
    for name, count in covered.items():
        share = count / chosen.experiments
        print(f"  95 % interval of the difference in {name} covers the truth in {share:.1%}")
    for name, count in rejected.items():
        what = "of macro F1" if name == "permutation" else "of McNemar"
        print(f"  {name} test {what} rejects a true null in {count / chosen.experiments:.1%}")


if __name__ == "__main__":
    main()
