"""What a closed record shows of its claims."""

from helpers.claims.evidence import Evidence
from helpers.runs.closing import closing_text
from tests.claims.test_verdicts import by_measures, evidence, gain_of, record


def test_measures_held_against_each_other_have_one_row():
    shown = closing_text(record("07", *by_measures(0.1, 0.2), evidence("C02", gain_of(0.1))))
    rows = [line for line in shown.splitlines() if line.startswith("| C")]
    assert len(rows) == 2 and rows[0].startswith("| C02 ") and rows[0].endswith("| in 15 |")
    assert rows[1] == (
        "| C10 Accuracy, precision, recall and F1 measure the effect of transfer. | 2 differences "
        "| – | in 15 |"
    )


def test_a_number_without_trials_is_not_judged():
    bare = Evidence(claim="C03", value=0.123456)
    assert "| 0.123 | – | not judged |" in closing_text(record("07", bare))
