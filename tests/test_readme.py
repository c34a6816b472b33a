"""What the README states is what the shipped record holds, and what the Makefile offers."""

import re
from collections import Counter

import numpy as np

from helpers import ROOT
from helpers.claims.verdicts import decide
from helpers.runs.record import load_record
from helpers.runs.schema import read_records

README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORD = load_record(ROOT / "data" / "reference" / "quick" / "06_bert_finetuning.json")


def accuracy(strategy, labels):
    found = [
        metric.value
        for metric in RECORD.metrics
        if (metric.name, metric.strategy, metric.labels) == ("accuracy", strategy, labels)
    ]
    assert len(found) == RECORD.parameters["draws"] == 10
    return np.mean(found)


def difference(labels, arms="frozen features - TF-IDF"):
    (found,) = (
        c for c in RECORD.claims if c.claim == "C02" and c.note == f"{labels} labels, {arms}"
    )
    return f"{found.value:.3f} [{found.interval.low:.3f}, {found.interval.high:.3f}]"


def test_the_numbers_are_those_of_the_record():
    text = README.replace("\n", " ")
    assert f"reach {accuracy('frozen', 64):.3f} accuracy" in text
    assert f"TF-IDF {accuracy('tfidf', 64):.3f}, a difference of {difference(64)}" in text
    assert f"fine-tuned has {accuracy('fine_tuned', 64):.3f}" in text
    both = difference(64, "fine-tuned - from scratch")
    assert f"from scratch {accuracy('from_scratch', 64):.3f}, a difference of {both}" in text
    assert f"told apart, {difference(1024)}" in text


def test_the_verdicts_are_those_of_the_records():
    decisions = {one.claim.id: one for one in decide(read_records(["data/reference"]))}
    rows = re.findall(r"^\| (C\d\d) [^|]+ \| ([a-z]+) \| ([^|]+) \|$", README, re.MULTILINE)
    assert {name: verdict for name, verdict, _ in rows} == {
        name: one.verdict for name, one in decisions.items()
    }
    for name, _, told in rows:
        for text in re.findall(r"-?[\d.]+ \[[^]]+\]", told):
            digits = len(text.split(" ")[0].split(".")[1])
            known = {format(one.interval, f".{digits}f") for one in decisions[name].evidence}
            assert text in known, name
    counts = Counter(one.verdict for one in decisions.values())
    assert (
        f"{counts['supported']} supported, {counts['contradicted']} contradicted, "
        f"{counts['depends']} depend on the case, {counts['undecided']} undecided."
    ) in README.replace("\n", " ")


def test_every_make_target_named_is_there():
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))
    offered = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert named <= set(offered)


def test_every_local_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []
