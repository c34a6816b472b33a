"""Evidence from a comparison: what the rules ask, no more and no less."""

import numpy as np
import pytest

from helpers import UserError
from helpers.claims.gathering import gather
from helpers.claims.statements import Rules
from helpers.evaluation.bounds import Interval
from helpers.evaluation.comparison import Comparison
from helpers.evaluation.intervals import seed_interval

DEFAULTS = {"smallest": 0.01, "draws": 5, "items": 100}
NONE_SHARED = {64: 0.0, 256: 0.0}


def rules(*pieces, overlap=0.05, **more):
    claims = [
        {"id": "C01", "section": "1", "statement": "It helps.", "reading": "It scores higher.",
         "pieces": list(pieces)} | more
    ]  # fmt: skip
    studies = {"topics": {"floor": "majority", "overlap": overlap}}
    return Rules.model_validate({"defaults": DEFAULTS, "studies": studies, "claims": claims})


def asks(**more):
    given = {"task": "topics", "study": "topics", "arm": "tuned", "than": ["scratch"], "labels": 64}
    return given | more


def arms(**rates):
    """Arms that are right with these rates, six draws of 300 items, at 64 and 256 labels."""
    rng = np.random.default_rng(0)
    return Comparison(
        {(arm, n): rng.random((6, 300)) < rate for arm, rate in rates.items() for n in (64, 256)}
    )


RATES = {"tuned": 0.9, "scratch": 0.7, "tfidf": 0.8, "majority": 0.5}


def test_a_piece_is_a_difference_with_all_that_its_judgement_needs():
    compared = arms(**RATES)
    flops = {("tuned", 64): 1e12, ("scratch", 64): 4e12}
    made_on = {("tuned", 64): ["b", "a"], ("scratch", 64): ["a"]}
    more = {"overlap": NONE_SHARED, "flops": flops, "made_on": made_on}
    (found,) = gather("topics", compared, rules=rules(asks()), **more)
    expected = compared.difference("tuned", "scratch", 64)
    assert (found.value, found.interval.low) == (expected.value, expected.low)
    assert found.interval.squares.draws == found.seeds == 6 and found.n == 300
    where = found.measured
    assert where.learned == {"tuned": True, "scratch": True}
    assert (where.cost_ratio, where.overlap, where.measure) == (0.25, 0.0, "accuracy")
    assert where.devices == {"tuned": ["a", "b"], "scratch": ["a"]}
    assert found.note == "topics, 64 labels: tuned − scratch, accuracy" and found.verdict is None


def test_an_arm_that_learned_nothing_is_marked():
    compared = arms(**RATES | {"scratch": 0.5})
    (found,) = gather("topics", compared, overlap=NONE_SHARED, rules=rules(asks()))
    assert found.measured.learned == {"tuned": True, "scratch": False}
    assert found.measured.cost_ratio is None


def test_every_arm_that_it_is_held_against_gives_a_difference():
    asked = rules(asks(than=["scratch", "tfidf"]), asks(labels=256), asks(labels=1024))
    found = gather("topics", arms(**RATES), overlap=NONE_SHARED, rules=asked)
    assert [(each.measured.than, each.measured.labels) for each in found] == [
        ("scratch", 64), ("tfidf", 64), ("scratch", 256)
    ]  # fmt: skip


KEPT = {"arm": "pruned", "of": "tuned", "keeps": 0.9}


def test_keeping_a_share_of_a_gain_is_a_difference_with_bytes_beside_it():
    compared = arms(**RATES | {"pruned": 0.89})
    sizes = {("pruned", 64): 30e6, ("tuned", 64): 90e6}
    asked = rules(asks(**KEPT))
    (found,) = gather("topics", compared, overlap=NONE_SHARED, sizes=sizes, rules=asked)
    pruned, tuned, scratch = (
        compared.by_draw(arm, 64).mean() for arm in ("pruned", "tuned", "scratch")
    )
    assert found.value == pytest.approx(pruned - scratch - 0.9 * (tuned - scratch))
    assert found.interval.squares.draws == 6 and found.interval.low < found.value
    where = found.measured
    assert (where.keeps, where.of, where.than, where.gained) == (0.9, "tuned", "scratch", True)
    assert where.bytes_ratio == pytest.approx(1 / 3)
    assert where.learned == {"tuned": True, "scratch": True}
    assert found.note == "topics, 64 labels: pruned keeps 0.9 of tuned − scratch, accuracy"


def test_a_network_that_was_compressed_to_nothing_is_an_answer_and_no_failed_reference():
    compared = arms(**RATES | {"pruned": 0.5})
    (found,) = gather("topics", compared, overlap=NONE_SHARED, rules=rules(asks(**KEPT)))
    assert found.measured.learned == {"tuned": True, "scratch": True}
    assert found.interval.high < 0


def test_a_share_is_taken_over_the_draws_that_all_three_have():
    rng = np.random.default_rng(1)
    tables = {arm: rng.random((6, 300)) < rate for arm, rate in RATES.items()}
    tables["pruned"] = tables["tuned"].copy()
    draws = {("scratch", 64): range(2, 8)}
    compared = Comparison({(arm, 64): table for arm, table in tables.items()}, draws=draws)
    (found,) = gather("topics", compared, overlap={64: 0.0}, rules=rules(asks(**KEPT)))
    tuned, scratch = tables["tuned"][2:], tables["scratch"][:4]
    assert found.interval.squares.draws == 4
    assert found.value == pytest.approx(0.1 * (tuned.mean() - scratch.mean()))
    assert found.measured.bytes_ratio is None


def test_no_gain_is_marked_and_a_measure_that_is_no_mean_is_refused():
    compared = arms(**RATES | {"tuned": 0.7, "pruned": 0.69})
    (found,) = gather("topics", compared, overlap=NONE_SHARED, rules=rules(asks(**KEPT)))
    assert found.measured.gained is False
    counts = {(arm, 64): np.ones((6, 300, 3)) for arm in (*RATES, "pruned")}
    f1 = Comparison(counts, lambda means: means[..., 0], "f1")
    with pytest.raises(UserError, match="is asked of the mean of items, not of f1"):
        gather("topics", f1, overlap={64: 0.0}, rules=rules(asks(**KEPT)))


def test_several_measures_give_a_difference_each():
    compared = arms(**RATES)
    squared = Comparison(compared.scores, lambda means: means[..., 0] ** 2, "squared")
    both = {"accuracy": compared, "squared": squared}
    asked = rules(asks(measures=["squared", "accuracy"]), combine="telling")
    found = gather("topics", both, overlap=NONE_SHARED, rules=asked)
    assert [each.measured.measure for each in found] == ["squared", "accuracy"]
    assert [each.value for each in found] == [
        each.difference("tuned", "scratch", 64).value for each in (squared, compared)
    ]
    assert all(each.measured.learned == {"tuned": True, "scratch": True} for each in found)
    assert len({each.note for each in found}) == 2
    # each kind of comparison answers its own kind of piece
    assert gather("topics", compared, overlap=NONE_SHARED, rules=asked) == []
    assert gather("topics", both, overlap=NONE_SHARED, rules=rules(asks())) == []


def test_an_arm_has_learned_by_the_first_measure():
    compared = arms(**RATES | {"scratch": 0.5})
    flat = Comparison(compared.scores, lambda means: 0 * means[..., 0] + 1, "flat")
    asked = rules(asks(measures=["accuracy", "flat"]), combine="telling")
    both = {"accuracy": compared, "flat": flat}
    found = gather("topics", both, overlap=NONE_SHARED, rules=asked)
    assert [each.measured.learned["scratch"] for each in found] == [False, False]
    assert [each.measured.learned["tuned"] for each in found] == [True, True]


def test_a_measure_that_is_not_given_is_named():
    compared = arms(**RATES)
    both = {"accuracy": compared, "recall": compared}
    asked = rules(asks(measures=["accuracy", "recal"]), combine="telling")
    with pytest.raises(UserError) as caught:
        gather("topics", both, overlap=NONE_SHARED, rules=asked)
    assert str(caught.value) == (
        "C01 asks for the measure 'recal' of the study 'topics', which has none of that name. "
        "Did you mean 'recall'?"
    )


def test_what_is_not_there_is_a_sentence():
    compared = arms(**RATES)
    with pytest.raises(UserError) as caught:
        gather("topisc", compared, overlap=NONE_SHARED, rules=rules(asks()))
    assert str(caught.value) == ("data/claims.yaml has no study 'topisc'. Did you mean 'topics'?")
    with pytest.raises(UserError) as caught:
        gather("topics", compared, overlap=NONE_SHARED, rules=rules(asks(arm="tunde")))
    assert str(caught.value) == (
        "C01 asks for the arm 'tunde' of the study 'topics', which has none of that name. "
        "Did you mean 'tuned'?"
    )
    some = gather(
        "topics", compared, overlap=NONE_SHARED, rules=rules(asks(arm="tunde")), complete=False
    )
    assert some == []


def test_draws_that_share_their_items_are_refused():
    with pytest.raises(UserError) as caught:
        gather("topics", arms(**RATES), overlap={64: 0.9, 256: 0.9}, rules=rules(asks()))
    assert str(caught.value) == (
        "Two draws of the study 'topics' share 90% of their 64 labelled items on average, where "
        "data/claims.yaml declares at most 5%: they are no separate draws."
    )


class Doublings:
    """Another measure of the same trials."""

    measure, items = "doublings saved", 128

    def __init__(self, value):
        self.value = value

    def has(self, *arms, labels):
        return True

    def difference(self, arm, other, labels):
        return seed_interval(self.value + np.array([-0.1, 0.0, 0.1]))


def test_a_piece_may_ask_for_another_measure_of_the_study():
    asked = rules(asks(), asks(measure="doublings saved"))
    others = {"doublings saved": Doublings(2.0)}
    own, other = gather(
        "topics", arms(**RATES), overlap=NONE_SHARED, rules=asked, others=others
    )  # fmt: skip
    assert (own.measured.asked, own.measured.measure) == ("", "accuracy")
    assert (other.measured.asked, other.n) == ("doublings saved", 128)
    assert other.value == pytest.approx(2.0)
    with pytest.raises(UserError) as caught:
        gather("topics", arms(**RATES), overlap=NONE_SHARED, rules=asked)
    assert str(caught.value) == (
        "C01 asks for the measure 'doublings saved' of the study 'topics', which has none of that "
        "name. It has its own score only."
    )


def test_a_difference_that_is_not_defined_has_no_value():
    asked = rules(asks(measure="doublings saved"))
    others = {"doublings saved": Doublings(float("nan"))}
    others["doublings saved"].difference = lambda *_: Interval(
        np.nan, np.nan, np.nan, 10, 0.95, "undefined: never reached"
    )
    (found,) = gather("topics", arms(**RATES), overlap=NONE_SHARED, rules=asked, others=others)
    assert found.value is None and found.interval.method == "undefined: never reached"
