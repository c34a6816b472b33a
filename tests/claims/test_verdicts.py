"""From evidence to verdicts: each question once, by its own p-value, corrected for how many."""

import numpy as np
import pytest

from helpers import UserError
from helpers.claims.evidence import Bounds, Evidence, Measured, bounds
from helpers.claims.statements import Claim, Piece
from helpers.claims.verdicts import interval_of, judge
from helpers.evaluation.decision import decide
from helpers.evaluation.intervals import two_level_interval
from helpers.evaluation.multiple_tests import holm
from helpers.runs.schema import Cost, Provenance, Record, read_records, save_record


def piece(task="topics", **changed):
    given = dict(
        task=task, study=task, arm="tuned", than=("scratch",), labels=64, smallest=0.01, draws=5,
        items=100,
    )  # fmt: skip
    return Piece(**given | changed)


def claim(name, *pieces, **changed):
    return Claim(
        id=name, section="1", statement=f"Statement {name}.", reading="More.", pieces=pieces,
        **changed,
    )  # fmt: skip


def gain_of(value, spread=0.02, seed=0, draws=10, items=400):
    """A paired difference over draws and items whose mean is exactly the value."""
    table = np.random.default_rng(seed).normal(0, spread * np.sqrt(items), (draws, items))
    table += value - table.mean()
    return two_level_interval(table, np.zeros_like(table))


def evidence(
    name, gain, *, study="topics", than="scratch", learned=True, ratio=None, draws=10,
    asked="",
):  # fmt: skip
    return Evidence(
        claim=name, value=gain.value, interval=bounds(gain), n=400, seeds=draws, note=study,
        measured=Measured(
            study=study, arm="tuned", than=than, labels=64, measure=asked or "accuracy",
            asked=asked,
            learned={"tuned": True, than: learned}, cost_ratio=ratio, overlap=0.0,
        ),
    )  # fmt: skip


def record(notebook, *claims):
    return Record(
        notebook=notebook, parameters={}, metrics=[], claims=list(claims),
        cost=Cost(wall_seconds=1, peak_memory_mb=1),
        provenance=Provenance(
            git_commit=None, git_dirty=None, python="3", packages={}, hashes={}, platform="x",
            cpu="x", gpu=None, threads=2, seeds={}, started="2026-01-01T00:00:00+00:00",
        ),
    )  # fmt: skip


def judged(rules, *found):
    """The judgements by claim."""
    records = [record("06", *found)]
    return {each.claim.id: each for each in judge(records, {rule.id: rule for rule in rules})}


def verdict(rule, *found):
    return judged([rule], *found)[rule.id].verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, "supported"), (-0.1, "contradicted"), (0.004, "undecided")],
)
def test_a_single_question_is_decided_by_its_difference(value, expected):
    rule = claim("C01", piece())
    assert verdict(rule, evidence("C01", gain_of(value))) == expected


def test_a_difference_too_small_to_matter_is_none():
    rule = claim("C01", piece(smallest=0.02))
    assert verdict(rule, evidence("C01", gain_of(0.004, spread=0.002))) == "no difference"


def test_the_smallest_effect_in_the_file_decides_without_any_code():
    gain = evidence("C01", gain_of(0.1))
    assert verdict(claim("C01", piece(smallest=0.09)), gain) == "supported"
    assert verdict(claim("C01", piece(smallest=0.11)), gain) == "undecided"
    assert verdict(claim("C01", piece(smallest=0.3)), gain) == "no difference"


def test_a_gain_may_speak_against_a_claim():
    against = claim("C01", piece(gain="contradicts"))
    assert verdict(against, evidence("C01", gain_of(0.1))) == "contradicted"
    assert verdict(against, evidence("C01", gain_of(-0.1))) == "supported"


def test_tasks_that_disagree_make_it_depend():
    rule = claim("C01", piece("topics"), piece("names"))
    gains = {name: gain_of(value, seed=i) for i, (name, value) in
             enumerate([("topics", 0.1), ("names", -0.1)])}  # fmt: skip
    found = judged([rule], *(evidence("C01", g, study=name) for name, g in gains.items()))["C01"]
    assert (found.verdict, found.tally) == ("depends", "1 of 2")
    weak = evidence("C01", gain_of(0.004, seed=1), study="names")
    found = judged([rule], evidence("C01", gains["topics"]), weak)["C01"]
    assert (found.verdict, found.tally) == ("undecided", "1 of 2")
    alone = judged([rule], evidence("C01", gains["topics"]))["C01"]
    assert (alone.verdict, alone.tally) == ("supported", "1 of 1")
    assert [each.verdict for each in alone.findings] == ["supported", "not measured"]


def test_an_arm_must_beat_all_that_it_is_held_against():
    rule = claim("C01", piece(than=("scratch", "tfidf")))
    good, bad = gain_of(0.1), gain_of(-0.1, seed=1)
    both = [evidence("C01", good), evidence("C01", gain_of(0.08, seed=2), than="tfidf")]
    assert verdict(rule, *both) == "supported"
    assert verdict(rule, both[0], evidence("C01", bad, than="tfidf")) == "contradicted"
    assert verdict(rule, both[0]) == "not measured"


def test_a_reference_that_did_not_learn_supports_nothing_and_hides_no_contradiction():
    rule = claim("C01", piece(than=("scratch", "tfidf")))
    idle = evidence("C01", gain_of(0.1), learned=False)
    ahead, behind = (
        evidence("C01", gain_of(value, seed=2), than="tfidf") for value in (0.08, -0.1)
    )
    found = judged([rule], idle, behind)["C01"]
    assert found.verdict == "contradicted"
    assert found.findings[0].reason.startswith("scratch did not learn")
    assert found.findings[0].reason.endswith(", and is left out")
    assert judged([rule], idle, ahead)["C01"].verdict == "undecided"
    lost = evidence("C01", gain_of(-0.1, seed=2), than="tfidf", learned=False)
    assert judged([rule], idle, lost)["C01"].verdict == "not judged"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"learned": False}, "scratch did not learn: it is no better than the floor"),
        ({"draws": 4}, "4 draws, where a verdict needs 5"),
        ({"ratio": 1.2}, "the arm was not trained with fewer operations"),
        ({}, "the arm was not trained with fewer operations"),
    ],
)
def test_what_cannot_carry_a_verdict_is_shown_with_its_reason(changed, expected):
    rule = claim("C01", piece(cheaper=True))
    found = judged([rule], evidence("C01", gain_of(0.1), **changed))["C01"]
    assert found.verdict == "not judged"
    assert found.findings[0].reason == expected and found.tally == ""
    cheap = evidence("C01", gain_of(0.1), ratio=0.1)
    assert verdict(rule, cheap) == "supported"


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"gained": True, "bytes_ratio": 0.25}, ""),
        (
            {"gained": True, "bytes_ratio": 1.0},
            "its stored model is not smaller than that of whole",
        ),
        ({"gained": True}, "its stored model is not smaller than that of whole"),
        (
            {"gained": False, "bytes_ratio": 0.25},
            "whole has no gain from transfer that could be kept",
        ),
    ],
)
def test_a_gain_is_kept_where_there_is_one_and_in_fewer_bytes(known, expected):
    rule = claim("C01", piece(of="whole", keeps=0.9, smallest=0.001))
    given = evidence("C01", gain_of(0.02, spread=0.002))
    measured = given.measured.model_copy(update={"of": "whole", "keeps": 0.9} | known)
    found = judged([rule], given.model_copy(update={"measured": measured}))["C01"]
    assert found.findings[0].reason == expected
    assert found.verdict == ("not judged" if expected else "supported")


def test_too_few_items_and_no_p_value_are_reasons_too():
    few = claim("C01", piece(items=401))
    found = judged([few], evidence("C01", gain_of(0.1)))["C01"]
    assert found.findings[0].reason == "400 items, where a verdict needs 401"
    bare = evidence("C01", gain_of(0.1))
    bare = bare.model_copy(update={"interval": Bounds(low=0.05, high=0.15, level=0.95)})
    found = judged([claim("C01", piece())], bare)["C01"]
    assert found.findings[0].reason == "its interval has no p-value"


def test_arms_made_on_different_devices_are_not_judged():
    made = evidence("C01", gain_of(0.1))
    for second, verdict_then in (["cpu"], "supported"), (["gpu"], "not judged"):
        devices = {"tuned": ["cpu"], "scratch": second}
        where = made.measured.model_copy(update={"devices": devices})
        found = judged([claim("C01", piece())], made.model_copy(update={"measured": where}))["C01"]
        assert found.verdict == verdict_then
    assert found.findings[0].reason == "its arms were made on different devices: cpu, gpu"


def test_what_is_not_counted_asks_nothing_of_chance():
    lucky = evidence("C01", gain_of(0.05, spread=0.062))
    p = decide(interval_of(lucky), 0.01).p
    assert 0.025 < p < 0.05  # alone it is found, among two it is not
    rules = [claim("C01", piece()), *(claim(f"C0{i}", piece("names")) for i in (2, 3))]
    assert judged(rules, lucky)["C01"].verdict == "supported"
    idle = [evidence(f"C0{i}", gain_of(0.001), study="names", draws=2) for i in (2, 3)]
    assert judged(rules, lucky, *idle)["C01"].verdict == "supported"
    asked = evidence("C02", gain_of(0.001), study="names")
    assert judged(rules, lucky, asked)["C01"].verdict == "undecided"


def test_p_values_are_holms_over_all_questions_and_one_question_counts_once():
    values = {"a": 0.06, "b": 0.03, "c": -0.05}
    rules = [claim(f"C0{i}", piece(name)) for i, name in enumerate(values)]
    found = [
        evidence(f"C0{i}", gain_of(value, seed=i), study=name)
        for i, (name, value) in enumerate(values.items())
    ]
    raw = [decide(interval_of(each), 0.01).p for each in found]
    got = [each.findings[0].decision.p for each in judged(rules, *found).values()]
    assert got == pytest.approx(holm(raw).tolist())
    again = claim("C09", piece("a"))  # another claim asks the same
    twice = judged([*rules, again], *found, found[0].model_copy(update={"claim": "C09"}))
    assert [twice[f"C0{i}"].findings[0].decision.p for i in range(3)] == pytest.approx(got)
    assert twice["C09"].findings[0].decision.p == twice["C00"].findings[0].decision.p


def test_any_of_several_is_corrected_for_having_been_chosen():
    names = ["a", "b", "c", "d"]
    rule = claim("C01", *(piece(name) for name in names), combine="any")
    lucky = gain_of(0.05, spread=0.062)
    found = [evidence("C01", lucky, study="a")]
    found += [evidence("C01", gain_of(0.0, seed=i), study=n) for i, n in enumerate(names[1:], 1)]
    assert verdict(claim("C01", piece("a")), found[0]) == "supported"
    assert verdict(rule, *found) == "undecided"
    sure = evidence("C01", gain_of(0.1), study="a")
    assert verdict(rule, sure, *found[1:]) == "supported"


@pytest.mark.parametrize(
    ("combine", "measured", "expected"),
    [
        ("all", {"a": 0.1, "b": 0.1}, "supported"),
        ("all", {"a": 0.1}, "undecided"),  # b could still fail
        ("all", {"a": -0.1}, "contradicted"),  # whatever b says
        ("any", {"a": 0.1}, "supported"),  # whatever b says
        ("any", {"a": -0.1}, "undecided"),  # b could still hold
        ("any", {"a": -0.1, "b": -0.1}, "contradicted"),
        ("exists", {"a": 0.1}, "supported"),
        ("exists", {"a": -0.1, "b": -0.1}, "undecided"),  # another pair could still show it
        ("exists", {"a": 0.0, "b": 0.0}, "undecided"),
    ],
)
def test_a_piece_that_is_not_measured_decides_nothing_that_it_could_change(
    combine, measured, expected
):
    rule = claim("C01", piece("a"), piece("b"), combine=combine)
    found = [
        evidence("C01", gain_of(value, spread=0.003, seed=i), study=name)
        for i, (name, value) in enumerate(measured.items())
    ]
    assert verdict(rule, *found) == expected


def test_what_was_looked_for_and_not_found_is_said_so():
    rule = claim("C01", piece("a"), piece("b"), combine="exists")
    found = [evidence("C01", gain_of(-0.1, seed=i), study=name) for i, name in enumerate("ab")]
    got = judged([rule], *found)["C01"]
    assert (got.verdict, got.tally) == ("undecided", "not found in 2 cases")
    there = [evidence("C01", gain_of(0.1), study="a"), found[1]]
    assert judged([rule], *there)["C01"].tally == "found among 2 cases"
    assert judged([rule])["C01"].tally == ""


def test_an_undecided_question_says_what_would_decide_it():
    rule = claim("C01", piece())
    found = judged([rule], evidence("C01", gain_of(0.02, spread=0.03)))["C01"]
    (finding,) = found.findings
    assert finding.verdict == "undecided"
    assert finding.outlook.startswith("A true difference of 0.020 would have been found with")
    assert "draws would" in finding.outlook
    assert judged([rule], evidence("C01", gain_of(0.1)))["C01"].findings[0].outlook == ""


def test_what_a_notebook_says_itself_is_shown_and_never_counted():
    said = Evidence(claim="C01", value=0.2, verdict="supported", note="one training")
    found = judged([claim("C01"), claim("C02", piece())], said)
    assert found["C01"].verdict == "not judged" and found["C02"].verdict == "not measured"
    assert found["C01"].shown == (("06", said),)


def test_an_interval_survives_its_record():
    gain = gain_of(0.03)
    kept = Evidence.model_validate_json(evidence("C01", gain).model_dump_json())
    back = interval_of(kept)
    assert (back.low, back.high, back.squares) == (gain.low, gain.high, gain.squares)
    assert back.p() == gain.p()


def test_records_are_read_from_a_folder(tmp_path):
    save_record(record("06_b"), tmp_path / "deep" / "b.json")
    save_record(record("05_a"), tmp_path / "a.json")
    assert [one.notebook for one in read_records([tmp_path])] == ["05_a", "06_b"]
    both = [str(tmp_path / "deep"), tmp_path / "a.json"]
    assert [one.notebook for one in read_records(both)] == ["05_a", "06_b"]


def test_bad_input_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"There is no file or folder .*none to read records from"):
        read_records([tmp_path / "none"])
    with pytest.raises(UserError, match=r"There is no record .*run the other notebooks first"):
        read_records([tmp_path])
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(UserError, match="is no record of a run"):
        read_records([tmp_path])
    with pytest.raises(UserError, match="a claim that is not known: C99"):
        judged([claim("C01", piece())], evidence("C99", gain_of(0.1)))
    two = [record("06", evidence("C01", gain_of(v))) for v in (0.1, 0.2)]
    message = "06 and 06 measured topics of C01 differently: judge one set of records."
    with pytest.raises(UserError, match=message):
        judge(two, {"C01": claim("C01", piece())})
    assert judge([two[0], two[0]], {"C01": claim("C01", piece())})[0].verdict == "supported"


def by_measures(*values, study="topics", spread=0.02, **more):
    """One comparison by accuracy and recall."""
    return [
        evidence("C10", gain_of(value, spread, seed=i), study=study, asked=asked, **more)
        for i, (asked, value) in enumerate(zip(("accuracy", "recall"), values, strict=True))
    ]


def measured(*tasks, **more):
    """A claim about two measures, over these tasks."""
    pieces = [piece(task, measures=("accuracy", "recall"), **more) for task in tasks]
    return claim("C10", *pieces, combine="telling")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.1, 0.2), "supported"),
        ((-0.1, -0.2), "supported"),
        ((0.1, -0.2), "contradicted"),
        ((0.1, 0.004), "undecided"),
        ((0.004, 0.004), "undecided"),
    ],
)
def test_measures_are_held_against_each_other(values, expected):
    assert verdict(measured("topics"), *by_measures(*values)) == expected


def test_the_p_value_of_agreement_is_the_largest_and_of_opposition_the_corrected_one():
    both = by_measures(0.1, 0.05)
    found = judged([measured("topics")], *both)["C10"].findings[0]
    assert found.decision.p == max(gain.p() for gain in found.intervals)
    assert found.tells and found.outlook == ""
    against = by_measures(0.1, -0.05)
    found = judged([measured("topics")], *against)["C10"].findings[0]
    assert found.decision.p == 2 * max(gain.p() for gain in found.intervals)
    half = judged([measured("topics")], *by_measures(0.1, 0.004))["C10"].findings[0]
    assert half.outlook == "Alone, accuracy says better and recall is undecided."


def test_comparisons_that_tell_nothing_neither_support_nor_prevent():
    rule = measured("topics", "names", "news")
    agree = by_measures(0.1, 0.2)
    silent = by_measures(0.002, 0.003, study="names")
    found = judged([rule], *agree, *silent)["C10"]
    assert (found.verdict, found.tally) == ("supported", "1 of 1")
    assert [each.verdict for each in found.findings] == ["supported", "undecided", "not measured"]
    half = by_measures(0.1, 0.004, study="news")
    found = judged([rule], *agree, *silent, *half)["C10"]
    assert (found.verdict, found.tally) == ("undecided", "1 of 2")
    opposed = by_measures(0.1, -0.1, study="news")
    found = judged([rule], *agree, *silent, *opposed)["C10"]
    assert (found.verdict, found.tally) == ("contradicted", "1 of 2")


def test_all_comparisons_by_measures_are_one_question_of_the_report():
    rule, other = measured("topics", "names"), claim("C02", piece("news"))
    found = [*by_measures(0.1, 0.2), *by_measures(0.1, 0.2, study="names")]
    lucky = evidence("C02", gain_of(0.05, spread=0.055), study="news")
    alone = judged([other], lucky)["C02"].findings[0].decision
    both = judged([rule, other], *found, lucky)
    assert 0.01 < alone.p < 0.05 and both["C10"].verdict == "supported"
    assert both["C02"].findings[0].decision.p == pytest.approx(alone.p)  # the last of Holm's steps
    assert both["C02"].verdict == "supported"


def test_an_arm_that_did_not_learn_is_no_comparison_by_measures_either():
    found = judged([measured("topics")], *by_measures(0.1, 0.2, learned=False))["C10"]
    assert found.verdict == "not judged"
    assert found.findings[0].reason == "scratch did not learn: it is no better than the floor"
    one = by_measures(0.1, 0.2)[:1]
    assert judged([measured("topics")], *one)["C10"].verdict == "not measured"


def test_a_difference_without_bounds_is_undecided_and_says_why():
    """It must not vanish from the count: a claim with such a piece is not "supported"."""
    good = gain_of(0.2)
    why = "undefined: in 3 of 10 draws the score was never reached"
    lost = evidence("C01", good, study="news").model_copy(
        update={"value": None, "interval": Bounds(low=None, high=None, n=10, method=why)}
    )
    rule = claim("C01", piece(), piece("news"))
    found = judged([rule], evidence("C01", good), lost)["C01"]
    assert (found.verdict, found.tally) == ("undecided", "1 of 2")
    assert found.findings[1].verdict == "undecided"
    assert found.findings[1].outlook == f"Its difference is {why}."


def test_two_measures_of_one_pair_are_two_questions():
    good, poor = gain_of(0.2), gain_of(-0.2, seed=1)
    other = evidence("C01", poor)
    other = other.model_copy(
        update={"measured": other.measured.model_copy(update={"asked": "doublings saved"})}
    )
    rule = claim("C01", piece(), piece(measure="doublings saved"))
    found = judged([rule], evidence("C01", good), other)["C01"]
    assert [each.verdict for each in found.findings] == ["supported", "contradicted"]
    assert found.verdict == "depends"
