"""From labelled texts to a model's folder, within a limit of time: the whole of it.

Texts that choose nothing are set aside first (the corpus's test split). Candidates are compared on
the others, the taken one is judged on those set aside, then trained on every label and written.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers.delivery import choose, curve, folder
from helpers.delivery.answer import SHOWN, Answer
from helpers.delivery.candidates import Bag, Candidate, Frozen, Labels, Largest
from helpers.delivery.choose import Tried
from helpers.delivery.clock import Clock
from helpers.delivery.estimate import Estimate
from helpers.delivery.models import FineTuned, Model, precision_of
from helpers.delivery.progress import Progress
from helpers.delivery.tuning import FullTuning, OutOfTime, soften
from helpers.evaluation.label_noise import label_suspects
from helpers.sources.corpora import Corpus
from helpers.sources.variants import variant
from helpers.sources.weights import resolve

VERSION = 3
"""Raise it when the same texts and parameters give another answer: kept ones then expire."""

UNDER_WAY = "under_way"
"""Folder for what a kill must not cost, see :mod:`helpers.delivery.progress`."""

ALWAYS = 10_000
"""So many labels TF-IDF of words learns from whatever the limit of time."""


def deliver(
    corpus: Corpus,
    out: Path,
    clock: Clock,
    *,
    encoders: Sequence[str] = ("minilm",),
    fine_tune: bool = True,
    own_test: bool = False,
    max_length: int = 128,
    device: str = "cpu",
) -> Answer:
    """Write the best model that the labels allow to ``out/model``; return what was found.

    What stands there already from the same texts and parameters is returned as it is; after a kill
    the work goes on where it was.

    Args:
        corpus: labelled texts; its test split chooses nothing.
        out: folder for ``model/``, ``answer.json`` and ``held_out.safetensors``; must exist.
        clock: has the limit of time.
        encoders: pretrained models to try, by name.
        fine_tune: whether to try that too, where there is time.
        own_test: the test split came as a file of its own, and is not learned from at the end.
        max_length: tokens that an encoder keeps of each text.
        device: for torch.

    Raises:
        UserError: an encoder that is none; the folder ``model`` holds something else. Both are told
            before any work.
    """
    key = _key(corpus, encoders, fine_tune, own_test, max_length, clock.minutes)
    kept = Answer.restore(out, key)
    if kept is not None and (out / "model" / folder.FACTS).is_file():
        return kept
    folder.check_free(out / "model")
    work = _Work(corpus, clock, Progress(out / UNDER_WAY, key))
    precision = precision_of(device)
    work.consider(Largest(), 1.0, at_least=ALWAYS)
    work.consider(Bag("words"), 0.15, at_least=ALWAYS)
    work.consider(Bag("characters"), 0.2)
    for name in encoders:
        work.consider(lambda name=name: Frozen(name, max_length, precision), 0.4)
    if fine_tune:
        place = torch.device(device)
        work.consider(lambda: FullTuning(encoders[0], max_length, precision, place), 0.85)
    return work.finish(out, key, own_test)


def _key(corpus: Corpus, encoders: Sequence[str], *rest: Any) -> str:
    prints = [resolve(variant(name).name).fingerprint for name in encoders]
    whole = json.dumps([VERSION, corpus.fingerprint, list(encoders), prints, *rest])
    return hashlib.sha256(whole.encode()).hexdigest()


class _Work:
    """The labelled texts, and what has been tried on them so far."""

    def __init__(self, corpus: Corpus, clock: Clock, progress: Progress) -> None:
        self.corpus, self.clock, self.names = corpus, clock, corpus.label_names
        self.progress = progress
        clock.started -= progress.spent
        parts = [corpus.splits[name] for name in ("train", "validation")]
        self.texts = [text for part in parts for text in part["text"]]
        self.labels = np.array([n for part in parts for n in part["label"]])
        self.unseen = list(corpus.splits["test"]["text"])
        self.truth = np.array(corpus.splits["test"]["label"])
        self.folds = choose.folds_of(self.labels)
        self.asked = self.labels[choose.held_out_places(self.folds)]
        self.tried: list[Tried] = []
        self.most: dict[str, int] = {}
        self.left_out: list[str] = []

    def consider(self, made: Any, share: float, at_least: int = 0) -> None:
        """Try a candidate (or what makes it) in at most this share of the time that is left."""
        seconds = share * self.clock.left
        if seconds <= 0 and not at_least:
            over = "The time was over before the further candidates; allow more minutes."
            self.left_out = list(dict.fromkeys([*self.left_out, over]))
            return
        candidate: Candidate = made() if callable(made) else made
        name = candidate.name
        known = self.progress.plan(name)
        before = self.progress.tried(candidate) if known else None
        if known and before:
            self.clock.tell(f"{name}: was compared before the stop")
            self.tried.append(before)
            self.most[name] = known[1]
        if isinstance(candidate, Frozen):
            candidate.read = self.progress.remembering(name, candidate.read)
        if before:
            return
        self.clock.tell(f"{name}: how long would it take?")
        # all folds with every setting, then once more for the estimate and for what is delivered
        passes = sum(len(fit) for fit, _ in self.folds) / len(self.texts) + 1
        settings, most = known or candidate.plan(
            self.texts, self.labels, len(self.names), seconds, passes
        )
        most = max(most, min(at_least, len(self.texts)))
        if most < min(len(self.texts), 2 * len(self.names)):
            self.left_out.append(f"There was no time for {name}; allow more minutes.")
            return
        self.progress.note(name, settings, most, self.clock.spent)
        self.clock.tell(f"{name}: {min(most, len(self.texts)):,} labels")
        if isinstance(candidate, FullTuning):
            # Training it on all labels must fit in behind the comparison.
            share = min(0.9, 1.15 * (passes - 1) / passes)
            candidate.deadline = time.monotonic() + seconds * share
        try:
            found = choose.cross_validate(
                candidate, self.texts, self.labels, len(self.names), self.folds, settings, most
            )
        except OutOfTime:
            self.left_out.append(
                f"There was too little time for {name}: it was slower than it began; "
                "allow more minutes."
            )
            return
        self.tried.append(found)
        self.most[name] = most
        self.progress.keep(found, self.names)
        self.progress.say(self.clock.spent)

    def finish(self, out: Path, key: str, own_test: bool) -> Answer:
        """Take one, judge it, measure the curve, train it on every label and write it."""
        taken = choose.simplest(self.tried, self.asked)
        self.clock.tell(f"Taken: {taken.candidate.name}")
        tables = {
            name: self._judge(one)
            for name, one in (
                ("chosen", taken), ("largest", self.tried[0]), ("words", self.tried[1])
            )
        }  # fmt: skip
        cheap = self._cheap(taken)
        steps = None
        self.clock.tell("Are more labels worth it?")
        needed = 3 * cheap.seconds + (taken.seconds if taken is not cheap else 0)
        if self.clock.left > needed:
            texts, labels = self._some(self.texts, self.labels, self.most[cheap.candidate.name])
            steps = curve.label_curve(
                cheap.candidate, cheap.setting, texts, labels, self.unseen, self.truth,
                len(self.names),
            )  # fmt: skip
        texts, labels = self.texts, self.labels
        if not own_test:
            texts, labels = texts + self.unseen, np.concatenate([labels, self.truth])
        # what there was no time to read stays unread
        if self.most[taken.candidate.name] < len(self.texts):
            texts, labels = self._some(texts, labels, self.most[taken.candidate.name])
        model, learned = self._delivered(taken, texts, labels)
        suspects = self._suspects(cheap if taken is self.tried[0] else taken)
        answer = Answer(
            key=key,
            names=self.names,
            candidates=self._table(taken),
            left_out=self.left_out,
            delivered={
                "name": taken.candidate.name, "kind": model.kind, "setting": dict(taken.setting),
                "labels": learned, "judged_with": self._behind(taken),
            },
            truth=self.truth,
            probabilities=tables,
            errors=self._errors(tables["chosen"]),
            suspects=suspects[:SHOWN],
            judged=len(self.asked),
            curve=steps,
            seconds=round(self.clock.spent, 1),
        )  # fmt: skip
        mine = answer.estimate()
        facts = {
            "base": taken.candidate.name, "setting": dict(taken.setting),
            "trained_on": learned, "data": self.corpus.name,
            "sha256": self.corpus.fingerprint, "licence": self.corpus.licence,
            "measured_on": len(self.truth), "accuracy": round(mine.accuracy.value, 4),
            "macro_f1": round(mine.macro_f1.value, 4),
            "mean_probability": round(float(mine.probabilities.max(1).mean()), 4),
        }  # fmt: skip
        measured = "\n".join(answer.recommendation())
        folder.save(model, out / "model", self.names, facts, measured)
        answer.store(out)
        self.progress.clear()
        self.clock.tell("Done")
        return answer

    def _delivered(self, taken: Tried, texts: Sequence[str], labels: Labels) -> tuple[Model, int]:
        """Train the taken candidate on these labels; return it and how many it learned from.

        Where a dear one turns out slower than planned, as on a machine that others use too, the
        network of the comparison is delivered instead: the limit of time is kept.
        """
        self.clock.tell(f"Training it on {len(texts):,} labels, to be delivered")
        try:
            if isinstance(taken.candidate, FullTuning):
                taken.candidate.deadline = time.monotonic() + self.clock.left
            (model,) = taken.candidate.fit(texts, labels, len(self.names), [taken.setting])
            return model, len(texts)
        except OutOfTime:
            assert isinstance(taken.model, FineTuned)
            soften(taken.model.network, taken.setting["temperature"])
            self.left_out.append(
                f"There was no time to train on all labels; {taken.labels:,} are behind the "
                "delivered model: allow more minutes."
            )
            return taken.model, taken.labels

    def _behind(self, tried: Tried) -> int:
        """Return the labels behind the estimate of a candidate."""
        return tried.labels if self._dear(tried) else min(len(self.texts), self._most(tried))

    def _most(self, tried: Tried) -> int:
        return self.most[tried.candidate.name]

    def _dear(self, tried: Tried) -> bool:
        """Whether training it once more, only to judge it, is not worth the time."""
        return isinstance(tried.candidate, FullTuning)

    def _judge(self, tried: Tried) -> Any:
        """Return what the candidate says of the texts that chose nothing, (n, c)."""
        if self._dear(tried) and tried.model is not None:
            return choose.tempered(
                tried.model.probabilities(self.unseen), tried.setting["temperature"]
            )
        texts, labels = self._some(self.texts, self.labels, self._most(tried))
        (model,) = tried.candidate.fit(texts, labels, len(self.names), [tried.setting])
        return model.probabilities(self.unseen)

    def _some(self, texts: Sequence[str], labels: Labels, most: int) -> tuple[list[str], Labels]:
        """Return at most so many labelled texts, drawn at random."""
        if len(texts) <= most:
            return list(texts), labels
        chosen = np.sort(choose.shuffled(np.arange(len(texts)))[:most])
        return [texts[i] for i in chosen], labels[chosen]

    def _cheap(self, taken: Tried) -> Tried:
        """Return what the curve is of: the taken one, or the best that is trained in no time."""
        if not isinstance(taken.candidate, FullTuning):
            return taken
        cheap = [one for one in self.tried if not isinstance(one.candidate, FullTuning)]
        return max(cheap, key=lambda one: max(one.scores))

    def _suspects(self, tried: Tried) -> list[dict[str, str]]:
        """Return labels that a model which was not fitted to them finds wrong."""
        places = choose.held_out_places(self.folds)
        return [
            {
                "label": self.names[self.asked[i]],
                "rather": self.names[int(tried.probabilities[i].argmax())],
                "text": self.texts[places[i]][:300],
            }
            for i in label_suspects(tried.probabilities, self.asked)
        ]

    def _errors(self, probabilities: Any) -> list[dict[str, Any]]:
        mine = Estimate(self.names, self.truth, probabilities)
        return [
            {
                "label": self.names[self.truth[i]],
                "answer": self.names[mine.predicted[i]],
                "probability": float(probabilities[i].max()),
                "text": self.unseen[i][:300],
            }
            for i in mine.errors()[:SHOWN]
        ]

    def _table(self, taken: Tried) -> list[dict[str, Any]]:
        return [
            {
                "candidate": one.candidate.name,
                "labels": one.labels,
                "log-probability": float(choose.log_scores(one.probabilities, self.asked).mean()),
                "accuracy": float((one.probabilities.argmax(1) == self.asked).mean()),
                "behind": behind,
                "standard error": error,
                "taken": one is taken,
            }
            for one, behind, error in choose.ranking(self.tried, self.asked)
        ]
