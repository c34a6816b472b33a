"""From evidence to verdicts: the table of claims, corrected for how many were asked."""

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.families import holm, p_of_interval
from helpers.evaluation.intervals import Interval, two_level_interval
from helpers.runs.claims import Claim
from helpers.runs.schema import (
    Bounds,
    Cost,
    Evidence,
    Provenance,
    Record,
    bounds,
    save_record,
)
from helpers.runs.verdicts import decide, read_records

CLAIMS = {
    name: Claim(id=name, section="1", statement=f"Statement {name}.", rule="interval above 0")
    for name in ("C01", "C02", "C03")
}


def evidence(claim, value, half, verdict, note=""):
    bounds = None if half is None else Bounds(value=value, low=value - half, high=value + half)
    return Evidence(claim=claim, value=value, interval=bounds, verdict=verdict, note=note)


def record(notebook, *claims):
    return Record(
        notebook=notebook, parameters={}, metrics=[], claims=list(claims),
        cost=Cost(wall_seconds=1, peak_memory_mb=1),
        provenance=Provenance(
            git_commit=None, git_dirty=None, python="3", packages={}, hashes={}, platform="x",
            cpu="x", gpu=None, threads=2, seeds={}, started="2026-01-01T00:00:00+00:00",
        ),
    )  # fmt: skip


def verdict_of(records):
    return {one.claim.id: one.verdict for one in decide(records, CLAIMS)}


def test_every_claim_is_answered_in_the_documents_order():
    records = [
        record("06_b", evidence("C03", 0.2, 0.05, "supported")),
        record("05_a", evidence("C01", -0.2, 0.05, "contradicted")),
    ]
    assert verdict_of(records) == {
        "C01": "contradicted", "C02": "not measured", "C03": "supported"
    }  # fmt: skip


def test_evidence_both_ways_means_that_it_depends():
    good = evidence("C01", 0.2, 0.02, "supported")
    for order in (1, -1):
        pair = [good, evidence("C01", -0.2, 0.02, "contradicted")]
        assert verdict_of([record("a", *pair[::order])])["C01"] == "depends"
    weak = evidence("C01", -0.01, 0.2, "undecided")
    assert verdict_of([record("a", good, weak)])["C01"] == "supported"


def test_what_only_chance_would_find_among_many_is_undecided():
    lucky = evidence("C01", 0.1, 0.095, "supported")  # p just below 0.05
    assert verdict_of([record("a", lucky)])["C01"] == "supported"
    others = [evidence("C02", 0.01, 0.2, "undecided", note=str(i)) for i in range(9)]
    found = decide([record("a", lucky), record("b", *others)], CLAIMS)
    assert found[0].verdict == "undecided" and found[0].evidence[0].p > 0.05
    strong = evidence("C01", 0.1, 0.02, "supported")
    assert verdict_of([record("a", strong), record("b", *others)])["C01"] == "supported"


def test_p_values_are_holms_over_all_records():
    values = [(0.1, 0.05), (0.2, 0.3), (-0.3, 0.2)]
    records = [
        record(str(i), evidence("C01", v, h, "undecided")) for i, (v, h) in enumerate(values)
    ]
    raw = [
        p_of_interval(Interval(v, v - h, v + h, 0, 0.95, "", df=float("inf"))) for v, h in values
    ]
    found = decide(records, CLAIMS)[0].evidence
    assert [one.p for one in found] == pytest.approx(holm(raw).tolist())
    assert [one.notebook for one in found] == ["0", "1", "2"]


def test_evidence_with_mean_squares_is_judged_by_them():
    rng = np.random.default_rng(0)
    gain = two_level_interval(rng.random((3, 200)) < 0.8, rng.random((3, 200)) < 0.7)
    stored = Evidence(
        claim="C01", value=gain.value, interval=bounds(gain), verdict="supported"
    )  # fmt: skip
    found = decide([record("a", stored)], CLAIMS)[0].evidence[0]
    assert found.p == gain.p() and found.interval == gain


def test_one_comparison_that_speaks_of_two_claims_is_one_question():
    pair = [evidence(name, 0.1, 0.09, "supported") for name in ("C01", "C02")]
    once = decide([record("a", pair[0])], CLAIMS)[0].evidence[0].p
    twice = [one.evidence[0].p for one in decide([record("a", *pair)], CLAIMS)[:2]]
    assert twice == [once, once]
    apart = decide([record("a", pair[0]), record("b", pair[1])], CLAIMS)
    assert apart[0].evidence[0].p == pytest.approx(2 * once)  # two runs asked twice


def test_evidence_without_an_interval_decides_nothing_and_costs_nothing():
    bare = [evidence("C02", 5.0, None, "supported", note=str(i)) for i in range(20)]
    lucky = evidence("C01", 0.1, 0.095, "supported")
    found = verdict_of([record("a", lucky, *bare)])
    assert found["C01"] == "supported" and found["C02"] == "undecided"


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
        decide([record("a", evidence("C99", 0.1, 0.01, "supported"))], CLAIMS)
