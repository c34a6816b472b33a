import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.trials.tasks import TASKS
from helpers.trials.trial import Trial, from_json
from tests.trials.made import trial

VALUES = st.one_of(st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), st.text())


def test_a_key_is_the_hash_of_the_fields_in_their_alphabet():
    written = (
        '{"arm": "tfidf", "corpus": "字母", "corpus_hash": "00", "draw": 2, "items": 6, '
        '"labels": 4, "model": "", "model_hash": "", "protocol": 1, '
        '"setting": {"a": 0.5, "b": "x"}, "split": "test", "task": "classification"}'
    )
    one = trial(corpus="字母", corpus_hash="00", draw=2, setting=(("b", "x"), ("a", 0.5)))
    assert one.json() == written
    assert one.key == hashlib.sha256(written.encode()).hexdigest()[:32]


def test_equal_trials_have_equal_keys_whatever_the_order_of_their_settings():
    first = trial(setting=(("steps", 40), ("learning_rate", 1e-3)))
    second = trial(setting=(("learning_rate", 1e-3), ("steps", 40)))
    assert first == second and hash(first) == hash(second) and first.key == second.key
    assert first.options == {"learning_rate": 1e-3, "steps": 40}


@pytest.mark.parametrize(
    "change",
    [
        {"task": "tagging"},
        {"corpus": "numbers"},
        {"corpus_hash": "d" * 64},
        {"arm": "majority"},
        {"labels": 5},
        {"draw": 1},
        {"items": 7},
        {"split": "validation"},
        {"model": "minilm"},
        {"model_hash": "e" * 64},
        {"setting": (("steps", 41),)},
        {"protocol": 7},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_field_is_another_trial_with_another_key(change):
    one = trial(setting=(("steps", 40),))
    other = replace(one, **change)
    assert other != one and other.key != one.key


@given(
    st.dictionaries(st.text(), VALUES),
    st.integers(1, 10**6),
    st.integers(-1, 99),
    st.text(),
    st.sampled_from(sorted(TASKS)),
)
def test_a_trial_comes_back_from_its_json(setting, labels, draw, corpus, task):
    one = trial(setting=tuple(setting.items()), labels=labels, draw=draw, corpus=corpus, task=task)
    back = from_json(one.json())
    assert back == one and back.key == one.key


def test_a_trial_takes_the_protocol_of_today_and_one_that_is_read_keeps_its_own(monkeypatch):
    before = trial()
    monkeypatch.setattr(TASKS["classification"], "protocol", 8)
    assert trial().protocol == 8 and trial().key != before.key
    assert from_json(before.json()) == before


def test_a_trial_is_told_in_a_few_words():
    one = trial(model="minilm", labels=1024, draw=3)
    assert one.label == "letters minilm tfidf, 1,024 labels, draw 3"
    assert trial().label == "letters tfidf, 4 labels, draw 0"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "taging"}, "There is no task 'taging'. Did you mean 'tagging'?"),
        (
            {"split": "train"},
            "A trial is scored on validation or test items, not 'train'.",
        ),
        (
            {"labels": 0},
            "A trial needs at least 1 labelled and 1 scored item, not 0 and 6.",
        ),
        (
            {"items": -2},
            "A trial needs at least 1 labelled and 1 scored item, not 4 and -2.",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(changes, sentence):
    with pytest.raises(UserError) as error:
        trial(**changes)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        '{"setting": []}',
        '{"setting": {}, "color": "red"}',
        json.dumps(json.loads(trial().json()) | {"labels": "many"}),
    ],
)
def test_what_is_no_trial_is_one_sentence(text):
    with pytest.raises(UserError, match=r"^This is no trial: .*\.$"):
        from_json(text)


def test_a_written_trial_that_cannot_be_run_is_refused_like_a_new_one():
    with pytest.raises(UserError, match=r"^There is no task 'riddles'\. Known: class"):
        from_json(trial().json().replace("classification", "riddles"))


def test_every_field_decides_the_key():
    assert {*json.loads(trial().json())} == {*Trial.__dataclass_fields__}
