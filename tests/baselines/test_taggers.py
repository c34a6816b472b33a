"""The dictionary and the linear tagger, on sentences where the answer is known."""

import numpy as np
import pytest
from datasets import Dataset

from helpers.baselines.taggers import dictionary, linear_tagger
from helpers.tasks.tagging_scores import entity_scores
from helpers.tasks.tags import repair


def tagged(*sentences):
    """Make items of texts in which [江泽民 PER] stands for an entity."""
    texts, tags = [], []
    for sentence in sentences:
        text, own = "", []
        for piece in sentence.replace("[", "|[").replace("]", "]|").split("|"):
            if piece.startswith("["):
                name, kind = piece[1:-1].split()
                text += name
                own += [f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)]
            else:
                text += piece
                own += ["O"] * len(piece)
        texts.append(text)
        tags.append(own)
    return Dataset.from_dict({"text": texts, "tags": tags})


def found(train, *sentences, **settings):
    test = tagged(*sentences)
    return dictionary(train, test, **settings), list(test["tags"])


def test_the_longest_match_counts():
    train = tagged("[中国 LOC]好", "[中国队 ORG]好", "[中国队 ORG]坏")
    predicted, right = found(train, "去[中国队 ORG]和[中国 LOC]")
    assert predicted == right


def test_matches_are_taken_from_left_to_right():
    train = tagged("[北京 LOC]", "[京广 LOC]")
    predicted, right = found(train, "[北京 LOC]广")
    assert predicted == right


def test_the_most_frequent_type_counts_and_of_equals_the_first_in_the_alphabet():
    train = tagged("[华盛顿 LOC]", "[华盛顿 PER]", "[华盛顿 PER]", "[长江 ORG]", "[长江 LOC]")
    predicted, right = found(train, "[华盛顿 PER]在[长江 LOC]")
    assert predicted == right


def test_a_string_that_is_mostly_no_entity_is_left_out():
    train = tagged("[江 PER]来", "长江", "珠江", "[李 PER]", "桃李")
    predicted, right = found(train, "江和[李 PER]")  # 江 is right 1 of 3 times, 李 1 of 2
    assert predicted == right
    predicted, right = found(train, "[江 PER]和[李 PER]", least=0)
    assert predicted == right


def test_a_dictionary_without_entities_finds_none():
    predicted, right = found(tagged("你好"), "北京")
    assert predicted == right == [["O", "O"]]


@pytest.fixture(scope="module")
def cities():
    """Places behind 在 and persons before 说: what a window of two characters can tell."""
    rng = np.random.default_rng(0)
    letters = [chr(0x4E00 + i) for i in range(300)]

    def sentence():
        a, b, c, d, e = rng.choice(letters, 5)
        return rng.choice([f"{a}在[{b}{c} LOC]。{d}", f"[{a}{b} PER]说{c}{d}", f"{c}{d}{e}{a}"])

    return tagged(*(sentence() for _ in range(400))), tagged(*(sentence() for _ in range(100)))


def test_the_linear_tagger_finds_names_that_it_never_saw(cities):
    train, test = cities
    predicted = linear_tagger(train, test)
    scores = entity_scores(test["tags"], predicted, ["PER", "LOC"])
    assert scores["f1_LOC"] > 0.95
    assert scores["f1"] > 0.85
    assert entity_scores(test["tags"], dictionary(train, test), ["PER", "LOC"])["f1"] < 0.2


def test_its_tags_are_valid_and_the_seed_decides_them(cities):
    train, test = cities
    few = train.select(range(10))
    one, same, other = (linear_tagger(few, test, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert all(repair(tags) == tags for tags in one)
    assert [len(tags) for tags in one] == [len(text) for text in test["text"]]


def test_with_one_tag_only_that_is_predicted():
    assert linear_tagger(tagged("你好"), tagged("北京人")) == [["O", "O", "O"]]
