"""Whether several measures agree about which of two arms is better.

One comparison of two arms has a difference by each of several measures (accuracy, precision,
recall, F1), all from the same answers. The measures *agree* where all of the differences lie on the
same side of zero, and are *opposed* where one lies above zero and another below. Both are
statements about several differences at once, and each gets one p-value:

- *agree*: the largest of the p-values, where all differences have one sign, else 1. It is a test of
  a union of null hypotheses by the intersection of their rejections: not to agree, one difference
  must be at most 0 and one at least 0, and each side is rejected wrongly with half the p-value.
- *opposed*: of k measures one lies above and one below; each half is k times its smallest p-value
  (Bonferroni, as the pair is picked from k), and the larger of the two is taken.

Source: Berger 1982, *Multiparameter hypothesis testing and acceptance sampling* (Technometrics 24).
"""

from collections.abc import Sequence

from helpers import UserError
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import LEVEL, Decision, Verdict, decide, p_of_at_least

DECIDED: tuple[Verdict, ...] = ("supported", "contradicted")
"""What a single difference decides where it says which arm is better."""


def tells_apart(gains: Sequence[Interval], smallest: float) -> bool:
    """Tell whether one measure, at least, says which of the two arms is better.

    Args:
        gains: (k,) the difference by each measure.
        smallest: difference that matters, above 0, in the unit of the measures.

    Raises:
        UserError: as :func:`helpers.evaluation.decision.decide`.

    >>> sure = Interval(0.05, 0.01, 0.09, 10, 0.95, "t over seeds", df=9)
    >>> doubtful = Interval(0.02, -0.02, 0.06, 10, 0.95, "t over seeds", df=9)
    >>> tells_apart([doubtful, sure], 0.01), tells_apart([doubtful], 0.01)
    (True, False)
    """
    return any(decide(gain, smallest).verdict in DECIDED for gain in gains)


def agreement(gains: Sequence[Interval], smallest: float) -> Decision:
    """Return whether the measures agree about two arms; the p-values stand at the module's head.

    *Supported* where each of them alone says the same of which arm is better, *contradicted* where
    two say opposite things and their opposition survives its correction, *undecided* otherwise.

    Args:
        gains: (k,) the difference by each measure, at least 2 of them.
        smallest: difference that matters, above 0, in the unit of the measures.

    Returns:
        A decision: ``above`` is the p-value of "they agree", ``below`` of "they are opposed".

    Raises:
        UserError: fewer than two measures; as :func:`helpers.evaluation.decision.decide`.

    >>> better = Interval(0.05, 0.01, 0.09, 10, 0.95, "t over seeds", df=9)
    >>> worse = Interval(-0.09, -0.11, -0.07, 10, 0.95, "t over seeds", df=9)
    >>> agreement([better, better], 0.01).verdict, agreement([better, worse], 0.01).verdict
    ('supported', 'contradicted')
    """
    if len(gains) < 2:
        raise UserError(f"Agreement is between at least 2 measures, not {len(gains)}.")
    each = [decide(gain, smallest) for gain in gains]
    above, below = [decision.above for decision in each], [decision.below for decision in each]
    agree = min(max(above), max(below))
    opposed = max(p_of_at_least(above, 1), p_of_at_least(below, 1))
    verdicts = {decision.verdict for decision in each}
    if len(verdicts) == 1 and verdicts <= {*DECIDED}:
        return Decision("supported", agree, agree, opposed, 1.0)
    if verdicts >= {*DECIDED} and opposed <= LEVEL:
        return Decision("contradicted", opposed, agree, opposed, 1.0)
    return Decision("undecided", agree, agree, opposed, 1.0)


def agreement_of_all(comparisons: Sequence[tuple[Decision, bool]]) -> Decision:
    """Return whether measures agree in every comparison in which one of them tells arms apart.

    *Supported* where they do in all k of those, of m comparisons made: "at least k of m agree",
    with the p-value of :func:`helpers.evaluation.decision.p_of_at_least`. That k is read off the
    data does no harm: a statement for a k that is too large is false for the true number plus 1
    already, and that alone must be rejected wrongly. *Contradicted* where they are opposed in one,
    with its p-value times m.

    Args:
        comparisons: (m,) what :func:`agreement` says of each, and whether it tells arms apart.

    Raises:
        UserError: no comparison.

    >>> agree, silent = Decision("supported", 0.01, 0.01, 1.0, 1.0), Decision("undecided", *4 * [1])
    >>> agreement_of_all([(agree, True), (silent, False)]).verdict
    'supported'
    """
    if not comparisons:
        raise UserError("Agreement needs at least one comparison to be judged.")
    telling = [decision for decision, tells in comparisons if tells]
    agree = 1.0
    if telling and all(decision.verdict == "supported" for decision in telling):
        counted = [decision.above if tells else 1.0 for decision, tells in comparisons]
        agree = p_of_at_least(counted, len(telling))
    opposed = p_of_at_least(
        [d.below if d.verdict == "contradicted" else 1.0 for d, _ in comparisons], 1
    )
    verdict: Verdict = "undecided"
    if agree <= LEVEL:
        verdict = "supported"
    elif opposed <= LEVEL:
        verdict = "contradicted"
    return Decision(verdict, opposed if verdict == "contradicted" else agree, agree, opposed, 1.0)
