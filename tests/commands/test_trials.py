import json
from dataclasses import replace

import pytest

from helpers import UserError
from helpers.__main__ import main
from helpers.commands import trials as command
from helpers.trials import pack, studies, verify
from helpers.trials.outcome import to_bytes
from helpers.trials.store import ENDING
from helpers.trials.studies import Question
from tests.trials.made import names, said, settle_facts, store_in, trial

TEXTS = Question(
    corpus="letters", arms=("majority", "tfidf", "fine_tuned"), labels=(64, 16), draws=2
)
TAGS = Question(
    task="tagging", corpus="articles", model="bert-zh-mini", arms=("linear",), labels=(100,)
)
SIX = said(0, 1, 0, 1, 0, 1)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """Two small studies and an empty store; no trial may be run."""
    settle_facts(monkeypatch)
    made = store_in(tmp_path)
    monkeypatch.setattr(studies, "STUDIES", {"topics": TEXTS, "entities": TAGS})
    monkeypatch.setattr(command, "Store", lambda *folders: made)
    monkeypatch.setattr(command.settings, "FILE", tmp_path / "settings.yaml")
    monkeypatch.setattr(command.searches, "found_for", found_everywhere)
    minutes = lambda trials, store=None: {trial.key: 60.0 for trial in trials}  # noqa: E731
    monkeypatch.setattr(command.runner, "expected_each", minutes)
    monkeypatch.setattr(command.runner, "run_trials", None)
    return made


def found_everywhere(task, corpus, model):
    return [{"arm": arm, "labels": n} for arm, n in (*TEXTS.pairs(), *TAGS.pairs())]


def topics(**changes):
    return studies.label_efficiency(replace(TEXTS, **changes))


def done(capsys, *words, code=0):
    """Return what a command prints, on stdout and on stderr."""
    assert main(["trials", *words]) == code
    return capsys.readouterr()


def sentence(capsys, *words):
    shown = done(capsys, *words, code=2)
    assert shown.out == "" and shown.err.startswith("error: ") and shown.err.count("\n") == 1
    return shown.err.removeprefix("error: ").strip()


# the list


def test_the_list_has_a_line_for_each_study(store, capsys):
    for one in topics()[:3]:
        store.put(one, SIX)
    lines = done(capsys).out.splitlines()
    assert lines == [
        "study     trials                  stored  missing  about minutes",
        "topics    letters classification       3        9            4.5",
        "entities  articles tagging             0       10            5.0",
    ]


def test_a_study_is_listed_by_arm_and_label_count_in_its_order(store, capsys):
    for one in topics()[:3]:
        store.put(one, SIX)
    assert done(capsys, "topics").out.splitlines() == [
        "trials                 stored  missing  about minutes",
        "majority, 64 labels         2        0",
        "tfidf, 64 labels            1        1            0.5",
        "majority, 16 labels         0        2            1.0",
        "tfidf, 16 labels            0        2            1.0",
        "fine_tuned, 64 labels       0        2            1.0",
        "fine_tuned, 16 labels       0        2            1.0",
    ]


def test_the_list_is_json_on_request_and_its_minutes_are_shared_by_the_processes(capsys):
    def rows(*words):
        return json.loads(done(capsys, "topics", "--json", "--arms", "fine_tuned", *words).out)

    (first, second), (four, _) = rows("--jobs", "1"), rows("--jobs", "4")
    assert first == {
        "study": "topics",
        "trials": "fine_tuned, 64 labels",
        "stored": 0,
        "missing": 2,
        "minutes": 2.0,
    }
    assert second["trials"] == "fine_tuned, 16 labels"
    assert four["minutes"] == 0.5


def test_arms_labels_and_draws_can_be_named(capsys):
    words = ("--arms", "tfidf,majority", "--labels", "16,4", "--draws", "1", "--json")
    rows = json.loads(done(capsys, "topics", *words).out)
    assert [(row["trials"], row["missing"]) for row in rows] == [
        ("tfidf, 16 labels", 1),
        ("majority, 16 labels", 1),
        ("tfidf, 4 labels", 1),
        ("majority, 4 labels", 1),
    ]


def test_counts_at_which_nothing_whole_is_trained_stay_without(monkeypatch, capsys):
    monkeypatch.setitem(studies.STUDIES, "topics", replace(TEXTS, trained_labels=(16,)))
    rows = json.loads(done(capsys, "topics", "--labels", "64,16", "--json").out)
    trained = [row["trials"] for row in rows if row["trials"].startswith("fine_tuned")]
    assert trained == ["fine_tuned, 16 labels"]


def test_a_fresh_list_leaves_out_what_came_with_the_project(store, monkeypatch, capsys):
    folders = []
    monkeypatch.setattr(command, "Store", lambda *given: folders.append(given) or store)
    done(capsys, "topics")
    done(capsys, "topics", "--fresh")
    assert folders == [(), (command.OWN, None)]


def without_lora(task, corpus, model, arm, labels):
    if arm == "lora":
        raise UserError("No setting of the arm 'lora' has been found yet.")
    return {"regularization": 10.0}


def test_an_arm_without_a_setting_is_listed_as_missing_and_does_not_hide_the_rest(
    store, monkeypatch, capsys
):
    monkeypatch.setitem(studies.STUDIES, "topics", replace(TEXTS, arms=("tfidf", "lora")))
    for module in (studies, command.searches):
        monkeypatch.setattr(module, "setting_for", without_lora)
    shown = done(capsys, "topics")
    assert shown.out.splitlines() == [
        "trials            stored  missing  about minutes",
        "tfidf, 64 labels       0        2            1.0",
        "tfidf, 16 labels       0        2            1.0",
        "lora, 64 labels        0        2",
        "lora, 16 labels        0        2",
    ]
    assert shown.err == (
        "topics: no settings yet of lora; run `python -m helpers trials topics --search`.\n"
    )
    rows = json.loads(done(capsys, "topics", "--json").out)
    assert rows[-1] == {
        "study": "topics", "trials": "lora, 16 labels", "stored": 0, "missing": 2, "minutes": None,
    }  # fmt: skip


def test_an_arm_without_a_setting_is_not_run(monkeypatch, capsys):
    monkeypatch.setitem(studies.STUDIES, "topics", replace(TEXTS, arms=("tfidf", "lora")))
    monkeypatch.setattr(studies, "setting_for", without_lora)
    assert "No setting of the arm 'lora'" in sentence(capsys, "topics", "--run")


# what cannot be done


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["topic"], "There is no study 'topic'. Did you mean 'topics'?"),
        (["zzz"], "There is no study 'zzz'. Known: entities, topics."),
        (["--run"], "Name the study: topics, entities."),
        (["--search"], "Name the study: topics, entities."),
        (["--pack", "x"], "Name the study: topics, entities."),
        (["topics", "--arms", "tfid"], "The study has no arm 'tfid'. Did you mean 'tfidf'?"),
        (
            ["topics", "--arms", "tfidf,"],
            "The study has no arm ''. Known: fine_tuned, majority, tfidf.",
        ),
        (["topics", "--labels", "64,x"], "--labels takes counts like 64,256, not 64,x."),
        (["topics", "--draws", "0"], "--draws must be 1 to 2, those of the study, not 0."),
        (["topics", "--draws", "3"], "--draws must be 1 to 2, those of the study, not 3."),
        (
            ["topics", "--labels", "0"],
            "--labels takes counts of at least 1, not 0.",
        ),
        (["topics", "--run", "--jobs", "0"], "--jobs must be at least 1 process, not 0."),
        (
            ["topics", "--run", "--minutes", "0"],
            "--minutes must be above 0, not 0; leave it out for no limit.",
        ),
        (
            ["topics", "--search", "--device", "tpu"],
            "Device 'tpu' is not on this machine; usable here: ",
        ),
        (["--verify", "0"], "--verify must be at least 1 trial, not 0."),
        (["--verify", "2"], "There is no shipped outcome to verify."),
        (["--merge", "/nowhere/x.zip"], "There is no file /nowhere/x.zip to merge."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence(capsys, words, says):
    assert sentence(capsys, *words).startswith(says)


@pytest.mark.parametrize("words", [["--run", "--search"], ["--labels"], ["--jobs", "x"]])
def test_words_that_make_no_command_show_the_usage(capsys, words):
    with pytest.raises(SystemExit) as error:
        main(["trials", *words])
    assert error.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m helpers trials")


# running and searching


def test_a_run_says_how_many_are_stored(store, monkeypatch, capsys):
    asked = []

    def run_trials(trials, into, **how):
        asked.append((trials, how))
        for one in trials[:3]:
            into.put(one, SIX)
        return {}

    monkeypatch.setattr(command.runner, "run_trials", run_trials)
    words = ("topics", "--run", "--jobs", "3", "--minutes", "1.5", "--device", "cpu")
    assert done(capsys, *words).out == "3 of 12 are stored.\n"
    assert asked == [(topics(), {"jobs": 3, "device": "cpu", "minutes": 1.5})]


def test_a_run_in_which_a_trial_failed_ends_with_1(monkeypatch, capsys):
    monkeypatch.setattr(command.runner, "run_trials", lambda *_, **how: {"key": "out of memory"})
    assert done(capsys, "topics", "--run", code=1).out == "0 of 12 are stored.\n"


def test_nothing_is_run_before_its_setting_was_searched(monkeypatch, capsys):
    monkeypatch.setattr(command.searches, "found_for", lambda *marks: [])
    monkeypatch.setattr(command.runner, "run_trials", lambda *_, **how: {})
    assert sentence(capsys, "topics", "--run") == (
        "No setting has been found yet for tfidf with 64 labels: run `python -m helpers trials "
        "topics --search --arms tfidf --labels 64` first, or name other --arms and --labels."
    )
    assert done(capsys, "topics", "--run", "--arms", "majority").out == "0 of 4 are stored.\n"


def test_a_search_prints_what_it_chose(monkeypatch, capsys, tmp_path):
    found = {"arm": "tfidf", "labels": 1024, "setting": {"regularization": 300.0}, "score": 0.91234}
    trained = {"learning_rate": 1e-4, "steps": 40}
    entries = [
        found | {"edge": []},
        found | {"arm": "fine_tuned", "setting": trained, "edge": ["learning_rate", "steps"]},
    ]
    asked = []

    def search(question, store, **how):
        asked.append(question)
        return entries

    monkeypatch.setattr(command.runner, "search", search)
    shown = done(capsys, "topics", "--search", "--labels", "1024")
    assert asked == [replace(TEXTS, labels=(1024,))]
    assert shown.out.splitlines() == [
        "tfidf, 1,024 labels: regularization 300: 0.912",
        "fine_tuned, 1,024 labels: learning_rate 0.0001, steps 40: 0.912 (on the edge of its grid: "
        "learning_rate, steps)",
        f"Written to {tmp_path}/settings.yaml.",
    ]


# away and back, shipped, verified


def test_outcomes_are_taken_in_once(store, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command.settings, "read_settings", lambda: {"corpora": {}})
    other = store_in(tmp_path / "other")
    for one in topics()[:3]:
        other.put(one, SIX)
    other.export(tmp_path / "back.zip", topics())
    words = ("--merge", str(tmp_path / "back.zip"))
    assert done(capsys, *words).out == "3 outcomes taken in, 0 were there already.\n"
    assert done(capsys, *words).out == "0 outcomes taken in, 3 were there already.\n"
    assert store.missing(topics()) == topics()[3:]


def test_outcomes_of_other_items_than_the_settings_know_are_not_taken_in(
    store, tmp_path, capsys, monkeypatch
):
    facts = {"validation": 50, "test": 2189}
    monkeypatch.setattr(command.settings, "read_settings", lambda: {"corpora": {"letters": facts}})
    other = store_in(tmp_path / "other")
    other.put(trial(), SIX)
    other.export(tmp_path / "back.zip", [trial()])
    assert sentence(capsys, "--merge", str(tmp_path / "back.zip")).endswith(
        f"{ENDING} in {tmp_path}/back.zip scored 6 items of letters's test split, which has 2,189."
    )
    assert store.where(trial()) is None


def test_packing_takes_what_is_missing_and_says_what_to_do_with_it(
    store, tmp_path, capsys, monkeypatch
):
    def write(trials, folder, choices, known):
        asked.append((trials, folder, choices, known))
        return 8, 3_400_000

    asked = []
    monkeypatch.setattr(pack, "write_pack", write)
    store.put(topics()[0], SIX)
    shown = done(capsys, "topics", "--pack", str(tmp_path / "pack")).out
    assert asked == [(topics()[1:], tmp_path / "pack", [], store)]
    assert shown.startswith(f"8 missing trials packed, 3 MB in {tmp_path}/pack. On the other")
    assert shown.endswith("run `python -m helpers trials --merge FILE`.\n")


def test_a_pack_of_several_studies_takes_the_searches_that_are_missing_along(
    store, tmp_path, capsys, monkeypatch
):
    def write(trials, folder, choices, known):
        asked.append((trials, choices))
        return 8, 3_400_000

    asked = []
    monkeypatch.setattr(pack, "write_pack", write)
    lacking = [{"arm": arm, "labels": n} for arm, n in TEXTS.pairs() if arm != "fine_tuned"]
    monkeypatch.setattr(command.searches, "found_for", lambda *marks: lacking)
    shown = done(capsys, "topics,entities", "--pack", str(tmp_path / "pack")).out
    ((trials, choices),) = asked
    assert {one.arm for one in trials} == {"majority", "tfidf"}
    tried = [(choice.tried[0].corpus, choice.tried[0].arm) for choice in choices]
    assert tried == [("letters", "fine_tuned")] * 2 + [("articles", "linear")]
    assert shown.endswith("--merge FILE`, then --search, which finds its trials there.\n")


def test_several_studies_are_listed_arm_by_arm_and_an_unknown_one_is_a_sentence(capsys):
    rows = json.loads(done(capsys, "topics,entities", "--json").out)
    assert {row["study"] for row in rows} == {"topics", "entities"}
    assert sentence(capsys, "topics,entity").startswith("There is no study 'entity'. Did you mean")


def test_shipping_names_each_table_and_its_size(store, tmp_path, capsys):
    for one in topics()[:3]:
        store.put(one, SIX)
    table = tmp_path / "shipped" / "letters.parquet"
    for words in (["--ship"], ["topics", "--ship"]):
        shown = done(capsys, *words).out
        assert shown == f"{table}: 3 outcomes, {table.stat().st_size / 1e6:.2f} MB\n"


def tagger(draw):
    return studies.label_efficiency(TAGS)[draw]


@pytest.fixture
def stored(store):
    for draw in range(4):
        store.put(tagger(draw), names(*[[[1]] * 6] * 3))
    store.ship([tagger(draw) for draw in range(4)])
    return store


def again(monkeypatch, outcome):
    def run_trials(trials, into, **how):
        for one in trials:
            into.put(one, outcome)

    monkeypatch.setattr(verify.runner, "run_trials", run_trials)


def test_verifying_prints_a_line_for_each_trial_and_counts_on_stderr(stored, monkeypatch, capsys):
    again(monkeypatch, names(*[[[1]] * 6] * 3))
    shown = done(capsys, "--verify", "3")
    assert len(shown.out.splitlines()) == 3
    assert all(line.endswith("allowed ±0.0020: agrees") for line in shown.out.splitlines())
    assert shown.err == "3 of 3 agree.\n"


def test_a_trial_that_disagrees_ends_with_1(stored, monkeypatch, capsys):
    again(monkeypatch, names([[0]] * 6, [[2]] * 6, [[1]] * 6))
    shown = done(capsys, "entities", "--verify", "1", code=1)
    assert "stored 0.5000, now 0.0000, allowed ±0.0020: DISAGREES" in shown.out
    assert shown.err == "0 of 1 agree.\n"


def test_only_trials_of_the_named_study_are_verified(stored, capsys):
    assert sentence(capsys, "topics", "--verify", "1") == "There is no shipped outcome to verify."


def test_a_damaged_zip_file_is_one_sentence(store, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command.settings, "read_settings", lambda: {"corpora": {}})
    (tmp_path / "back.zip").write_bytes(to_bytes(trial(), SIX))
    assert sentence(capsys, "--merge", str(tmp_path / "back.zip")).startswith(
        f"{tmp_path}/back.zip is cut short or no zip file of outcomes"
    )
