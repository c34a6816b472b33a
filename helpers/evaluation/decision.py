"""What a difference decides, with the p-value of just that: one rule for all verdicts.

With the smallest effect that matters, m, in the unit of the score:

- *no difference* where the 90 % interval lies inside ±m (two one-sided tests); it takes precedence;
- *supported* where the lower bound of the 95 % interval is above 0 and the estimate at least m;
- *contradicted* likewise below;
- *undecided* otherwise.

A difference is tested twice, for lying off 0 and for lying inside ±m. At most one of the two null
hypotheses is true, so a question is *one* test in Holm's list, with the p-value of its verdict.
Several pieces of one claim are combined before that: :func:`combine`.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from helpers import UserError
from helpers.evaluation.bounds import Interval
from helpers.evaluation.multiple_tests import holm, p_values_of

Verdict = Literal["supported", "contradicted", "no difference", "undecided"]
Need = Literal["all", "any"] | int
Name = TypeVar("Name", bound=Hashable)

LEVEL = 0.05
"""The chance of a false finding that is put up with."""


@dataclass(frozen=True)
class Decision:
    """A verdict and its p-value.

    Attributes:
        verdict: by the module's rule.
        p: of the verdict that was given; for "undecided" of a difference from 0. In [0, 1].
        above: p-value of "it lies above 0": two-sided, so that 0.05 is the 95 % interval's bound.
        below: of "it lies below 0", likewise.
        alike: of "it lies inside ±m", see :func:`equivalence_p`.
    """

    verdict: Verdict
    p: float
    above: float
    below: float
    alike: float


def equivalence_p(interval: Interval, smallest: float) -> float:
    """Return the p-value of "the true difference lies inside ±smallest", in [0, 1].

    The larger of two one-sided tests, against -m and against m; below 0.05 just where the 90 %
    interval lies inside ±m. 1 without bounds. Source: Schuirmann 1987 (Journal of Pharmacokinetics
    and Biopharmaceutics 15); Lakens 2017, *Equivalence tests* (SPPS 8).

    Args:
        interval: of a difference, with mean squares or degrees of freedom.
        smallest: effect that matters, m, above 0, in the unit of the difference.

    Raises:
        UserError: m is not above 0, or the interval has no p-value.

    >>> over_draws = Interval(0.002, -0.004, 0.008, 10, 0.95, "t over seeds", df=9)
    >>> round(equivalence_p(over_draws, smallest=0.02), 5), equivalence_p(over_draws, 0.005) > 0.05
    (4e-05, True)
    """
    if not 0 < smallest < np.inf:
        raise UserError(
            f"The smallest effect that matters must be above 0, not {smallest}: no measurement can "
            "show a difference of exactly nothing."
        )
    return max(interval.p(-smallest, "greater"), interval.p(smallest, "less"))


def decide(interval: Interval, smallest: float) -> Decision:
    """Return what an interval of a difference decides; the rule stands at the module's head.

    Args:
        interval: of a difference (higher is better) with mean squares or degrees of freedom.
        smallest: effect that matters, m, above 0, in the unit of the difference.

    Raises:
        UserError: m is not above 0, or the interval has no p-value, as one over the items of one
            training alone.

    >>> gain = Interval(0.05, 0.01, 0.09, 10, 0.95, "t over seeds", df=9)
    >>> decide(gain, smallest=0.02).verdict, decide(gain, smallest=0.06).verdict
    ('supported', 'undecided')
    >>> decide(gain, smallest=0.2).verdict
    'no difference'
    """
    alike = equivalence_p(interval, smallest)
    off_zero = interval.p()
    above = off_zero if interval.value > 0 else 1.0
    below = off_zero if interval.value < 0 else 1.0
    verdict: Verdict = "undecided"
    p = min(above, below)
    if alike < LEVEL:
        verdict, p = "no difference", alike
    elif above < LEVEL and interval.value >= smallest:
        verdict, p = "supported", above
    elif below < LEVEL and interval.value <= -smallest:
        verdict, p = "contradicted", below
    return Decision(verdict, p, above, below, alike)


def p_of_at_least(p_values: Sequence[float], k: int) -> float:
    """Return the p-value of "at least k of these m hold", in [0, 1].

    (m - k + 1) times the k-th smallest: for all of them (k = m) the largest, for any of them
    (k = 1, or the best of m) Bonferroni's m times the smallest. Valid whatever the tests have to do
    with each other. Source: Benjamini & Heller 2008, *Screening for partial conjunction hypotheses*
    (Biometrics 64).

    Raises:
        UserError: no p-values, one outside [0, 1], or k that is not from 1 to m.

    >>> p_of_at_least([0.01, 0.04, 0.2], k=3), p_of_at_least([0.01, 0.04, 0.2], k=1)
    (0.2, 0.03)
    """
    p = np.sort(p_values_of(p_values))
    if not 1 <= k <= len(p) or int(k) != k:
        raise UserError(f"Of {len(p)} pieces at least 1 to {len(p)} can be needed, not {k}.")
    return float(min(1.0, (len(p) - k + 1) * p[int(k) - 1]))


def combine(pieces: Sequence[Decision], need: Need = "all") -> Decision:
    """Return the decision on a claim that promises all, any, or at least so many of its pieces.

    *Supported* where so many pieces are, with the p-value of :func:`p_of_at_least` among them: the
    largest for "all", the smallest times their number for "any" and for the best of several.
    *Contradicted* where so many are that the claim cannot hold: one is enough for "all", with its
    p-value times their number; for "any" it takes all. *No difference* where every piece says so.
    *Undecided* otherwise, also where the combined p-value is above 0.05.

    Args:
        pieces: the decisions, each on its own question.
        need: "all", "any" or a whole number from 1 to how many there are.

    Raises:
        UserError: no piece, or a ``need`` that is not among these.

    >>> def piece(p, verdict="supported"):
    ...     return Decision(verdict, p, above=p, below=1.0, alike=1.0)
    >>> combine([piece(0.001), piece(0.03)]).p, combine([piece(0.001), piece(0.03)], "any").p
    (0.03, 0.002)
    >>> combine([piece(0.03), piece(0.3, "undecided")], "any").verdict  # the best of two: 0.06
    'undecided'
    """
    count = len(pieces)
    if not count:
        raise UserError("A claim needs at least one piece to be judged.")
    words: dict[Need, int] = {"all": count, "any": 1}
    k = words.get(need, need)
    if isinstance(k, str):
        raise UserError(f"need must be all, any or a number of pieces, not {need!r}.")

    def chance(verdict: Verdict, of: str, least: int) -> float:
        """Among pieces of that verdict; the others do not count towards it."""
        each = [getattr(piece, of) if piece.verdict == verdict else 1.0 for piece in pieces]
        return p_of_at_least(each, least)

    of_verdict: dict[Verdict, float] = {
        "supported": chance("supported", "above", k),
        "contradicted": chance("contradicted", "below", count - k + 1),
        "no difference": chance("no difference", "alike", count),
    }
    above = p_of_at_least([piece.above for piece in pieces], k)
    below = p_of_at_least([piece.below for piece in pieces], count - k + 1)
    alike = max(piece.alike for piece in pieces)
    for verdict, p in of_verdict.items():
        if p <= LEVEL:
            return Decision(verdict, p, above, below, alike)
    return Decision("undecided", above, above, below, alike)


def surviving(decisions: Mapping[Name, Decision]) -> dict[Name, Decision]:
    """Return the decisions on all questions of a report, with p-values adjusted by Holm's steps.

    ``p`` is the adjusted one; a verdict whose p is above 0.05 becomes "undecided". The chance of
    any false finding among all questions is then at most 0.05.

    >>> lucky = Decision("supported", 0.04, above=0.04, below=1.0, alike=1.0)
    >>> {name: one.verdict for name, one in surviving({"a": lucky, "b": lucky}).items()}
    {'a': 'undecided', 'b': 'undecided'}
    """
    if not decisions:
        return {}
    adjusted = holm([decision.p for decision in decisions.values()])
    return {
        name: replace(decision, p=float(p), verdict=decision.verdict if p <= LEVEL else "undecided")
        for (name, decision), p in zip(decisions.items(), adjusted, strict=True)
    }
