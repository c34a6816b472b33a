import numpy as np
import pytest
import torch

from helpers import UserError
from helpers.sources.sampling import draw_order
from helpers.trials import references
from helpers.trials.outcome import check_items
from helpers.trials.rows import flat, pack_texts
from tests.trials.made import trial

TOPICS = ["crude oil and gas", "wheat and corn", "ships in port"]
NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def texts(train, labels, test, names=("oil", "grain", "ship")):
    inputs = {"names": list(names), "train.labels": np.array(labels, np.int32)}
    for split, found in (("train", train), ("test", test)):
        inputs[f"{split}.text"], inputs[f"{split}.text_starts"] = pack_texts(found)
    return inputs


def sentences(train, test):
    """Return inputs of (text, names in it) pairs; a name is (where it begins, itself, type)."""
    inputs = {"names": NAMES}
    for split, pairs in (("train", train), ("test", test)):
        tags = []
        for text, found in pairs:
            tags.append([0] * len(text))
            for start, name, kind in found:
                first = NAMES.index(f"B-{kind}")
                tags[-1][start : start + len(name)] = [first] + [first + 1] * (len(name) - 1)
        inputs[f"{split}.text"], inputs[f"{split}.text_starts"] = pack_texts([t for t, _ in pairs])
        inputs[f"{split}.tags"], inputs[f"{split}.tag_starts"] = flat(tags, np.uint8)
    return inputs


def outcome_of(arm, one, inputs):
    outcome = getattr(references, arm)(one, inputs, {}, torch.device("cpu"))
    check_items(one, outcome)
    return outcome.items


def counts(items):
    return {name: items[name].tolist() for name in ("found", "missed", "wrong")}


# texts


def test_the_majority_class_is_said_of_every_item_with_its_share_of_the_labels():
    labels = [0] * 10 + [1] * 20 + [2] * 5
    inputs = texts(["x"] * 35, labels, ["y"] * 4)
    items = outcome_of("majority", trial(arm="majority", labels=35, items=4), inputs)
    assert items["predicted"].tolist() == [1] * 4
    assert items["probability"].tolist() == [np.float16(20 / 35)] * 4


@pytest.mark.parametrize("draw", range(5))
def test_the_majority_is_that_of_the_labels_that_the_draw_sees(draw):
    labels = np.random.default_rng(0).integers(0, 3, 60)
    one = trial(arm="majority", labels=7, items=2, draw=draw)
    items = outcome_of("majority", one, texts(["x"] * 60, labels, ["y"] * 2))
    seen = [int(labels[at]) for at in draw_order(labels, draw)[:7]]
    most = max(range(3), key=lambda label: (seen.count(label), -label))
    assert items["predicted"].tolist() == [most] * 2
    assert items["probability"][0] == np.float16(seen.count(most) / 7)


def penalty(c, **changes):
    return trial(setting=(("regularization", c),), **changes)


def test_a_bag_of_words_knows_a_topic_by_its_words():
    inputs = texts(TOPICS * 4, [0, 1, 2] * 4, ["corn", "oil", "a port", "gas", "unseen words"])
    items = outcome_of("tfidf", penalty(100.0, labels=12, items=5), inputs)
    assert items["predicted"].tolist()[:4] == [1, 0, 2, 0]
    assert all(items["probability"][:4] > 0.8)
    assert 1 / 3 <= items["probability"][4] < 0.5


def test_a_stronger_penalty_is_less_sure():
    inputs = texts(TOPICS * 4, [0, 1, 2] * 4, ["corn"])
    weak, strong = (
        outcome_of("tfidf", penalty(c, labels=12, items=1), inputs)["probability"][0]
        for c in (100.0, 0.01)
    )
    assert weak > 0.9 and strong < 0.5


def test_only_the_labelled_texts_of_the_draw_are_read():
    words = [f"word{i:02d}" for i in range(40)]
    labels = np.arange(40) % 2
    one = penalty(1000.0, labels=6, items=40, draw=3)
    items = outcome_of("tfidf", one, texts(words, labels, words, names=("a", "b")))
    seen = draw_order(labels, 3)[:6]
    sure = items["probability"] > 0.75
    assert {*np.flatnonzero(sure)} == {*seen}
    assert items["predicted"][seen].tolist() == labels[seen].tolist()


def test_a_class_without_a_label_has_no_probability():
    inputs = texts(["oil", "oil"], [0, 0], ["oil", "corn"])
    items = outcome_of("tfidf", penalty(1.0, labels=2, items=2), inputs)
    assert items["predicted"].tolist() == [0, 0] and items["probability"].tolist() == [1, 1]


@pytest.mark.parametrize("arm", ["majority", "tfidf"])
def test_more_labels_than_items_are_one_sentence(arm):
    with pytest.raises(UserError) as error:
        outcome_of(arm, trial(arm=arm, labels=1001, items=1), texts(["a", "b"], [0, 1], ["c"]))
    assert str(error.value) == (
        f"letters {arm}, 1,001 labels, draw 0: 1,001 labels were asked for, letters has 2."
    )


# names

TRAIN = [
    ("江泽民到北京", [(0, "江泽民", "PER"), (4, "北京", "LOC")]),
    ("李鹏在上海", [(0, "李鹏", "PER"), (3, "上海", "LOC")]),
    ("长江很长", [(0, "长江", "LOC")]),
]


def tagging(arm, setting, labels, items=1, draw=0):
    return trial(
        task="tagging", arm=arm, labels=labels, items=items, draw=draw, setting=tuple(setting)
    )


def listed(train, test, least=0.0):
    one = tagging("dictionary", [("least", least)], len(train), len(test))
    return counts(outcome_of("dictionary", one, sentences(train, test)))


def test_a_list_finds_the_names_that_it_has_seen():
    test = [
        ("李鹏到北京", [(0, "李鹏", "PER"), (3, "北京", "LOC")]),
        ("邓小平到上海", [(0, "邓小平", "PER"), (4, "上海", "LOC")]),
        ("长江很长", []),
    ]
    assert listed(TRAIN, test) == {
        "found": [[1, 1], [0, 1], [0, 0]],
        "missed": [[0, 0], [1, 0], [0, 0]],
        "wrong": [[0, 0], [0, 0], [0, 1]],
    }


def test_a_name_that_is_mostly_no_name_is_left_out_above_its_share():
    train = [("江到家", [(0, "江", "PER")]), ("江水", []), ("江山", []), ("江风", [])]
    test = [("江来", [(0, "江", "PER")])]
    assert listed(train, test, least=0.25)["found"] == [[1, 0]]
    assert listed(train, test, least=0.26) == {
        "found": [[0, 0]],
        "missed": [[1, 0]],
        "wrong": [[0, 0]],
    }


def test_a_list_has_only_the_labelled_sentences_of_the_draw():
    train = [(f"在{name}", [(1, name, "LOC")]) for name in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳"]
    one = tagging("dictionary", [("least", 0.0)], labels=3, items=len(train), draw=2)
    found = outcome_of("dictionary", one, sentences(train, train))["found"][:, 1]
    assert {*np.flatnonzero(found)} == {*draw_order([0] * len(train), 2)[:3]}


def test_a_linear_tagger_learns_what_stands_around_a_name():
    places = ["北京", "上海", "广州", "武汉", "天津", "重庆", "沈阳", "西安"]
    train = [(f"他在{place}工作", [(2, place, "LOC")]) for place in places]
    test = [("他在南京工作", [(2, "南京", "LOC")]), ("今天下雨", [])]
    one = tagging("linear", [("strength", 1e-5)], len(train), 2)
    inputs = sentences(train, test)
    assert counts(outcome_of("linear", one, inputs)) == {
        "found": [[0, 1], [0, 0]],
        "missed": [[0, 0], [0, 0]],
        "wrong": [[0, 0], [0, 0]],
    }


def test_a_linear_tagger_says_the_same_twice():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("天地玄黄宇宙洪荒日月"), 12)) for _ in range(30)]
    pairs = [(word, [(3, word[3:5], "LOC")]) for word in words]
    one = tagging("linear", [("strength", 1e-4)], 10, 10)
    inputs = sentences(pairs[:20], pairs[20:])
    assert counts(outcome_of("linear", one, inputs)) == counts(outcome_of("linear", one, inputs))


def test_sentences_without_a_name_teach_that_there_is_none():
    test = [("在北京", [(1, "北京", "LOC")])]
    for arm, setting in (("dictionary", ("least", 0.5)), ("linear", ("strength", 1e-6))):
        items = outcome_of(
            arm, tagging(arm, [setting], 2), sentences([("好", []), ("是", [])], test)
        )
        assert counts(items) == {"found": [[0, 0]], "missed": [[0, 1]], "wrong": [[0, 0]]}
