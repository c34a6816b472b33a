"""What the README states is what the shipped record holds, and what the Makefile offers."""

import re
from collections import Counter

import numpy as np
import pytest

from helpers import ROOT
from helpers.claims.verdicts import judge
from helpers.runs.record import load_record
from helpers.runs.schema import read_records

PAGES = (
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "data/reference/README.md",
    "data/trials/README.md",
    "notebooks/profiles/README.md",
)
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


def difference(labels, arms="frozen - tfidf"):
    (found,) = (
        metric
        for metric in RECORD.metrics
        if (metric.name, metric.strategy, metric.labels) == ("accuracy_difference", arms, labels)
    )
    return f"{found.value:.3f} [{found.interval.low:.3f}, {found.interval.high:.3f}]"


def test_the_numbers_are_those_of_the_record():
    text = README.replace("\n", " ")
    assert f"reach {accuracy('frozen', 64):.3f} accuracy" in text
    assert f"TF-IDF {accuracy('tfidf', 64):.3f}, a difference of {difference(64)}" in text
    assert f"fine-tuned has {accuracy('fine_tuned', 64):.3f}" in text
    both = difference(64, "fine_tuned - from_scratch")
    assert f"from scratch {accuracy('from_scratch', 64):.3f}, a difference of {both}" in text
    assert f"told apart, {difference(1024)}" in text


def test_the_verdicts_are_those_of_the_records():
    judged = {each.claim.id: each for each in judge(read_records(["data/reference/quick"]))}
    rows = re.findall(r"^\| (C\d\d) [^|]+ \| ([a-z ]+) \| ([^|]+) \|$", README, re.MULTILINE)
    verdicts = {name: verdict for name, verdict, _ in rows}
    decided = {"supported", "contradicted", "depends", "no difference", "undecided"}
    assert verdicts == {n: each.verdict for n, each in judged.items() if each.verdict in decided}
    for name, _, words in rows:
        for text in re.findall(r"-?[\d.]+ \[[^]]+\]", words):
            digits = len(text.split(" ")[0].split(".")[1])
            found = [gain for finding in judged[name].findings for gain in finding.intervals]
            assert text in {format(gain, f".{digits}f") for gain in found}, name
    counts = Counter(each.verdict for each in judged.values())
    stated = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    assert f"By the records that come with the project: {stated}." in README.replace("\n", " ")


def test_the_chinese_verdicts_are_the_same():
    words = {
        "supported": "成立",
        "contradicted": "不成立",
        "depends": "因任务而异",
        "no difference": "无差别",
        "undecided": "未定",
        "not measured": "未测量",
        "not judged": "未判定",
    }
    text = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (C\d\d) \| [^|]+ \| (\S+) \|$", text, re.MULTILINE)
    judged = judge(read_records(["data/reference/quick"]))
    assert rows == [(each.claim.id, words[each.verdict]) for each in judged]


def test_every_make_target_named_is_there():
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))
    offered = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert named <= set(offered)


@pytest.mark.parametrize("page", PAGES)
def test_every_local_link_leads_somewhere(page):
    place = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (place / link).exists()] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 200
