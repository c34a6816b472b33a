from dataclasses import replace

import numpy as np
import pytest

from helpers import UserError
from helpers.evaluation.comparison import Comparison
from helpers.sources.sampling import draw_order
from helpers.trials import reading, studies
from helpers.trials.outcome import Outcome
from helpers.trials.reading import Read
from helpers.trials.store import OWN, SHIPPED
from helpers.trials.studies import STUDIES, Question
from tests.trials.made import ORIGIN, names, said, same, settle_facts, store_in

TRUTH = np.array([0, 0, 0, 1, 1, 1])
ASKED = replace(STUDIES["topics"], arms=("majority", "tfidf"), labels=(64,), draws=2)
RIGHT = said(0, 0, 0, 1, 1, 1)
HALF = said(0, 0, 0, 0, 0, 0)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The store that is read, empty, where no trial may be run."""
    settle_facts(monkeypatch)
    made = store_in(tmp_path)
    monkeypatch.setattr(reading, "store_for", lambda use: made)
    monkeypatch.setattr(reading.runner, "run_trials", None)
    return made


def trials():
    return studies.label_efficiency(ASKED)


def fill(store, outcomes):
    for one, outcome in zip(trials(), outcomes, strict=False):
        store.put(one, outcome)


def train(monkeypatch, store, outcomes, failed=None):
    """Let a run of trials give these outcomes to the first ones that are missing."""

    def run_trials(todo, into, **how):
        assert into is store
        asked.append((todo, how))
        for one, outcome in zip(todo, outcomes, strict=False):
            into.put(one, outcome)
        return failed or {}

    asked = []
    monkeypatch.setattr(reading.runner, "run_trials", run_trials)
    return asked


def refusal(call):
    with pytest.raises(UserError) as error:
        call()
    return str(error.value)


# what is stored


@pytest.mark.parametrize("use", ["stored", "missing", "fresh"])
def test_what_is_stored_is_read_and_nothing_is_trained(store, use):
    fill(store, [HALF, HALF, RIGHT, HALF])
    found = reading.read(ASKED, use)
    assert found.complete
    assert found.keys == [one.key for one in trials()]
    assert list(found.outcomes) == [("majority", 64), ("tfidf", 64)]
    assert same(found.outcomes["tfidf", 64][0], RIGHT)
    assert found.sentence == "4 of 4 trials: 4 were trained here. Made on a processor, torch 2.9.0."


def test_the_reader_is_told_what_came_with_the_project_and_every_device(store):
    gpu = ORIGIN | {"device": "a graphics card", "torch": "2.8.0"}
    fill(store, [HALF, HALF, said(0, 0, 0, 1, 1, 1, origin=gpu), HALF])
    store.ship(trials()[:3])
    assert reading.read(ASKED).sentence == (
        "4 of 4 trials: 3 come with the project, 1 were trained here. Made on a processor, torch "
        "2.9.0; a graphics card, torch 2.8.0."
    )


def test_stored_refuses_where_something_is_missing_and_names_the_command(store):
    fill(store, [HALF, HALF, RIGHT])
    assert refusal(lambda: reading.read(ASKED, "stored")) == (
        "1 of 4 trials are not stored (the first: reuters-r8 minilm tfidf, 64 labels, draw 1): run "
        "them with `python -m helpers trials topics --run`, or set trials to missing."
    )


def test_a_question_of_no_study_is_answered_by_its_notebook(store):
    asked = replace(ASKED, labels=(7,))
    assert "`python -m helpers run 06 -p trials missing -p minutes 600`" in refusal(
        lambda: reading.read(asked, "stored")
    )


def test_shipped_outcomes_alone_are_a_store_that_nothing_is_trained_into(store):
    fill(store, [HALF] * 4)
    store.ship(trials()[:3])
    store.own = None
    assert refusal(lambda: reading.read(ASKED, "missing")).startswith(
        "1 of 4 trials are not stored (the first: reuters-r8 minilm tfidf, 64 labels, draw 1): run"
    )


# what is missing


def test_what_is_missing_is_trained_in_the_order_of_the_question(store, monkeypatch, capsys):
    store.put(trials()[1], HALF)
    asked = train(monkeypatch, store, [HALF, RIGHT, RIGHT])
    found = reading.read(ASKED, "missing", minutes=2.5, device="cpu")
    ((todo, how),) = asked
    assert todo == [trials()[at] for at in (0, 2, 3)]
    assert (how["minutes"], how["device"], how["progress"]) == (2.5, "cpu", None)
    assert found.complete and found.sentence.startswith("4 of 4 trials: 4 were trained here. ")
    assert capsys.readouterr().out == (
        "3 of 4 trials are missing; training them for at most 2.5 minutes (all take about 1).\n"
    )


def test_an_incomplete_reading_says_so(store, monkeypatch):
    train(monkeypatch, store, [HALF, HALF, RIGHT])
    found = reading.read(ASKED)
    assert not found.complete and len(found.keys) == 3
    assert found.sentence == (
        "3 of 4 trials: 3 were trained here; 1 are missing, so there is no verdict. Made on a "
        "processor, torch 2.9.0."
    )
    assert list(found.outcomes["tfidf", 64]) == [0]


def test_what_failed_is_told_three_times_at_most(store, monkeypatch, capsys):
    failed = {one.key: f"reason {one.draw}" for one in trials()}
    train(monkeypatch, store, [HALF], failed)
    reading.read(ASKED)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "reuters-r8 majority, 64 labels, draw 0 failed: reason 0",
        "reuters-r8 majority, 64 labels, draw 1 failed: reason 1",
        "reuters-r8 minilm tfidf, 64 labels, draw 0 failed: reason 0",
    ]


def test_nothing_at_all_is_one_sentence(store, monkeypatch):
    train(monkeypatch, store, [])
    assert refusal(lambda: reading.read(ASKED)) == (
        "None of the 4 trials is there, and no time was enough to train one: set minutes higher."
    )


def test_the_parameter_decides_which_outcomes_are_read(monkeypatch):
    monkeypatch.delenv(reading.ONLY_SHIPPED, raising=False)
    folders = {
        use: (made.own, made.shipped)
        for use in ("missing", "stored", "fresh")
        for made in [reading.store_for(use)]
    }
    assert folders == {"missing": (OWN, SHIPPED), "stored": (OWN, SHIPPED), "fresh": (OWN, None)}
    monkeypatch.setenv(reading.ONLY_SHIPPED, "shipped")
    assert (reading.store_for("stored").own, reading.store_for("fresh").own) == (None, OWN)


# what is made of them


def made_of(**arms):
    """Return a reading of arms at 64 labels, from outcomes by draw."""
    return Read({(arm, 64): by_draw for arm, by_draw in arms.items()}, "A sentence.", True, ["k"])


def test_accuracies_are_those_of_a_hand_computation(store):
    one_wrong = said(1, 0, 0, 1, 1, 1)
    fill(store, [HALF, HALF, RIGHT, one_wrong])
    arms = reading.accuracies(reading.read(ASKED), TRUTH)
    assert arms.measure == "accuracy"
    assert arms.by_draw("tfidf", 64).tolist() == pytest.approx([1, 5 / 6])
    assert arms.score("majority", 64) == pytest.approx(3 / 6)
    gain = arms.difference("tfidf", "majority", 64)
    assert gain.value == pytest.approx((1 + 5 / 6) / 2 - 1 / 2)
    assert arms.of("tfidf", 64)[1, :, 0].tolist() == [0, 1, 1, 1, 1, 1]


def test_arms_are_compared_on_the_draws_that_both_have():
    found = made_of(good={0: RIGHT, 1: RIGHT, 2: HALF}, poor={1: HALF, 2: HALF, 4: RIGHT})
    arms = reading.accuracies(found, TRUTH)
    assert reading.draws_of(found) == {("good", 64): [0, 1, 2], ("poor", 64): [1, 2, 4]}
    assert arms.difference("good", "poor", 64).value == pytest.approx((0.5 + 0) / 2)


# four sentences in two articles, types PER and LOC
TAGGED = names(
    found=[[1, 0], [0, 2], [0, 0], [1, 1]],
    missed=[[0, 1], [0, 0], [2, 0], [0, 0]],
    wrong=[[0, 0], [1, 0], [0, 0], [0, 3]],
)
ARTICLES = [7, 3, 7, 3]


def test_f1_of_names_is_that_of_a_hand_computation():
    arms = reading.entity_f1s(made_of(linear={0: TAGGED}), ARTICLES)
    found, missed, wrong = 5, 3, 4
    assert arms.measure == "f1"
    assert arms.score("linear", 64) == pytest.approx(2 * found / (2 * found + missed + wrong))
    # right, predicted and there: article 3 is the first in the order of numbers
    assert arms.of("linear", 64)[0].tolist() == [[4, 8, 4], [1, 1, 4]]


@pytest.mark.parametrize(("column", "f1"), [(0, 2 * 2 / (4 + 2 + 1)), (1, 2 * 3 / (6 + 1 + 3))])
def test_f1_of_one_type_counts_its_names_alone(column, f1):
    arms = reading.entity_f1s(made_of(linear={0: TAGGED}), ARTICLES, column)
    assert arms.score("linear", 64) == pytest.approx(f1)


def test_articles_named_by_words_are_groups_too():
    by_word = reading.entity_f1s(made_of(linear={0: TAGGED}), ["b", "a", "b", "a"])
    assert by_word.of("linear", 64)[0].tolist() == [[4, 8, 4], [1, 1, 4]]


def test_a_curve_is_the_mean_over_draws():
    def curved(*losses):
        curve = {"step": np.array([0, 10]), "training_loss": np.array(losses)}
        return replace(RIGHT, curve=curve)

    found = made_of(tuned={0: curved(3.0, 1.0), 1: curved(2.0, 0.5)})
    mean = reading.mean_curve(found, "tuned", 64)
    assert {name: values.tolist() for name, values in mean.items()} == {
        "step": [0, 10],
        "training_loss": [2.5, 0.75],
    }


def test_a_cost_is_the_mean_over_draws_where_every_draw_has_one():
    def took(**cost):
        return replace(RIGHT, cost=cost)

    found = made_of(
        tuned={0: took(flops=1e9), 1: took(flops=3e9)},
        half={0: took(flops=1e9), 1: took(seconds=1)},
        tfidf={0: took(seconds=2)},
    )
    assert reading.total_cost(found, "flops") == {("tuned", 64): 2e9}
    assert reading.total_cost(found, "tokens") == {}


def test_two_readings_are_joined_under_different_names():
    first = made_of(tuned={0: RIGHT})
    second = Read({("tuned", 64): {0: HALF}, ("frozen", 64): {0: HALF}}, "Another.", False, ["l"])
    both = reading.joined(first, second, {"tuned": "tuned elsewhere"})
    assert list(both.outcomes) == [("tuned", 64), ("tuned elsewhere", 64), ("frozen", 64)]
    assert same(both.outcomes["tuned", 64][0], RIGHT)
    assert both.sentence == "A sentence. Beside them: Another."
    assert both.keys == ["k", "l"] and not both.complete
    assert reading.joined(first, first, {"tuned": "twin"}).complete


def test_every_draw_is_written_into_the_record():
    class Run:
        def metric(self, name, value, **rest):
            kept.append((name, value, rest))

    kept = []
    found = made_of(tfidf={0: RIGHT, 3: HALF})
    reading.record(Run(), reading.accuracies(found, TRUTH), found, [0] * 20, dataset="r8")
    marks = {"split": "test", "strategy": "tfidf", "labels": 64, "n": 6, "dataset": "r8"}
    assert kept == [
        ("accuracy", 1.0, marks | {"seed": 0}),
        ("accuracy", 0.5, marks | {"seed": 3}),
    ]


def test_curves_are_read_over_operations_in_the_order_of_draws():
    def trained(scores, flops):
        curve = {"step": np.array([0, 10, 20]), "validation_score": np.array(scores)}
        return Outcome({}, curve, {"flops": flops, "steps": 20})

    fast, slow = trained([0.1, 0.5, 0.6], 40.0), trained([0.1, 0.2, 0.5], 80.0)
    outcomes = {("fine_tuned", 64): {1: fast, 0: fast}, ("from_scratch", 64): {0: slow, 1: slow}}
    found = reading.reaches(Read(outcomes | {("tfidf", 64): {0: RIGHT}}, "", True, []))
    assert set(found.curves) == set(outcomes)  # what has no curve has none
    curve = found.curves["from_scratch", 64][0]
    assert (curve.costs.tolist(), curve.least) == ([0, 40, 80], 4.0)
    np.testing.assert_allclose(found.saved("fine_tuned", "from_scratch", 64), np.log2(80 / 20))


def test_draws_too_large_to_be_disjoint_are_thinned_out():
    """Of 100 items ten draws of 10 are disjoint; of 20 every second one is."""
    classes = [0] * 100
    outcomes = {("tfidf", n): dict.fromkeys(range(10), RIGHT) for n in (5, 20)}
    found = Read(outcomes, "", True, [])
    kept = reading.apart(found, classes, 20)
    assert list(kept.outcomes["tfidf", 5]) == list(range(10))
    shared = reading.overlaps(kept, classes)
    assert 2 <= len(kept.outcomes["tfidf", 20]) < 10
    assert reading.overlaps(found, classes)[20] > 0.05
    draws = list(kept.outcomes["tfidf", 20])
    sets = [set(draw_order(classes, draw)[:20].tolist()) for draw in draws]
    pairs = [(a, b) for i, a in enumerate(sets) for b in sets[:i]]
    assert max(len(a & b) for a, b in pairs) <= 1
    assert shared[5] == 0.0


def test_a_study_hands_over_what_the_claims_ask_of_it():
    """With the overlap of its draws and the operations of its arms, and whether all is there."""
    outcomes = {(arm, 3): {0: RIGHT, 1: HALF} for arm in ("majority", "tfidf")}
    found = Read(outcomes, "", complete=False, keys=[], study="topics")
    arms, given = reading.accuracies(found, TRUTH), []

    class Run:
        def metric(self, name, value, **where):
            pass

        def compares(self, study, compared, **more):
            given.append((study, compared, more))

    classes = [0] * 44
    reading.record(Run(), arms, found, classes)
    ((study, compared, more),) = given
    assert study == "topics" and compared is arms
    made_on = {key: [ORIGIN["device"]] for key in outcomes}
    others = more.pop("others")
    assert others["doublings saved"].curves == {}  # no arm of these was trained step by step
    costs = {"flops": {}, "sizes": {}}
    assert more == {"overlap": {3: 0.0}, "made_on": made_on, "complete": False} | costs
    reading.record(Run(), arms, replace(found, study=""), classes)  # one's own question: no claim
    assert len(given) == 1


def test_draws_that_run_out_of_items_overlap():
    found = Read({("tfidf", n): dict.fromkeys(range(3), RIGHT) for n in (4, 20)}, "", True, [])
    shares = reading.overlaps(found, [0] * 20)
    assert shares[4] < 0.5 and shares[20] == 1.0


def test_differences_stand_in_the_record_with_their_interval():
    rng = np.random.default_rng(0)
    arms = Comparison({(arm, 64): rng.random((4, 50)) < 0.8 for arm in ("a", "b")})
    written = {}

    class Run:
        def metric(self, name, value, **where):
            written[name, where["strategy"], where["labels"]] = (value, where)

    gains = arms.differences([("a", "b", 64)])
    reading.record_gains(Run(), arms, gains, dataset="r8")
    ((key, (value, where)),) = written.items()
    assert key == ("accuracy_difference", "a - b", 64) and value == gains["a", "b", 64].value
    assert where["interval"] == gains["a", "b", 64] and where["n"] == 50
    assert where["dataset"] == "r8"


def test_a_question_without_trials_has_nothing_to_read(store):
    with pytest.raises(UserError, match="None of the 0 trials is there"):
        reading.read(Question(arms=(), labels=(64,)))


def test_a_student_has_no_way_from_nothing_to_its_score():
    curve = {"step": np.array([0, 4]), "validation_score": np.array([0.2, 0.9])}
    from_nothing = said(0, 1, curve=curve, cost={"flops": 8.0, "steps": 4})
    student = said(0, 1, curve=curve, cost={"flops": 20.0})  # with its teacher's training
    outcomes = {
        ("fine_tuned", 4): {0: from_nothing, 1: from_nothing},
        ("distilled", 4): {0: student, 1: student},
    }
    found = reading.reaches(reading.Read(outcomes, "", True, []))
    assert found.has("fine_tuned", labels=4) and not found.has("distilled", labels=4)
