"""Stored translations: scores of a whole corpus, of any choice of its items, as sacrebleu's."""

import numpy as np
import pytest
import sacrebleu

from helpers import UserError
from helpers.trials import studies, translations
from helpers.trials.outcome import Outcome
from helpers.trials.reading import Read
from helpers.trials.rows import pack_texts
from helpers.trials.studies import Question
from helpers.trials.translating import kept
from tests.trials.made import ORIGIN

TARGETS = ["打开文件", "关闭", "复制单元格", "移动 %s", "内核", "标签页", "另存为", "全部保存"]
GOOD = ["打开文件", "关闭", "复制单元", "移动 %s", "内核", "标签", "保存", "全部保存"]
POOR = ["文件", "关", "单元格复制", "%s", "内\ufffd", "页", "", "全部"]


def outcome(texts):
    target, starts = pack_texts(TARGETS)
    inputs = {"test.target": target, "test.target_starts": starts, "test.text_starts": starts}
    return Outcome(kept(texts, inputs, "test"), origin=dict(ORIGIN))


def reading(good=GOOD, poor=POOR):
    each = {("good", 5): good, ("poor", 5): poor}
    outcomes = {
        key: {draw: outcome(texts[draw:] + texts[:draw]) for draw in (0, 1)}
        for key, texts in each.items()
    }
    return Read(outcomes, "", True, [])


@pytest.mark.parametrize("measure", ["chrf", "bleu"])
def test_a_score_is_that_of_the_whole_corpus(measure):
    arms = translations.translated(reading(), measure)
    own = {"chrf": sacrebleu.corpus_chrf, "bleu": sacrebleu.corpus_bleu}[measure]
    more = {"tokenize": "zh"} if measure == "bleu" else {}
    for draw in (0, 1):
        expected = own(GOOD[draw:] + GOOD[:draw], [TARGETS], **more).score
        assert arms.by_draw("good", 5)[draw] == pytest.approx(expected)
    assert arms.measure == measure


def test_the_counts_give_the_score_of_any_choice_of_items():
    arms = translations.translated(reading(), "chrf")
    chosen = np.random.default_rng(0).integers(0, len(TARGETS), 20)
    means = arms.of("good", 5)[0][chosen].mean(0)
    texts, gold = [GOOD[i] for i in chosen], [TARGETS[i] for i in chosen]
    assert arms.statistic(means) == pytest.approx(sacrebleu.corpus_chrf(texts, [gold]).score)


def test_a_difference_has_the_value_and_the_sign_of_the_scores():
    arms = translations.translated(reading())
    gain = arms.difference("good", "poor", 5)
    expected = arms.by_draw("good", 5) - arms.by_draw("poor", 5)
    assert gain.value == pytest.approx(expected.mean()) and gain.value > 0
    assert gain.low < gain.value < gain.high


def test_texts_and_their_broken_characters():
    assert translations.written(reading(), "poor", 5) == POOR
    assert translations.broken_share(POOR) == 1 / 8


def test_an_arm_that_was_never_searched_is_left_out_and_nothing_is_complete(monkeypatch):
    def setting_for(task, corpus, model, arm, labels):
        if arm in missing:
            raise UserError(f"No setting of {arm}.")
        return {}

    def stored(asked, use):
        given.append((list(asked.arms), use))
        return reading()

    given = []
    for module in (studies, translations.searches):
        monkeypatch.setattr(module, "setting_for", setting_for)
    monkeypatch.setattr(translations.reading, "read", stored)
    asked = Question(task="translation", arms=("copy", "memory", "fine_tuned"), labels=(5,))
    missing = ("fine_tuned",)
    found = translations.read(asked, "stored")
    assert not found.complete and found.sentence == (
        " No setting of fine tuned has been found yet: left out, so no verdict."
    )
    missing = ()
    assert translations.read(asked, "stored").complete
    assert given == [(["copy", "memory"], "stored"), (["copy", "memory", "fine_tuned"], "stored")]
