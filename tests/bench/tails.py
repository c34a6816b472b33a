"""Verdicts over draws and items where the truth is known: coverage, tails, families, power.

Two arms answer the same items; draws shift each arm's skill, and each arm finds other items hard.
Every share is printed beside what it must keep, and the command fails where one does not.
"""

import argparse
import time
from itertools import product

import numpy as np

from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import decide, surviving
from helpers.evaluation.generalized import MeanSquares, half_widths, mean_squares, tail
from helpers.evaluation.intervals import (
    bootstrap_interval,
    paired_bootstrap,
    two_level_interval,
    two_level_intervals,
)
from helpers.evaluation.metrics import contributions, macro_f1_difference, macro_f1_of_means
from helpers.evaluation.planning import Components, draws_needed, power
from helpers.tasks.tagging_scores import f1_of_counts
from helpers.tasks.translation_scores import difference as score_difference

CELLS = list(product((3, 5, 10), (400, 2000), (0.0, 0.02, 0.05)))
"""Draws, items, and the standard deviation between draws of the paired difference."""

LIMITS = {
    "coverage": (0.94, 0.99),
    "P(p < .001)": (0.0, 0.002),
    "any false": (0.0, 0.06),
    "wrongly alike": (0.0, 0.05),
}


def answers(rng, draws, items, sd, gain=0.0):
    """Return paired differences of right and wrong answers, (draws, items), of a true ``gain``."""
    # Most answers are much the same in every draw; half of the items are as hard for both arms.
    known = rng.random((2, 1, items)) < 0.75
    known[1] = np.where(rng.random(items) < 0.5, known[0], known[1])
    share = np.where(known, 0.85, 0.15)
    skill = rng.normal(0, sd / np.sqrt(2), (2, draws, 1))
    skill[0] += gain
    right = rng.random((2, draws, items)) < share + skill
    return right[0].astype(float) - right[1]


def runs(rng, count, draws, items, sd, gain=0.0):
    """Return means (count,) and mean squares (count,) of so many simulated runs."""
    means, squares = np.empty(count), np.empty((3, count))
    for i in range(count):
        table = answers(rng, draws, items, sd, gain)
        means[i], squares[:, i] = table.mean(), mean_squares(table)
    return means, squares


def normal_runs(rng, count, draws, items, sd):
    """Return the same of normal values, by their distributions: no tables, and so very many."""
    rest, item, k, n = 0.18, 0.01, draws - 1, items - 1
    deviation = np.sqrt(sd**2 / draws + item / items + rest / (draws * items))
    squares = (
        (rest + items * sd**2) * rng.chisquare(k, count) / k,
        (rest + draws * item) * rng.chisquare(n, count) / n,
        rest * rng.chisquare(k * n, count) / (k * n),
    )
    return rng.normal(0, deviation, count), np.array(squares)


def tails(experiments, cells=CELLS, seed=0):
    """Return rows of coverage, tail and false equivalence, cell by cell, on right and wrong."""
    rng, rows = np.random.default_rng(seed), []
    for draws, items, sd in cells:
        means, squares = runs(rng, experiments, draws, items, sd)
        p = tail(np.abs(means), *squares, draws, items)
        # A true difference of just what matters may not be called alike; the wider the margin, the
        # closer this comes to its 5 %.
        half = half_widths(*squares, draws, items, level=0.9)
        margin = 5 * half.mean()
        alike = np.mean(np.abs(means + margin) + half < margin)
        rows.append({
            "draws": draws, "items": items, "sd": sd, "coverage": np.mean(p >= 0.05),
            "P(p < .001)": np.mean(p < 0.001), "wrongly alike": alike,
        })  # fmt: skip
    return rows


def families(count, cells=CELLS, questions=50, seed=0):
    """Return rows of how often Holm's steps find anything among so many true nulls."""
    rng, rows = np.random.default_rng(seed), []
    for draws, items, sd in cells:
        means, squares = normal_runs(rng, count * questions, draws, items, sd)
        p = tail(np.abs(means), *squares, draws, items).reshape(count, questions)
        rows.append({
            "draws": draws, "items": items, "sd": sd,
            "any false": np.mean(p.min(1) * questions <= 0.05),
        })  # fmt: skip
    return rows


def verdicts(count, draws=5, items=2000, sd=0.05, smallest=0.02, questions=50, seed=0):
    """Return how often a family of verdicts, "no difference" among them, says that one differs."""
    rng, false = np.random.default_rng(seed), 0
    means, squares = normal_runs(rng, count * questions, draws, items, sd)
    for at in range(0, len(means), questions):
        found = {}
        for i in range(at, at + questions):
            of = MeanSquares(*squares[:, i], draws, items)
            half = of.half_width(0.95)
            bounds = means[i] - half, means[i] + half
            found[i] = decide(
                Interval(means[i], *bounds, items, 0.95, "simulated", squares=of), smallest
            )
        said = {decision.verdict for decision in surviving(found).values()}
        false += bool(said & {"supported", "contradicted"})
    return false / count


def planned(experiments, seed=0):
    """Return rows of planned and simulated power, the plan made from one large pilot run."""
    rng, rows = np.random.default_rng(seed), []
    for items, sd, gain in product((400, 2000), (0.02, 0.05), (0.03, 0.07)):
        components = Components.of(MeanSquares.of(answers(rng, 400, items, sd)))
        draws = draws_needed(components, gain, items, most=60)
        if draws is None:
            continue
        means, squares = runs(rng, experiments, draws, items, sd, gain)
        p = tail(np.abs(means), *squares, draws, items)
        rows.append({
            "items": items, "sd": sd, "gain": gain, "draws": draws,
            "planned": power(components, gain, draws, items),
            "simulated": np.mean((p < 0.05) & (means > 0)),
        })  # fmt: skip
    return rows


def entity_f1(rng, draws, sentences, gain):
    """Return two arms' counts (right, predicted, there), the statistic and the true difference."""
    there = rng.integers(1, 5, sentences)
    predicted = rng.integers(1, 5, (2, draws, sentences))
    skill = 0.7 + rng.normal(0, 0.02, (2, draws, 1))
    skill[0] += gain
    most = np.minimum(predicted, there)
    counts = np.stack(
        [rng.binomial(most, skill), predicted, np.broadcast_to(there, most.shape)], axis=-1
    )
    pairs = [(i, j) for i in range(1, 5) for j in range(1, 5)]
    truth = gain * 2 * np.mean([min(pair) for pair in pairs]) / 5
    return *counts, lambda x, y: f1_of_counts(x) - f1_of_counts(y), truth


def perplexity(rng, draws, documents, gain):
    """Return two arms' losses of documents, the difference of perplexities, and its true value."""
    hard = rng.gamma(4, 0.25, documents)
    losses = (
        2 + hard + rng.normal(0, 0.02, (2, draws, 1)) + rng.normal(0, 0.3, (2, draws, documents))
    )
    losses[0] += gain
    truth = np.exp(3 + 0.02**2 / 2) * (np.exp(gain) - 1)
    return *losses[..., None], lambda x, y: np.exp(x[:, 0]) - np.exp(y[:, 0]), truth


def chrf(rng, draws, sentences, gain):
    """Return two arms' n-gram counts (hypothesis, reference, match, n = 1 to 6) and the same."""
    order = np.arange(6)
    length = rng.integers(10, 40, sentences)
    grams = length[:, None] - order

    def counted(skill):
        match = rng.binomial(grams, skill[..., None] ** (order + 1.0))
        both = np.broadcast_to(grams, match.shape)
        return np.stack([both, both, match], axis=-1).reshape(*match.shape[:-1], 18).astype(float)

    skill = 0.6 + rng.normal(0, 0.02, (2, draws, 1)) * np.ones(sentences)
    skill[0] += gain
    many = np.random.default_rng(1).normal(0, 0.02, 20_000)[:, None]
    # Precision and recall of order n are both skill ** n, so chrF is the mean of skill ** n.
    ends = [100 * np.mean((0.6 + many + g) ** (order + 1.0)) for g in (gain, 0.0)]
    return *(counted(one) for one in skill), score_difference("chrf", sentences), ends[0] - ends[1]


def macro_f1(rng, draws, scale, gain):
    """Return two arms' answers on 52 classes, 26 of them of five items or fewer, and the same.

    The truth is the expectation on these items' classes, from many runs.
    """
    truth = np.repeat(np.arange(52), RARE)
    share = RARE / RARE.sum()

    def said(skill, count):
        hard = rng.normal(0, 0.5, len(truth))
        right = rng.normal(0, 1, (count, len(truth))) + hard < skill
        return np.where(right, truth, rng.choice(52, (count, len(truth)), p=share))

    def counted(skill):
        return np.stack([contributions(truth, one, 52) for one in said(skill, draws)])

    key = (scale, gain)
    if key not in TRUTHS:
        many = [
            np.mean([
                macro_f1_of_means(contributions(truth, said(skill, 1)[0], 52).mean(0))
                for _ in range(1500)
            ]) for skill in (1.2 + gain, 1.2)
        ]  # fmt: skip
        TRUTHS[key] = many[0] - many[1], many[0]
    return counted(1.2 + gain), counted(1.2), macro_f1_difference, TRUTHS[key][0]


TRUTHS: dict = {}
RARE = np.array([1083, 696, 121, 87, 81, 75, 36, 30, 25, 22, 20, 18, 15, 13, 12, 11, 10, 9, 8, 7]
                + [6] * 6 + [5] * 4 + [4] * 4 + [3] * 6 + [2] * 6 + [1] * 6)  # fmt: skip
"""Items of each class, as in R52."""

MEASURES = {
    "entity F1": (entity_f1, 300, 0.05), "perplexity": (perplexity, 300, -0.1),
    "chrF": (chrf, 150, 0.05), "macro F1, rare classes": (macro_f1, 1, 0.3),
}  # fmt: skip


def coverage_of(name, experiments, draws=5, seed=0):
    """Return in how many experiments the interval over draws and items covers the truth."""
    make, items, gain = MEASURES[name]
    rng, covered = np.random.default_rng(seed), 0
    for _ in range(experiments):
        a, b, statistic, truth = make(rng, draws, items, gain)
        found = two_level_interval(a, b, statistic)
        covered += found.low <= truth <= found.high
    return covered / experiments


def rare_classes(experiments, seed=0):
    """Return coverage of bootstrap intervals over items of macro F1 with many rare classes."""
    rng, covered = np.random.default_rng(seed), np.zeros(2)
    for i in range(experiments):
        (a,), (b,), statistic, truth = macro_f1(rng, 1, 1, 0.3)
        alone = bootstrap_interval(a, macro_f1_of_means, resamples=500, seed=i)
        pair = paired_bootstrap(a, b, statistic, resamples=500, seed=i)
        covered += [
            alone.low <= TRUTHS[1, 0.3][1] <= alone.high, pair.low <= truth <= pair.high
        ]  # fmt: skip
    return covered / experiments


def seconds_to_judge(count=10_000, draws=10, items=2000):
    """Return the seconds that judging so many differences takes, all of them shown to decide."""
    tables = np.random.default_rng(0).integers(-1, 2, (100, draws, items), dtype=np.int8)
    started = time.perf_counter()
    found = two_level_intervals(tables[i % 100] for i in range(count))
    decisions = surviving({i: decide(one, 0.02) for i, one in enumerate(found)})
    assert len(decisions) == count
    return time.perf_counter() - started


def show(title, rows, noise=0.0):
    """Print rows as a table; return those that leave their limits by more than chance explains.

    ``noise`` is what a share of 5 % varies by in so many experiments: the limits of false findings
    are their nominal rates, so that half of all simulations would leave them by a little.
    """
    print(f"\n{title}")
    print("  " + "  ".join(f"{name:>13}" for name in rows[0]))
    broken = []
    for row in rows:
        cells = [f"{x:13.4f}" if isinstance(x, float) else f"{x:13d}" for x in row.values()]
        print("  " + "  ".join(cells))
        for name, (low, high) in LIMITS.items():
            if name in row and not low - noise <= row[name] <= high + noise:
                broken.append(f"{title}: {name} {row[name]:.4f}")
    return broken


def spread(count):
    """Return three standard errors of a share of 5 % among so many."""
    return 3 * np.sqrt(0.05 * 0.95 / count)


def show_tails(experiments):
    """Coverage, tail and equivalence of a single interval."""
    title = f"Right and wrong answers, no difference; {experiments:,} runs a row"
    return show(title, tails(experiments), spread(experiments))


def show_families(experiments):
    """Fifty questions without an answer."""
    count = experiments // 4
    return show(f"50 true nulls by Holm; {count:,} families a row", families(count), spread(count))


def show_verdicts(experiments):
    """The same with the whole rule of a verdict."""
    count = experiments // 40
    row = {"any false": verdicts(count)}
    title = f'50 verdicts, "no difference" among them; {count:,} families'
    return show(title, [row], spread(count))


def show_power(experiments):
    """Power as planned and as it comes out."""
    rows = planned(experiments // 5)
    show("Power, planned from a pilot run and simulated", rows)
    return [f"power {row}" for row in rows if abs(row["planned"] - row["simulated"]) > 0.05]


def show_measures(experiments):
    """Coverage of measures that are no means of items."""
    count, broken = max(experiments // 40, 20), []
    print(f"\nThe interval over 5 draws and items covers the truth, of {count} runs:")
    for name in MEASURES:
        share = coverage_of(name, count)
        print(f"  {name}: {share:.3f}")
        if share < 0.94 - spread(count):
            broken.append(f"coverage of {name}: {share:.3f}")
    alone, pair = rare_classes(count)
    print(f"over the items of one draw, macro F1 with rare classes: {alone:.2f}, pairs {pair:.2f}")
    return broken


def show_seconds(experiments):
    """How long ten thousand differences take."""
    seconds = seconds_to_judge(experiments)
    print(f"\n{experiments:,} differences of 10 draws x 2,000 items judged in {seconds:.1f} s")
    return ["more than 30 s"] * (seconds > 30)


PARTS = {
    "tails": show_tails, "families": show_families, "verdicts": show_verdicts,
    "power": show_power, "measures": show_measures, "seconds": show_seconds,
}  # fmt: skip


def main() -> None:
    """Print all tables, or some; exit with 1 where a share leaves its limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--experiments", type=int, default=10_000)
    chosen = parser.parse_args()
    broken = [
        line for part in chosen.parts or PARTS for line in PARTS[part](chosen.experiments)
    ]  # fmt: skip
    if broken:
        raise SystemExit("Out of their limits:\n" + "\n".join(broken))


if __name__ == "__main__":
    main()
