"""Scores of translations: BLEU, chrF and intact placeholders, and the difference of two systems.

BLEU and chrF are sacrebleu's, from its own counts. Shapes: n sentences, k counts of a sentence, m
resamples.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics import BLEU, CHRF

from helpers import UserError
from helpers.evaluation.intervals import Interval, paired_bootstrap
from helpers.sources.messages import placeholders

Measure = Literal["bleu", "chrf"]

Items = Mapping[str, Sequence[str]]
"""Pairs: columns ``source`` and ``target`` of a data set, or a dictionary of lists."""


def scores(translations: Sequence[str], items: Items) -> dict[str, float]:
    """Return BLEU and chrF of all translations, and the share with intact placeholders.

    ``bleu`` (Papineni et al. 2002) on Chinese characters and ``chrf`` (Popović 2015) are in
    [0, 100], see :func:`signatures`. ``placeholders`` is in [0, 1]: of the sources that have any,
    how many translations hold the very same ones; nan where no source has any.

    Args:
        translations: n texts, "" among them at will.
        items: n pairs, ``source`` and ``target``, in the same order.

    Raises:
        UserError: not one translation for each item, or none at all.

    >>> items = {"source": ["Open %s", "Close"], "target": ["打开 %s", "关闭"]}
    >>> {name: round(value) for name, value in scores(["打开 %s", "关闭"], items).items()}
    {'bleu': 100, 'chrf': 100, 'placeholders': 1}
    """
    _check_paired(translations, items)
    references = [items["target"][:]]
    found = {
        name: float(metric.corpus_score(list(translations), references).score)
        for name, metric in _metrics().items()
    }
    intact = placeholders_intact(translations, items)
    asked = ~np.isnan(intact)
    found["placeholders"] = float(intact[asked].mean()) if asked.any() else float("nan")
    return found


def signatures() -> dict[str, str]:
    """Return sacrebleu's signature of each measure: what makes a number comparable.

    >>> signatures()["bleu"]
    'nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:2.6.0'
    """
    found = {}
    for name, metric in _metrics().items():
        metric.corpus_score(["文"], [["文"]])  # the number of references is known only now
        found[name] = str(metric.get_signature())
    return found


def placeholders_intact(translations: Sequence[str], items: Items) -> npt.NDArray[np.float64]:
    """Return for each item 1 (the source's placeholders, no others), 0, or nan (it has none), (n,).

    >>> items = {"source": ["Open %s", "Open %s", "Open"]}
    >>> placeholders_intact(["打开 %s", "打开", "打开"], items)
    array([ 1.,  0., nan])
    """
    return np.array(
        [
            float(placeholders(text) == asked) if (asked := placeholders(source)) else np.nan
            for text, source in zip(translations, items["source"], strict=True)
        ]
    )


def statistics(
    translations: Sequence[str], items: Items, measure: Measure
) -> npt.NDArray[np.float64]:
    """Return what sacrebleu counts in each sentence, (n, k); the score is a function of the sums.

    Raises:
        UserError: not one translation for each item, or no such measure.
    """
    _check_paired(translations, items)
    # What sacrebleu's own paired tests start from; its public methods give chrF no counts.
    counts = _metric(measure)._extract_corpus_statistics(list(translations), [items["target"][:]])
    return np.array(counts, dtype=float)


def corpus_score(measure: Measure, n: int) -> Callable[[npt.ArrayLike], npt.NDArray[np.float64]]:
    """Return sacrebleu's score as a function of mean counts of ``n`` sentences, (..., k) -> (...).

    The score is in [0, 100].

    BLEU's smoothing ("exp") stands in for a match count of exactly 0. Where one sentence alone has
    the matches of an order, leaving it out turns smoothing on, which moves the score by more than
    the sentence: a jackknife over few, poor translations then has too large a spread for BLEU. chrF
    has no smoothing and does not jump; judge by chrF.

    >>> items = {"target": ["打开文件", "关闭"]}
    >>> counts = statistics(["打开文件", "关上"], items, "chrf")
    >>> corpus_score("chrf", 2)(counts.mean(0)).round(1)
    np.float64(89.6)
    """
    metric = _metric(measure)

    def one(means: npt.NDArray[np.float64]) -> float:
        sums = (means * n).tolist()
        if measure == "chrf":
            return float(metric._compute_score_from_stats(sums).score)
        # Lengths must be whole numbers, also where the mean leaves a sentence out; only their ratio
        # counts.
        ours, theirs = np.rint(means[:2] * n * max(n - 1, 1)).astype(int).tolist()
        return float(
            BLEU.compute_bleu(sums[2:6], sums[6:], ours, theirs, smooth_method="exp").score
        )

    def every(means: npt.ArrayLike) -> npt.NDArray[np.float64]:
        table = np.asarray(means, float)
        scores = np.array([one(row) for row in table.reshape(-1, table.shape[-1])])
        return scores.reshape(table.shape[:-1])[()]

    return every


def difference(measure: Measure, n: int) -> Callable[..., npt.NDArray[np.float64]]:
    """Return the statistic a - b of two systems' mean counts, for :mod:`helpers.evaluation`.

    With :func:`statistics` of several seeds, (seeds, n, k), it goes into ``two_level_interval``.
    """
    score = corpus_score(measure, n)
    return lambda means_a, means_b: np.atleast_1d(score(means_a) - score(means_b))


def paired_difference(
    a: Sequence[str],
    b: Sequence[str],
    items: Items,
    measure: Measure = "chrf",
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Return the difference a - b of two systems on the same sentences, with its interval.

    A paired bootstrap over sentences (BCa, :func:`helpers.evaluation.intervals.paired_bootstrap`)
    of the corpus score, on sacrebleu's counts of each sentence. sacrebleu's own paired test draws
    the same way, but gives a p-value and an interval of each system, none of the difference.
    Source of the method: Koehn 2004 (EMNLP).

    Raises:
        UserError: not one translation for each item from both; fewer than two items.

    >>> items = {"target": ["打开文件", "关闭", "保存", "文件已保存"] * 9}
    >>> a, b = ["打开文件", "关闭", "存", "文件"] * 9, ["开", "关", "存", "已"] * 9
    >>> print(paired_difference(a, b, items))
    19.377 [4.127, 35.747]
    """
    return paired_bootstrap(
        statistics(a, items, measure),
        statistics(b, items, measure),
        difference(measure, len(items)),
        resamples=resamples,
        seed=seed,
    )


def _metrics() -> dict[str, Any]:
    return {"bleu": BLEU(tokenize="zh"), "chrf": CHRF()}


def _metric(measure: str) -> Any:
    if measure not in _metrics():
        raise UserError(f"measure must be bleu or chrf, not {measure!r}.")
    return _metrics()[measure]


def _check_paired(translations: Sequence[str], items: Items) -> None:
    n = len(items["target"])
    if len(translations) != n:
        raise UserError(
            f"{len(translations)} translations were given for {n} sentences; each needs exactly "
            "one, in the same order."
        )
    if not n:
        raise UserError("There are no translations to score; give at least one.")
