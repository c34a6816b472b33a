"""Dialogues: no question, nor a near duplicate of it, crosses a split; bad files are told."""

import csv
import json

import pytest

from helpers import UserError
from helpers.sources import dialogues
from helpers.sources.dialogues import (
    MOST,
    load_dialogues,
    read_chatterbot,
    read_chitchat,
    read_friends,
)
from helpers.sources.duplicates import words
from helpers.sources.parallel import SPLITS, near_groups

ROWS = [(f"{word} {word}?", f"{word}.") for word in ("alpha", "brook", "cedar", "delta", "ember")]


def write(path, rows, header=("question", "reply")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def say(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def questions(corpus, splits=SPLITS):
    return [text for split in splits for text in corpus.splits[split]["source"]]


@pytest.fixture(scope="module")
def chatterbot():
    return load_dialogues("chatterbot-en")


@pytest.fixture(scope="module")
def friends():
    return load_dialogues("friends")


def test_no_near_question_crosses_a_split_of_chatterbot(chatterbot):
    everything = questions(chatterbot)
    assert len({tuple(words(text)) for text in everything}) == len(everything)
    place = [split for split in SPLITS for _ in chatterbot.splits[split]]
    groups = near_groups(everything).tolist()
    assert len(set(zip(groups, place, strict=True))) == len(set(groups)) == chatterbot.groups
    assert len(set(groups)) < len(groups)
    assert chatterbot.read == len(everything) + chatterbot.repeated + chatterbot.apart
    for split in SPLITS[1:]:
        assert 0 < len(chatterbot.splits[split]) <= round(0.2 * len(everything))


def test_no_episode_crosses_a_split_of_friends(friends):
    episodes = [set(friends.splits[split]["origin"]) for split in SPLITS]
    assert all(episodes) and len(set.union(*episodes)) == sum(map(len, episodes)) == friends.groups
    everything = questions(friends)
    assert len({tuple(words(text)) for text in everything}) == len(everything)


def test_held_out_questions_of_another_corpus_are_left_out(chatterbot, friends):
    held_out = {tuple(words(text)) for text in questions(chatterbot, SPLITS[1:])}
    apart = load_dialogues("friends", apart_from=chatterbot)
    assert not held_out & {tuple(words(text)) for text in questions(apart)}
    shared = held_out & {tuple(words(text)) for text in questions(friends)}
    assert apart.apart == len(shared)
    assert len(questions(apart)) == len(questions(friends)) - len(shared)


def test_held_out_questions_of_a_file_are_left_out_by_their_words(tmp_path):
    first = load_dialogues(write(tmp_path / "first.csv", ROWS))
    held_out = questions(first, SPLITS[1:])
    more = [(word * 2, "yes") for word in ("fjord", "grape", "hotel", "igloo")]
    rows = [*((text.upper() + "!", "no") for text in held_out), *more]
    second = load_dialogues(write(tmp_path / "second.csv", rows), apart_from=first)
    assert second.apart == len(held_out) > 0
    assert sorted(questions(second)) == sorted(question for question, _ in more)


def test_the_first_of_a_repeated_question_stays(tmp_path):
    path = write(tmp_path / "rows.csv", [*ROWS, ("ALPHA,  alpha", "again")])
    corpus = load_dialogues(path)
    assert (corpus.read, corpus.repeated, corpus.apart, corpus.groups) == (6, 1, 0, 5)
    pairs = {pair["source"]: pair["target"] for split in SPLITS for pair in corpus.splits[split]}
    assert pairs == dict(ROWS)
    assert {o for split in SPLITS for o in corpus.splits[split]["origin"]} == {"rows.csv"}


def test_the_cut_depends_on_the_seed_alone(chatterbot):
    assert load_dialogues("chatterbot-en").fingerprint == chatterbot.fingerprint
    other = load_dialogues("chatterbot-en", seed=1)
    assert other.fingerprint != chatterbot.fingerprint
    assert sorted(questions(other)) == sorted(questions(chatterbot))


def test_only_other_speakers_of_one_episode_answer(tmp_path):
    lines = [
        ("S01", "E01", "1", "1", "Ross", "Hi  there."), ("S01", "E01", "1", "2", "Joey", "Hey."),
        ("S01", "E01", "1", "3", "Joey", "What now?"), ("S01", "E01", "1", "4", "Ross", "Coffee."),
        ("S01", "E02", "1", "1", "Joey", "Hello."), ("S01", "E02", "1", "2", "Ross", "Bye."),
    ]  # fmt: skip
    text = "\n".join(["one", "two", "three", *map("\t".join, lines), ""])
    found = [(t.source, t.target, t.origin) for t in read_friends(say(tmp_path / "f.tsv", text))]
    assert found == [
        ("Hi there.", "Hey.", "S01E01"),
        ("What now?", "Coffee.", "S01E01"),
        ("Hello.", "Bye.", "S01E02"),
    ]


def test_bad_conversations_are_told_with_their_line(tmp_path):
    path = say(tmp_path / "talk.yml", "conversations:\n- - Hi\n  - Hey\n  - Yo\n- - Alone\n")
    with pytest.raises(UserError) as caught:
        load_dialogues(path)
    assert str(caught.value) == (
        f"The conversation at line 5 of {path} has 1 turn; a question and a reply are needed."
    )
    assert [(t.source, t.target) for t in read_chatterbot(path, lenient=True)] == [("Hi", "Hey")]
    say(path, "conversations:\n- - Hi\n  - ''\n")
    with pytest.raises(UserError, match=r"The turn at line 3 of .*talk\.yml is empty or no text\."):
        load_dialogues(path)
    say(path, "conversations:\n- [Hi\n")
    with pytest.raises(UserError, match=r"talk\.yml is not valid YAML: line \d+: .*\.$"):
        load_dialogues(path)
    for text in ("categories:\n- AI\n", "conversations: none\n", "", "- Hi\n"):
        with pytest.raises(UserError, match=r"talk\.yml has no list of conversations"):
            load_dialogues(say(path, text))
    path.write_bytes(b"conversations:\n- - \xff\n")
    with pytest.raises(UserError, match=r"talk\.yml is not UTF-8; save it as UTF-8\."):
        load_dialogues(path)
    with pytest.raises(UserError, match=r"none\.yml cannot be read: No such file"):
        load_dialogues(tmp_path / "none.yml")


def test_other_bad_input_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"no dialogues 'friend' .* Did you mean 'friends'\?"):
        load_dialogues("friend")
    with pytest.raises(
        UserError,
        match=r"csv needs the columns question and reply; its columns are question, answer\.",
    ):
        load_dialogues(write(tmp_path / "renamed.csv", ROWS, header=("question", "answer")))
    with pytest.raises(UserError, match=r"too few different .*: 2 of 3 pairs, since near"):
        load_dialogues(write(tmp_path / "few.csv", [*ROWS[:2], ROWS[0]]))
    with pytest.raises(UserError, match="too few different questions for three splits: 0 of 0"):
        load_dialogues(say(tmp_path / "none.yml", "conversations: []\n"))


def conversations(path, turns_of):
    """Write conversations in the chit-chat file's form; a turn is a list of messages."""
    talks = {
        name: {"messages": [[{"text": text, "sender": "s"} for text in turn] for turn in turns]}
        for name, turns in turns_of.items()
    }
    return say(path, json.dumps(talks))


def test_a_turn_of_people_who_chat_answers_the_turn_before(tmp_path):
    path = conversations(
        tmp_path / "chat.json",
        {
            "a": [["Hi", "how are  you?"], ["Good"], ["Nice", "I am too"]],
            "b": [["Anyone here?"]],
            "c": [["Hello"], [" "], ["Are you there?"], ["Yes"]],
        },
    )
    found = [(pair.source, pair.target, pair.origin) for pair in read_chitchat(path)]
    assert found == [
        ("Hi how are you?", "Good", "a"),
        ("Good", "Nice I am too", "a"),
        ("Are you there?", "Yes", "c"),
    ]


def chat_corpus(monkeypatch, path):
    """Load a file of conversations as the catalogue's chit-chat."""
    pairs = list(read_chitchat(path))
    monkeypatch.setattr(dialogues, "_read", lambda name: (pairs, "", "", "chitchat"))
    return load_dialogues("made")


def test_conversations_stay_whole_and_give_at_most_two_pairs(tmp_path, monkeypatch):
    talks = {
        f"talk {n}": [[f"{'abcdefghijklmnopqrst'[n] * 3} says {word}"] for word in "uvwxyz"]
        for n in range(20)
    }
    corpus = chat_corpus(monkeypatch, conversations(tmp_path / "chat.json", talks))
    origins = {split: corpus.splits[split]["origin"][:] for split in SPLITS}
    assert sum(map(len, map(set, origins.values()))) == 20 == corpus.groups
    for each in origins.values():
        assert each and max(each.count(name) for name in each) == MOST
    assert (corpus.read, corpus.unused, corpus.near) == (100, 60, 0)
    assert corpus.by_origin and not load_dialogues(write(tmp_path / "rows.csv", ROWS)).by_origin
    assert all(len(corpus.splits[split]) >= 0.15 * 40 for split in SPLITS)
    assert chat_corpus(monkeypatch, tmp_path / "chat.json").fingerprint == corpus.fingerprint


def test_a_near_duplicate_of_a_held_out_question_is_not_learned_from(tmp_path, monkeypatch):
    long = " ".join(f"word{n}" for n in range(40))
    talks = {f"talk {n}": [[f"{long} {'abcdefghijkl'[n]}"], ["Fine."]] for n in range(12)}
    talks |= {f"other {n}": [["mnopqrstuvwx"[n] * 4], ["Fine."]] for n in range(12)}
    corpus = chat_corpus(monkeypatch, conversations(tmp_path / "chat.json", talks))
    places = [split for split in SPLITS for text in corpus.splits[split]["source"] if long in text]
    assert len(set(places)) == 1
    assert corpus.near == 12 - len(places) > 0


def test_a_file_that_holds_no_conversations_is_told(tmp_path):
    for text in ("no JSON", "[]", '{"a": {}}', '{"a": {"messages": [[{"body": "Hi"}]]}}'):
        with pytest.raises(UserError, match=r"bad\.json holds no conversations: it must be JSON"):
            list(read_chitchat(say(tmp_path / "bad.json", text)))


def test_the_packaged_chit_chat_is_what_the_catalogue_says():
    entry = dialogues.catalog.load_catalog().dialogues["chitchat"]
    path = dialogues.catalog.fetch(entry.package) / entry.files[0]
    assert len(json.loads(path.read_text(encoding="utf-8"))) == entry.conversations
    pairs = list(read_chitchat(path))
    assert len(pairs) == 131_548
    corpus = load_dialogues("chitchat")
    assert len(pairs) == corpus.read
    asked = questions(corpus)
    assert len({tuple(words(text)) for text in asked}) == len(asked)
