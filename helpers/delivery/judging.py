"""How good is what was taken? Asked of the texts that were set aside and chose nothing.

Where labels are few, a model that learns from 70 % of them is worse than the one that is delivered,
which learns from all: of 100 files of 200 labels the interval missed the truth in 15, each time
from below (``tests.bench.estimate``). So the texts set aside are then dealt into parts, and each
part is answered by a model that learned from all other labels, those of the other parts too. None
of these texts has chosen a candidate or a setting, and none is answered by a model that was fitted
to it or to a near twin of it: twins are in one part. Then it missed in 7 of 100. (It is the
cross-fitting of Chernozhukov et al. 2018, *Double/debiased machine learning*, Econometrics Journal
21, section 3, with the choice made outside.)
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold

from helpers.delivery import choose
from helpers.delivery.choose import Tried
from helpers.delivery.contest import Contest
from helpers.delivery.models import Floats
from helpers.delivery.tuning import Tuning
from helpers.sources.duplicates import Shingles, near_pairs

PARTS = 5


def is_dear(tried: Tried) -> bool:
    """Tell whether one more training, only to judge it or for a curve, is not worth its time."""
    return isinstance(tried.candidate, Tuning)


def judge(contest: Contest, tried: Tried, *, own_test: bool) -> tuple[Floats, int]:
    """Return what a candidate says of the n texts that chose nothing, and how it learned to.

    Args:
        contest: that it won, or lost.
        tried: the candidate and its setting.
        own_test: the texts came as a file of their own, from which nothing is learned.

    Returns:
        (n, c) probabilities, and the labels behind them (the fewest of any part).
    """
    if is_dear(tried) and tried.model is not None:
        probabilities = tried.model.probabilities(contest.unseen)
        return choose.tempered(probabilities, tried.setting["temperature"]), tried.labels
    n = len(contest.unseen)
    few = not own_test and len(contest.texts) < choose.FEW
    groups = twins_of(contest.unseen) if few else []
    if len(set(groups)) < PARTS:
        return _answers(contest, tried, np.arange(n), np.arange(0))
    found, behind = [], []
    dealt = GroupKFold(PARTS, shuffle=True, random_state=0)
    parts = [(asked, learned) for learned, asked in dealt.split(np.zeros(n), groups=groups)]
    for asked, learned in parts:
        probabilities, labels = _answers(contest, tried, asked, learned)
        found.append(probabilities)
        behind.append(labels)
    order = np.argsort(np.concatenate([asked for asked, _ in parts]))
    return np.concatenate(found)[order], min(behind)


def twins_of(texts: Sequence[str]) -> list[int]:
    """Return a number for each text, the same for those that are near twins of each other.

    >>> twins_of(["the price of oil rose by two on monday", "a ship sank", "A ship sank!"])
    [0, 1, 1]
    """
    rows = np.arange(len(texts))
    pairs = [(i, j) for i, j, _ in near_pairs(Shingles(texts), rows, rows)]
    i, j = np.array(pairs).T
    table = coo_array((np.ones(len(pairs)), (i, j)), shape=(len(texts), len(texts)))
    found: list[int] = connected_components(table, directed=False)[1].tolist()
    return found


def _answers(
    contest: Contest, tried: Tried, asked: choose.Labels, learned: choose.Labels
) -> tuple[Floats, int]:
    """Return answers to some texts set aside, by a model that learned from others of them too."""
    texts = contest.texts + [contest.unseen[i] for i in learned]
    labels = np.concatenate([contest.labels, contest.truth[learned]])
    texts, labels = contest.readable(tried, texts, labels)
    (model,) = tried.candidate.fit(texts, labels, len(contest.names), [tried.setting])
    return model.probabilities([contest.unseen[i] for i in asked]), len(texts)
