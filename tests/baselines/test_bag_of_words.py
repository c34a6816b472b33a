"""Baselines against scikit-learn's own."""

import numpy as np
import pytest
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from helpers.baselines.bag_of_words import (
    bag_of_words,
    tfidf_logistic,
    tfidf_probabilities,
)
from helpers.sources.corpora import load_texts


def texts(pairs):
    return Dataset.from_dict({"text": [t for t, _ in pairs], "label": [c for _, c in pairs]})


TRAIN = texts([("red apple", 0), ("green apple", 0), ("old car", 1), ("apple pie", 0), ("car", 1)])
TEST = texts([("apple", 0), ("fast car", 1), ("zebra", 0)])


def test_words_decide_and_an_unknown_text_gets_some_class():
    predicted = tfidf_logistic(TRAIN, TEST)
    assert list(predicted[:2]) == [0, 1] and predicted[2] in (0, 1)


def test_one_class_is_predicted_throughout():
    assert (tfidf_logistic(TRAIN.select([0, 1]), TEST) == np.zeros(3)).all()


def test_the_test_texts_are_not_learned_from():
    other = texts([("apple", 1), ("fast car", 0), ("zebra zebra", 1)])
    first = tfidf_logistic(TRAIN, TEST)
    tfidf_logistic(TRAIN, other)
    assert (tfidf_logistic(TRAIN, TEST) == first).all()


def test_where_there_are_spaces_words_are_scikit_learns():
    analyze = TfidfVectorizer().build_analyzer()
    for text in load_texts("newsarticles").splits["test"]["text"][:100]:
        assert bag_of_words(text) == analyze(text)


def test_without_spaces_a_bag_of_words_still_learns():
    rng = np.random.default_rng(0)
    made = [
        ("".join(rng.choice(list("天地玄黄宇宙" if i % 2 else "日月盈昃辰宿"), 6)), i % 2)
        for i in range(60)
    ]
    answer = tfidf_logistic(texts(made[:30]), texts(made[30:]))
    assert answer.tolist() == [label for _, label in made[30:]]


def test_texts_without_a_word_get_the_most_frequent_class():
    bare = texts([("? !", 1), ("a", 1), ("1", 0)])
    assert tfidf_logistic(bare, TEST).tolist() == [1, 1, 1]


# probabilities


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("regularization", [0.1, 10.0])
def test_probabilities_are_scikit_learns(regularization, balanced):
    found = tfidf_probabilities(
        TRAIN["text"], TRAIN["label"], TEST["text"], regularization, balanced=balanced
    )
    weigh = TfidfVectorizer(sublinear_tf=True)
    model = LogisticRegression(C=regularization, class_weight="balanced" if balanced else None)
    model.fit(weigh.fit_transform(list(TRAIN["text"])), list(TRAIN["label"]))
    expected = model.predict_proba(weigh.transform(list(TEST["text"])))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(found.sum(1), 1)
    likeliest = tfidf_logistic(TRAIN, TEST, regularization, balanced=balanced)
    assert (found.argmax(1) == likeliest).all()


def test_a_class_without_a_text_has_probability_0():
    labels = [3 * label + 1 for label in TRAIN["label"]]
    found = tfidf_probabilities(TRAIN["text"], labels, TEST["text"])
    assert found.shape == (3, 5)
    assert (found[:, [0, 2, 3]] == 0).all()
    plain = tfidf_probabilities(TRAIN["text"], TRAIN["label"], TEST["text"])
    np.testing.assert_allclose(found[:, [1, 4]], plain)


def test_what_decides_nothing_is_certain_of_one_class():
    alone = tfidf_probabilities(["red apple", "pie"], [2, 2], ["apple", "zebra"])
    assert alone.tolist() == [[0, 0, 1]] * 2
    wordless = tfidf_probabilities(["?", "!", "."], np.array([1, 1, 0]), ["apple"])
    assert wordless.tolist() == [[0, 1]]


def test_more_classes_have_their_probabilities_in_order():
    texts_of = [f"{word} {other}" for word in ("apple", "car", "ship") for other in ("old", "new")]
    found = tfidf_probabilities(texts_of, [0, 0, 1, 1, 2, 2], ["ship", "apple", "car", "old"])
    assert found.argmax(1)[:3].tolist() == [2, 0, 1]
    np.testing.assert_allclose(found[3], 1 / 3, atol=1e-3)
