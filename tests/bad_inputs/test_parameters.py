"""Parameters of notebooks, from YAML, from the command line, from Python: one sentence each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.runs.notebooks import find_notebook
from helpers.runs.planned import plan_run
from helpers.tasks.episodes import episodes
from helpers.transfer.objective import joint_loss

LISTED = "06_bert_finetuning: labels must be a list of whole numbers like [16, 64, 256, 1024], not"

CASES = [
    ("labels", "[0]", "06_bert_finetuning: labels must hold numbers in [2, inf), not 0."),
    ("labels", "[]", f"{LISTED} an empty list."),
    ("labels", "16", f"{LISTED} '16'."),
    ("labels", None, f"{LISTED} None."),
    ("labels", "[16, x]", "06_bert_finetuning: labels must hold whole numbers, not 'x'."),
    ("labels", [16.5], "06_bert_finetuning: labels must hold whole numbers, not 16.5."),
    ("labels", "[nan]", "06_bert_finetuning: labels must hold whole numbers, not 'nan'."),
    ("labels", [True], "06_bert_finetuning: labels must hold whole numbers, not True."),
    ("draws", "1.5", "06_bert_finetuning: draws must be a whole number, not '1.5'."),
    ("draws", "-3", "06_bert_finetuning: draws must be in [2, 100], not -3."),
    ("draws", 10**30, f"06_bert_finetuning: draws must be in [2, 100], not {10**30}."),
    ("learning_rate", "nan", "06_bert_finetuning: learning_rate must be a number, not 'nan'."),
    ("learning_rate", "0", "06_bert_finetuning: learning_rate must be in (0, 1), not 0.0."),
    ("learning_rate", "fast", "06_bert_finetuning: learning_rate must be a number, not 'fast'."),
    ("device", "gpu", "06_bert_finetuning: device must be one of auto, cpu, cuda, mps, not 'gpu'. Did you mean 'cuda'?"),
    ("model", True, "06_bert_finetuning: model must be text, not True (write -r model True for papermill, 'True' in YAML)."),
    ("model", ["a"], "06_bert_finetuning: model must be text, not ['a']."),
    ("corpus", None, "06_bert_finetuning: corpus must be text, not None."),
    ("trials", "all", "06_bert_finetuning: trials must be one of missing, stored, fresh, not 'all'."),
    ("minutes", "0", "06_bert_finetuning: minutes must be in (0, inf), not 0.0."),
    ("lables", [16], "06_bert_finetuning has no parameter 'lables'. Did you mean 'labels'?"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "says"), CASES)
def test_a_bad_parameter_is_one_sentence(name, value, says):
    with pytest.raises(UserError) as error:
        plan_run(find_notebook("06"), {name: value})
    assert str(error.value) == says


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.sampled_from(["labels", "draws", "learning_rate", "device", "model", "record"]), PLAIN)
def test_any_value_is_taken_or_refused_in_one_line(name, value):
    try:
        plan_run(find_notebook("06"), {name: value})
    except UserError as error:
        assert str(error).isprintable() and str(error).startswith("06_bert_finetuning")


CALLS = [
    (lambda: joint_loss(1.0, 1.0, -1), "weight (λ of L_s + λ L_t) must be a finite number of at least 0, not -1."),
    (lambda: joint_loss(1.0, 1.0, float("nan")), "weight (λ of L_s + λ L_t) must be a finite number of at least 0, not nan."),
    (lambda: episodes([0, 0, 1, 1], [0, 1], ways=2, shots=2, queries=1, n=1, seed=0), "Class 0 has 2 items; an episode asks for 3 (2 shots and 1 queries)."),
    (lambda: episodes([0, 0, 1, 1], [0, 1], ways=3, shots=1, queries=1, n=1, seed=0), "An episode of 3 ways needs as many classes; there are 2."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "says"), CALLS)
def test_a_number_that_makes_no_sense_is_one_sentence(call, says):
    with pytest.raises(UserError) as error:
        call()
    assert str(error.value) == says
