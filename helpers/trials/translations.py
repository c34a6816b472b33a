"""Stored translations for a notebook: a comparison by chrF or BLEU, and the texts themselves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from helpers.evaluation.comparison import Comparison
from helpers.tasks.translation_scores import Measure, corpus_score
from helpers.trials import reading, searches, studies
from helpers.trials.reading import Read, draws_of
from helpers.trials.translating import texts_in

BROKEN = "\ufffd"
"""Stands where bytes are no character of UTF-8."""


def read(asked: studies.Question, *how: Any) -> Read:
    """Return what :func:`helpers.trials.reading.read` does, of the arms that have a setting.

    Arms whose setting has been found nowhere yet are named in the sentence, and what is read is
    then not complete.

    Args:
        asked: the question.
        how: the other arguments of that function.

    Raises:
        UserError: as that function; also where no arm has a setting.
    """
    without = searches.unsearched(asked)
    if not without or len(without) == len(asked.arms):
        return reading.read(asked, *how)
    arms = [arm for arm in asked.arms if arm not in without]
    found = reading.read(replace(asked, arms=arms), *how)
    left = f" No setting of {', '.join(without)} has been found yet: left out, so no verdict."
    sentence = found.sentence + left.replace("_", " ")
    return replace(found, sentence=sentence, complete=False)


def translated(read: Read, measure: Measure = "chrf") -> Comparison:
    """Return the arms by their chrF or BLEU, in [0, 100], of all items of a draw together.

    Both are scores of a whole corpus and no means of sentences: what is compared are sacrebleu's
    counts of each sentence, and the score is worked out from the counts of whatever sentences an
    interval asks for.

    Args:
        read: of a translation study.
        measure: "chrf" or "bleu".
    """
    counts = {
        key: np.stack([outcome.items[measure] for outcome in each.values()]).astype(float)
        for key, each in read.outcomes.items()
    }
    n = next(iter(counts.values())).shape[1]
    return Comparison(counts, corpus_score(measure, n), measure, draws_of(read))


def written(read: Read, arm: str, labels: int, draw: int = 0) -> list[str]:
    """Return the texts that an arm wrote in a draw, one an item."""
    return texts_in(read.outcomes[arm, labels][draw].items["written"])


def broken_share(texts: Sequence[str]) -> float:
    """Return the share of texts with bytes that are no character, in [0, 1].

    >>> broken_share(["打开", "打\ufffd"])
    0.5
    """
    return float(np.mean([BROKEN in text for text in texts]))
