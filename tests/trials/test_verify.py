import math

import pytest

from helpers import UserError
from helpers.trials import runner, verify
from helpers.trials.verify import LEAST, Check, sample
from tests.trials.made import names, store_in, trial


def check(stored, new, allowed):
    return Check(trial(), stored, new, allowed)


@pytest.mark.parametrize(
    ("new", "agrees"), [(0.8, True), (0.79, True), (0.81, True), (0.789, False), (0.811, False)]
)
def test_scores_agree_within_what_is_allowed(new, agrees):
    assert check(0.8, new, 0.01 + 1e-12).agrees is agrees


def test_what_could_not_be_run_does_not_agree():
    assert not check(0.8, math.nan, 1.0).agrees


def test_a_check_is_told_in_one_line():
    assert str(check(0.8, 0.805, 0.01)) == (
        "letters tfidf, 4 labels, draw 0: stored 0.8000, now 0.8050, allowed ±0.0100: agrees"
    )
    assert str(check(0.8, 0.7, 0.01)).endswith(
        "stored 0.8000, now 0.7000, allowed ±0.0100: DISAGREES"
    )


# which are run again


def test_a_sample_has_no_trial_twice_and_its_seed_decides_it():
    trials = [trial(draw=draw) for draw in range(50)]
    first = sample(trials, 10, seed=0)
    assert len({*first}) == 10 and {*first} <= {*trials}
    assert sample(trials, 10, seed=0) == first != sample(trials, 10, seed=1)
    assert {*sample(trials, 99, seed=0)} == {*trials}


def test_only_trials_of_seconds_are_taken_where_that_is_asked_for():
    dear = trial(
        arm="fine_tuned",
        model="minilm",
        setting=(("steps", 1000), ("batch_tokens", 1024), ("max_length", 64)),
    )
    assert sample([dear, trial()], 2, seed=0, seconds=10.0) == [trial()]
    assert {*sample([dear, trial()], 2, seed=0)} == {dear, trial()}


def test_nothing_to_sample_is_one_sentence():
    with pytest.raises(UserError, match=r"^--verify must be at least 1 trial, not 0\.$"):
        sample([trial()], 0, seed=0)
    for trials, seconds in (([], None), ([trial()], 0.1)):
        with pytest.raises(UserError, match=r"^There is no shipped outcome to verify\.$"):
            sample(trials, 1, seed=0, seconds=seconds)


# running them again; F1 of a tagger is worked out from its outcome alone


def tagger(draw=0, **changes):
    return trial(task="tagging", arm="linear", items=1, draw=draw, **changes)


def f1(percent):
    """Return an outcome with this F1: so many of a hundred names found, as many made up."""
    return names([[percent]], [[100 - percent]], [[100 - percent]])


@pytest.fixture
def shipped(tmp_path):
    store = store_in(tmp_path)
    for draw, percent in enumerate((60, 64, 68)):
        store.put(tagger(draw), f1(percent))
    others = {"labels": 8}, {"corpus": "x", "corpus_hash": "x"}, {"setting": (("strength", 1.0),)}
    for at, other in enumerate(others):
        store.put(tagger(**other), f1(10 * at))
    return store


@pytest.fixture
def run_again(monkeypatch):
    """Return a function that says what trials give when they are run again."""

    def settle(given):
        def run_trials(trials, store, **how):
            asked.append((list(trials), how))
            for one in trials:
                if one in given:
                    store.put(one, f1(given[one]))

        monkeypatch.setattr(runner, "run_trials", run_trials)
        return asked

    asked = []
    return settle


def test_a_trial_may_move_by_what_draws_of_its_arm_differ(shipped, run_again):
    asked = run_again({tagger(0): 75})
    (found,) = verify.verify([tagger(0)], shipped, jobs=1, progress=None)
    assert (found.trial, found.stored, found.new) == (tagger(0), 0.6, 0.75)
    assert found.allowed == pytest.approx(4 * math.sqrt(2) * 0.04)  # 60, 64 and 68 per cent
    assert found.agrees
    assert asked == [([tagger(0)], {"jobs": 1, "progress": None})]


def test_a_trial_that_moves_more_disagrees(shipped, run_again):
    run_again({tagger(0): 90})
    (found,) = verify.verify([tagger(0)], shipped)
    assert not found.agrees


def test_a_trial_without_other_draws_may_move_by_rounding_alone(shipped, run_again):
    alone = tagger(labels=8)
    run_again({alone: 0})
    (found,) = verify.verify([alone], shipped)
    assert found.allowed == LEAST == 0.002 and found.agrees
    run_again({alone: 1})
    assert not verify.verify([alone], shipped)[0].agrees


def test_a_trial_that_fails_is_told_beside_the_others(shipped, run_again):
    run_again({tagger(1): 64})
    first, second = verify.verify([tagger(0), tagger(1)], shipped)
    assert math.isnan(first.new) and not first.agrees
    assert second.agrees


def test_verifying_changes_no_store(shipped, run_again, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")}
    run_again({tagger(0): 99})
    verify.verify([tagger(0)], shipped)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")} == before


def test_a_trial_that_is_not_stored_is_one_sentence(shipped, run_again):
    run_again({})
    with pytest.raises(UserError) as error:
        verify.verify([tagger(9)], shipped)
    assert str(error.value) == ("letters linear, 4 labels, draw 9 has no stored outcome to verify.")
