"""Scores against sacrebleu and by hand; the difference against a bootstrap done plainly."""

import numpy as np
import pytest
import sacrebleu
from datasets import Dataset
from sacrebleu.significance import PairedTest

from helpers import UserError
from helpers.evaluation.intervals import two_level_interval
from helpers.tasks.translation_scores import (
    _metrics,
    corpus_score,
    difference,
    paired_difference,
    placeholders_intact,
    scores,
    signatures,
    statistics,
)


def items(targets, sources=None):
    return Dataset.from_dict({"source": sources or ["x"] * len(targets), "target": targets})


def made_up(n, keep, seed=0):
    """References of random characters, and translations that keep each of them so often."""
    rng = np.random.default_rng(seed)
    characters = list("天地玄黄宇宙洪荒日月盈昃辰宿列张ab %")
    references = ["".join(rng.choice(characters, rng.integers(1, 12))) for _ in range(n)]
    return references, [
        "".join(c if rng.random() < keep else rng.choice(characters) for c in text)
        for text in references
    ]


def test_a_case_worked_by_hand():
    found = scores(["打开文件"], items(["打开文档"]))
    # 3 of 4 characters agree, 2 of 3 pairs, 1 of 2 triples, none of one run of four.
    assert found["bleu"] == pytest.approx(100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** (1 / 4))
    assert found["chrf"] == pytest.approx(100 * (3 / 4 + 2 / 3 + 1 / 2 + 0) / 4)
    assert np.isnan(found["placeholders"])


def test_the_scores_are_sacrebleus():
    references, translations = made_up(50, 0.7)
    found = scores(translations, items(references))
    assert found["bleu"] == sacrebleu.corpus_bleu(translations, [references], tokenize="zh").score
    assert found["chrf"] == sacrebleu.corpus_chrf(translations, [references]).score
    assert f"version:{sacrebleu.__version__}" in signatures()["chrf"]


@pytest.mark.parametrize("measure", ["bleu", "chrf"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.8])  # 0.0: no run of four agrees, which is smoothed
def test_sums_of_the_counts_give_the_corpus_score(measure, keep):
    references, translations = made_up(30, keep)
    data = items(references)
    counts = statistics([*translations[:-1], ""], data, measure)
    expected = scores([*translations[:-1], ""], data)[measure]
    score = corpus_score(measure, 30)
    assert score(counts.mean(0)) == pytest.approx(expected, abs=1e-9)
    several = np.stack([counts.mean(0)] * 6).reshape(2, 3, -1)
    assert score(several).shape == (2, 3)
    assert score(several) == pytest.approx(np.full((2, 3), expected), abs=1e-9)


def test_placeholders_have_to_be_the_same_ones():
    sources = ["Open %s", "{a} of {b}", "Close", "%d", "%d"]
    found = ["打开 %s", "{b} 的 {a}", "关闭 %s", "%s", "%d %d"]
    data = items(["文"] * 5, sources)
    assert placeholders_intact(found, data).tolist() == pytest.approx(
        [1, 1, np.nan, 0, 0], nan_ok=True
    )
    assert scores(found, data)["placeholders"] == 0.5


@pytest.mark.parametrize("measure", ["bleu", "chrf"])
def test_the_difference_is_that_of_a_plain_bootstrap(measure):
    references, good = made_up(80, 0.8)
    _, poor = made_up(80, 0.6)
    found = paired_difference(good, poor, items(references), measure, resamples=2000)
    mirrored = paired_difference(poor, good, items(references), measure, resamples=2000)
    metric = _metrics()[measure]

    def score(texts, rows):
        chosen = [[texts[i] for i in rows], [references[i] for i in rows]]
        return metric.corpus_score(chosen[0], chosen[1:]).score

    everything = range(80)
    assert found.value == pytest.approx(score(good, everything) - score(poor, everything))
    assert mirrored.value == pytest.approx(-found.value)
    rng = np.random.default_rng(1)
    drawn = [rng.integers(0, 80, 80) for _ in range(300)]
    plain = [score(good, rows) - score(poor, rows) for rows in drawn]
    low, high = np.quantile(plain, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.2 * (high - low))
    assert found.high == pytest.approx(high, abs=0.2 * (high - low))


@pytest.mark.parametrize(("keep", "differ"), [(0.6, True), (0.79, False)])
def test_it_agrees_with_the_paired_test_of_sacrebleu(keep, differ):
    references, good = made_up(80, 0.8)
    poor = made_up(80, keep)[1]
    systems = [("good", good), ("poor", poor)]
    test = PairedTest(systems, {"chrF": _metrics()["chrf"]}, [references], "bs", n_samples=500)
    p = test()[1]["chrF2"][1].p_value
    found = paired_difference(good, poor, items(references))
    assert (p < 0.05) == (found.low > 0) == differ


def test_several_seeds_go_into_a_two_level_interval():
    references, good = made_up(60, 0.8)
    data = items(references)
    a = [statistics(good, data, "bleu"), statistics(made_up(60, 0.79)[1], data, "bleu")]
    b = [statistics(made_up(60, keep)[1], data, "bleu") for keep in (0.5, 0.52)]
    found = two_level_interval(a, b, difference("bleu", 60))
    assert found.low > 0 and found.high < 100


def test_bad_input_is_a_sentence():
    with pytest.raises(UserError, match="2 translations were given for 1 sentences"):
        paired_difference(["文", "文"], ["文"], items(["文"]))
    with pytest.raises(UserError, match="no translations to score"):
        scores([], items([]))
    with pytest.raises(UserError, match="measure must be bleu or chrf, not 'ter'"):
        statistics(["文"], items(["文"]), "ter")
