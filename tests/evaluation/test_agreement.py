"""Agreement of measures: against the definition by hand, and how often it errs."""

import numpy as np
import pytest
from scipy import stats

from helpers import UserError
from helpers.evaluation.agreement import agreement, agreement_of_all, tells_apart
from helpers.evaluation.bounds import Interval
from helpers.evaluation.decision import Decision, p_of_at_least

DF = 9
ERROR = 0.01
TIMES = 200


def gain(value, error=ERROR):
    half = stats.t(DF).ppf(0.975) * error
    return Interval(value, value - half, value + half, 10, 0.95, "t", df=DF)


def p(value):
    return 2 * stats.t(DF).sf(abs(value) / ERROR)


@pytest.mark.parametrize("sign", [1, -1])
def test_measures_that_agree_have_the_p_value_of_the_least_sure(sign):
    values = [0.08 * sign, 0.03 * sign, 0.05 * sign]
    found = agreement([gain(value) for value in values], 0.01)
    assert found.verdict == "supported"
    assert found.p == found.above == pytest.approx(p(0.03))
    assert found.below == 1.0


def test_opposed_measures_are_corrected_for_the_pair_having_been_picked():
    found = agreement([gain(value) for value in (0.08, 0.05, -0.06, 0.0)], 0.01)
    assert found.verdict == "contradicted"
    assert found.p == found.below == pytest.approx(4 * max(p(0.08), p(0.06)))
    assert found.above == 1.0
    # each alone is sure of its side at 5 %, and their opposition is not
    weak = agreement([gain(value) for value in (0.026, 0.001, -0.026, 0.0)], 0.01)
    assert p(0.026) < 0.05 and weak.verdict == "undecided" and weak.below > 0.05


def test_one_undecided_measure_leaves_it_open():
    assert agreement([gain(0.08), gain(0.01)], 0.01).verdict == "undecided"


def test_a_difference_too_small_to_matter_decides_nothing():
    tiny = [gain(0.004, 0.001), gain(0.004, 0.001)]
    assert agreement(tiny, 0.01).verdict == "undecided" and not tells_apart(tiny, 0.01)
    assert tells_apart([*tiny, gain(0.08)], 0.01)


def test_at_least_two_measures_and_one_comparison():
    with pytest.raises(UserError, match="between at least 2 measures, not 1"):
        agreement([gain(0.1)], 0.01)
    with pytest.raises(UserError, match="at least one comparison"):
        agreement_of_all([])


def of(verdict, above=1.0, below=1.0):
    return Decision(verdict, min(above, below), above, below, 1.0)


def test_over_comparisons_the_telling_ones_must_all_agree():
    agree, unsure = of("supported", 0.004), of("supported", 0.01)
    silent, half = of("undecided", 0.6), of("undecided", 0.3)
    found = agreement_of_all([(agree, True), (unsure, True), (silent, False), (silent, False)])
    assert found.verdict == "supported"
    assert found.p == p_of_at_least([0.004, 0.01, 1.0, 1.0], 2) == pytest.approx(0.03)
    assert agreement_of_all([(agree, True), (half, True)]).verdict == "undecided"
    assert agreement_of_all([(silent, False)]).verdict == "undecided"


def test_one_opposition_is_enough_and_corrected_for_how_many_were_looked_at():
    agree, opposed = of("supported", 0.004), of("contradicted", below=0.02)
    found = agreement_of_all([(agree, True), (opposed, True)])
    assert (found.verdict, found.p) == ("contradicted", 0.04)
    many = [(agree, True)] * 2 + [(opposed, True)]
    assert agreement_of_all(many).verdict == "undecided"


def simulated(truth, rho, times=TIMES, seed=0):
    """How often agreement is found, and opposition, of measures with these true differences.

    Noise of the measures is normal, correlated by ``rho``, and known by the t distribution.
    """
    rng = np.random.default_rng(seed)
    cover = np.linalg.cholesky(np.full((len(truth),) * 2, rho) + (1 - rho) * np.eye(len(truth)))
    found = {"supported": 0, "contradicted": 0, "undecided": 0}
    for _ in range(times):
        draws = np.array(truth) + rng.normal(size=(DF + 1, len(truth))) @ cover.T * ERROR * np.sqrt(
            DF + 1
        )
        errors = draws.std(0, ddof=1) / np.sqrt(DF + 1)
        gains = [gain(m, e) for m, e in zip(draws.mean(0), errors, strict=True)]
        found[agreement(gains, 0.0001).verdict] += 1
    return {name: count / times for name, count in found.items()}


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_errors_are_at_most_five_percent(rho):
    limit = 0.05 + 3 * np.sqrt(0.05 * 0.95 / TIMES)
    nothing = simulated([0.0, 0.0, 0.0, 0.0], rho)
    assert nothing["supported"] <= limit and nothing["contradicted"] <= limit
    one_lacks = simulated([0.1, 0.1, 0.1, 0.0], rho)
    assert one_lacks["supported"] <= limit and one_lacks["contradicted"] <= limit
    agree = simulated([0.1, 0.1, 0.1, 0.1], rho)
    assert agree["supported"] > 0.95
