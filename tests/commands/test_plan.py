"""The command that plans: what it prints of a decided, an undecided and a missing question."""

import pytest

from helpers.__main__ import main
from helpers.commands.plan import DRAWS, lines_of
from helpers.evaluation.planning import Components, power
from tests.claims.test_verdicts import claim, evidence, gain_of, judged, piece


def test_each_question_has_its_power_curve():
    rule = claim("C01", piece("topics"), piece("names"), missing="A third task.")
    gain = gain_of(0.02, spread=0.03)
    lines = lines_of(judged([rule], evidence("C01", gain))["C01"])
    assert lines[:3] == ["C01 Statement C01.", "More.", "Verdict: undecided."]
    assert "topics, 64 labels: tuned − scratch: undecided" in lines
    expected = [power(Components.of(gain.squares), 0.02, draws, 400) for draws in DRAWS]
    row = "         " + "".join(f"{chance:>7.2f}" for chance in expected) + "  finds 0.020"
    assert row in lines
    at = lines.index("names, 64 labels: tuned − scratch: not measured")
    assert lines[at + 1].strip().startswith("nothing is stored of it; run its study first")
    assert lines[-1] == "Not measured yet: A third task."


def test_another_true_difference_may_be_asked_about():
    rule = claim("C01", piece())
    found = judged([rule], evidence("C01", gain_of(0.02, spread=0.03)))["C01"]
    near, far = (lines_of(found, difference)[-2] for difference in (0.01, 0.2))
    assert near.endswith("finds 0.010") and "1.00  finds 0.200" in far


def test_what_cannot_count_says_why():
    found = judged([claim("C01", piece())], evidence("C01", gain_of(0.1), learned=False))["C01"]
    assert "  scratch did not learn: it is no better than the floor" in lines_of(found)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "C2"], "error: There is no claim 'C2' in data/claims.yaml. Did you mean 'C20'?"),
        (["plan", "C02", "--records", "none"], "to read records from."),
    ],
)
def test_bad_input_is_a_sentence(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err
