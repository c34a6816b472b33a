"""What the user is told: at most five plain sentences, never "nan", nothing that was not shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.delivery.answer import Answer
from helpers.delivery.curve import LabelCurve


def answer(truth, said, *, kind="frozen", names=("a", "b"), suspects=0, curve=None, sure=0.9):
    """An answer whose model says ``said`` of texts of the classes ``truth``."""
    truth, said, c = np.asarray(truth), np.asarray(said), len(names)
    table = np.full((len(truth), c), (1 - sure) / (c - 1))
    table[np.arange(len(truth)), said] = sure
    shares = np.bincount(truth, minlength=c) / len(truth)
    largest = np.tile(shares, (len(truth), 1))
    return Answer(
        key="", names=list(names), candidates=[], left_out=[],
        delivered={"name": "frozen minilm", "kind": kind, "setting": {}, "labels": 1234},
        truth=truth, probabilities={"chosen": table, "largest": largest, "words": table},
        errors=[], suspects=[{"label": "a", "rather": "b", "text": "x"}] * suspects, judged=100,
        curve=curve, seconds=1.0,
    )  # fmt: skip


def curve(step=0.05):
    shares = [0.7, 0.7 + step, 0.7 + 1.5 * step, 0.7 + 1.75 * step]
    rng = np.random.default_rng(0)
    right = np.stack([rng.random((3, 400)) < share for share in shares]) * 1.0
    return LabelCurve("TF-IDF of words", [10, 20, 40, 80], right)


def test_all_of_it_in_five_sentences():
    truth = [0, 1] * 50
    said = answer(truth, truth, suspects=5, curve=curve()).recommendation()
    assert said[0] == "Take the model in this folder: frozen minilm, trained on 1,234 labels."
    assert said[1].startswith("On 100 texts that chose nothing it is right in 100.0 % (96.3 to 100")
    assert said[2] == (
        "For comparison: the largest class alone has 50.0 %, TF-IDF of words 100.0 %."
    )
    assert said[3].startswith("Twice as many labels would probably add ")
    assert said[4] == "Read the suspect labels first: 5 of the 100 looked at seem wrong."
    assert len(said) == 5


def test_a_rare_class_that_is_never_found_beats_nothing():
    truth = [0] * 99 + [1]
    said = answer(truth, [0] * 100, curve=curve()).recommendation()
    assert said[0] == (
        "Nothing beats the largest class on these labels: always saying 'a' is as good."
    )
    assert not any(sentence.startswith(("Take", "Twice")) for sentence in said)


def test_the_class_that_is_found_least_is_named():
    truth = [0] * 60 + [1] * 40
    said = answer(truth, [0] * 60 + [1] * 16 + [0] * 24).recommendation()
    assert said[-1] == "It finds only 40.0 % of the 40 texts of 'b': label more of these."


def test_a_flat_curve_adds_little():
    truth = [0, 1] * 50
    said = answer(truth, truth, curve=curve(step=0.0)).recommendation()
    assert any(sentence.startswith("Twice as many labels would probably add little: ")
               for sentence in said)  # fmt: skip


def test_names_from_the_data_do_not_act():
    truth = [0] * 10 + [1] * 10
    said = answer(truth, [0] * 20, names=("\x1b[31mred", "b")).recommendation()
    assert "'<U+001B>[31mred'" in said[0]


@given(st.lists(st.integers(0, 2), min_size=2, max_size=30), st.integers(0, 1000))
def test_whatever_comes_out_there_is_no_nan(truth, seed):
    rng = np.random.default_rng(seed)
    found = answer(truth, rng.integers(0, 3, len(truth)), names=("a", "b", "c"))
    said = found.recommendation()
    assert 2 <= len(said) <= 5
    assert not any("nan" in sentence or "undefined" in sentence for sentence in said)


@pytest.mark.parametrize("with_curve", [True, False])
def test_kept_and_read_again(tmp_path, with_curve):
    truth = [0, 1] * 20
    one = answer(truth, truth[::-1], curve=curve() if with_curve else None)
    one.store(tmp_path)
    other = Answer.restore(tmp_path, "")
    assert other.recommendation() == one.recommendation()
    assert (other.curve is None) == (not with_curve)
    assert Answer.restore(tmp_path, "another") is None
    (tmp_path / "held_out.safetensors").write_bytes(b"half")
    assert Answer.restore(tmp_path, "") is None
