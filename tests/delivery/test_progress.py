"""A kill costs what was in hand, and no more; the limit counts the work."""

import numpy as np
import pytest

from helpers.delivery import deliver as delivery
from helpers.delivery.candidates import Frozen
from helpers.delivery.clock import Clock
from helpers.delivery.deliver import UNDER_WAY, deliver
from helpers.delivery.progress import Progress
from tests.delivery import made


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def killed_before_the_end(monkeypatch):
    """End the process, as it were, when all candidates are compared and none is taken yet."""

    def ending(*_):
        raise Killed

    monkeypatch.setattr(delivery, "_finish", ending)


def test_what_was_compared_is_not_compared_again(tmp_path, encoder, monkeypatch):
    corpus, options = made.corpus(80), {"encoders": [encoder], "fine_tune": False, "max_length": 32}
    whole = deliver(corpus, _new(tmp_path / "whole"), Clock(5), **options)
    out = _new(tmp_path / "killed")
    with monkeypatch.context() as patch:
        killed_before_the_end(patch)
        with pytest.raises(Killed):
            deliver(corpus, out, Clock(5), **options)
    with monkeypatch.context() as patch:
        patch.setattr(delivery.choose, "cross_validate", None)  # nothing may be compared
        lines = []
        again = deliver(corpus, out, Clock(5, lines.append), **options)
    assert again.candidates == whole.candidates and again.delivered == whole.delivered
    assert sum("was compared before the stop" in line for line in lines) == 5
    assert not (out / UNDER_WAY).exists()
    np.testing.assert_array_equal(again.probabilities["chosen"], whole.probabilities["chosen"])


@pytest.mark.parametrize("kind", ["fine_tuned", "frozen"])
def test_a_tuned_network_is_kept_too(tmp_path, encoder, monkeypatch, kind):
    monkeypatch.setattr("helpers.delivery.tuning.PLANS", ((1, 2),))
    monkeypatch.setattr("helpers.delivery.contrastive.PLANS", (((3e-3,), 2),))
    taken = -1 if kind == "fine_tuned" else -2
    monkeypatch.setattr(delivery.choose, "simplest", lambda tried, _: tried[taken])
    corpus, options = made.corpus(60), {"encoders": [encoder], "max_length": 32}
    with monkeypatch.context() as patch:
        killed_before_the_end(patch)
        with pytest.raises(Killed):
            deliver(corpus, tmp_path, Clock(5), **options)
    with monkeypatch.context() as patch:
        patch.setattr(delivery.choose, "cross_validate", None)
        answer = deliver(corpus, tmp_path, Clock(5), **options)
    assert answer.delivered["kind"] == kind and "tuned" in answer.delivered["name"]
    assert np.isfinite(answer.probabilities["chosen"]).all()


def test_other_texts_or_parameters_begin_anew(tmp_path, monkeypatch):
    options = {"encoders": [], "fine_tune": False}
    with monkeypatch.context() as patch:
        killed_before_the_end(patch)
        with pytest.raises(Killed):
            deliver(made.corpus(80), tmp_path, Clock(5), **options)
    lines = []
    deliver(made.corpus(80), tmp_path, Clock(4, lines.append), **options)
    assert not any("before the stop" in line for line in lines)


def test_a_text_is_read_once_whatever_happens_between(tmp_path, encoder):
    texts, _ = made.rows(30)
    first, second = (Frozen(encoder, 32, "float32") for _ in range(2))
    first.read = Progress(tmp_path / "p", "key").remembering("x", first.read)
    vectors = first.vectors(texts[:20])
    progress = Progress(tmp_path / "p", "key")
    assert progress.spent == 0 and progress.plan("x") is None  # nothing was planned: begun anew
    assert not (tmp_path / "p").exists()
    first.kept.clear()
    progress.note("x", [{"C": 1.0}], 20, 7.0)
    first.read = progress.remembering("x", first.read)
    first.vectors(texts[:20])
    later = Progress(tmp_path / "p", "key")
    assert later.spent == 7.0 and later.plan("x") == ([{"C": 1.0}], 20)
    asked = []
    second.read = later.remembering("x", lambda some: asked.extend(some) or first.read(some))
    np.testing.assert_array_equal(second.vectors(texts)[:20], vectors)
    assert set(asked) == set(texts[20:]) - set(texts[:20])
    assert Progress(tmp_path / "p", "another").planned == {}


def test_the_seconds_before_the_stop_are_spent(tmp_path, monkeypatch):
    corpus, options = made.corpus(80), {"encoders": [], "fine_tune": False}
    with monkeypatch.context() as patch:
        killed_before_the_end(patch)
        with pytest.raises(Killed):
            deliver(corpus, tmp_path, Clock(5), **options)
    file = tmp_path / UNDER_WAY / "progress.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.rindex(" ")] + " 100.0}", encoding="utf-8")
    answer = deliver(corpus, tmp_path, Clock(5), **options)
    assert answer.seconds >= 100


def _new(folder):
    folder.mkdir()
    return folder
