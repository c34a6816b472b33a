"""Candidates that are tried one after the other on the same labelled texts, as time allows.

Each gets a share of the time that is left, in which it is planned, compared and, were it taken,
trained once more. What was compared before a kill is not compared again.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from helpers.delivery import choose
from helpers.delivery.candidates import Candidate, Frozen, Labels, Setting
from helpers.delivery.choose import Tried
from helpers.delivery.clock import Clock
from helpers.delivery.progress import Progress
from helpers.delivery.tuning import OutOfTime, Tuning
from helpers.sources.corpora import Corpus


class Contest:
    """The labelled texts of a corpus, and what has been tried on them so far.

    Attributes:
        corpus: where they come from.
        names: the classes', in the order of their numbers.
        texts: n labelled ones, of the training and validation splits.
        labels: their classes, (n,).
        unseen: texts that choose nothing, those of the test split.
        truth: their classes.
        asked: classes of the texts that candidates are compared on.
        tried: candidates that were compared, the simplest first.
        left_out: why others were not, a sentence each.
    """

    def __init__(self, corpus: Corpus, clock: Clock, progress: Progress) -> None:
        """Begin with nothing tried; the seconds spent before a kill are spent."""
        self.corpus, self.clock, self.names = corpus, clock, corpus.label_names
        self.progress = progress
        clock.started -= progress.spent
        splits = [corpus.splits[name] for name in ("train", "validation")]
        self.texts = [text for split in splits for text in split["text"][:]]
        self.labels = np.array([label for split in splits for label in split["label"][:]])
        self.unseen = corpus.splits["test"]["text"][:]
        self.truth = np.array(corpus.splits["test"]["label"][:])
        self.folds = choose.folds_of(self.labels)
        self.asked = self.labels[choose.held_out_places(self.folds)]
        self.tried: list[Tried] = []
        self.left_out: list[str] = []
        self._most: dict[str, int] = {}

    def consider(self, made: Callable[[], Candidate], share: float, at_least: int = 0) -> None:
        """Compare a candidate in at most a share of the time that is left, or leave it out.

        Args:
            made: makes it, once there is time for it.
            share: in (0, 1].
            at_least: labels that it learns from whatever the limit of time.
        """
        seconds = share * self.clock.left
        if seconds <= 0 and not at_least:
            self._leave_out("The time was over before the further candidates")
            return
        candidate = made()
        name, n = candidate.name, len(self.texts)
        if isinstance(candidate, Frozen):
            candidate.read = self.progress.remembering(name, candidate.read)
        if self._was_compared(candidate):
            return
        settings, most = self._plan(candidate, seconds)
        most = max(most, min(at_least, n))
        if most < min(n, 2 * len(self.names)):
            self._leave_out(f"There was no time for {name}")
            return
        self.progress.note(name, settings, most, self.clock.spent)
        self.clock.tell(f"{name}: {min(most, n):,} labels")
        if isinstance(candidate, Tuning):
            # Training it on all labels must fit in behind the comparison.
            share = min(0.9, 1.15 * (self._passes - 1) / self._passes)
            candidate.deadline = time.monotonic() + seconds * share
        try:
            found = choose.cross_validate(
                candidate, self.texts, self.labels, len(self.names), self.folds, settings, most
            )
        except OutOfTime:
            self._leave_out(f"There was too little time for {name}: it was slower than it began")
            return
        self.tried.append(found)
        self._most[name] = most
        self.progress.keep(found, self.names)
        self.progress.say(self.clock.spent)

    def most(self, tried: Tried) -> int:
        """Return how many labels a candidate had the time to learn from."""
        return min(self._most[tried.candidate.name], len(self.texts))

    def readable(
        self, tried: Tried, texts: Sequence[str], labels: Labels
    ) -> tuple[list[str], Labels]:
        """Return of labelled texts what a candidate has the time to learn from.

        All of them where it had time for all texts of the comparison; otherwise so many, drawn at
        random.
        """
        most = self.most(tried)
        if most == len(self.texts):
            return list(texts), labels
        chosen = np.sort(choose.shuffled(np.arange(len(texts)))[:most])
        return [texts[i] for i in chosen], labels[chosen]

    @property
    def _passes(self) -> float:
        """How often all texts are read: in all folds, then once more for what is delivered."""
        return sum(len(fit) for fit, _ in self.folds) / len(self.texts) + 1

    def _was_compared(self, candidate: Candidate) -> bool:
        """Take up what a candidate got before a kill, if it was compared by then."""
        known = self.progress.plan(candidate.name)
        before = self.progress.tried(candidate) if known else None
        if known is None or before is None:
            return False
        self.clock.tell(f"{candidate.name}: was compared before the stop")
        self.tried.append(before)
        self._most[candidate.name] = known[1]
        return True

    def _plan(self, candidate: Candidate, seconds: float) -> tuple[Sequence[Setting], int]:
        """Return the settings to try and the labels to learn from, as planned before a kill."""
        self.clock.tell(f"{candidate.name}: how long would it take?")
        return self.progress.plan(candidate.name) or candidate.plan(
            self.texts, self.labels, len(self.names), seconds, self._passes
        )

    def _leave_out(self, why: str) -> None:
        sentence = f"{why}; allow more minutes."
        if sentence not in self.left_out:
            self.left_out.append(sentence)
