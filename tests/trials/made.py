"""What several tests of trials need: trials and outcomes that nobody trained, a corpus of facts."""

import itertools

import numpy as np

from helpers.trials import kept, searches, studies, worker
from helpers.trials.outcome import Outcome
from helpers.trials.store import Store
from helpers.trials.tasks.classification import BY_STRATEGY
from helpers.trials.trial import Trial

ORIGIN = {"device": "a processor", "threads": 1, "torch": "2.9.0", "transformers": "5.0.0"}
FACTS = {"hash": "c" * 64, "train": 500, "validation": 50, "source_validation": 40, "test": 6}


def trial(**changes):
    fields = {
        "task": "classification",
        "corpus": "letters",
        "corpus_hash": "c" * 64,
        "arm": "tfidf",
        "labels": 4,
        "draw": 0,
        "items": 6,
    }
    return Trial(**(fields | changes))


def said(*predicted, origin=ORIGIN, **more):
    """Return an outcome that says these classes."""
    items = {
        "predicted": np.array(predicted, np.uint8),
        "probability": np.linspace(0.5, 1, len(predicted)).astype(np.float16),
    }
    return Outcome(items, origin=dict(origin), **more)


def names(found, missed, wrong, **more):
    """Return an outcome of a tagger: names of each sentence, a column a type."""
    items = {"found": found, "missed": missed, "wrong": wrong}
    arrays = {what: np.array(rows, np.uint8) for what, rows in items.items()}
    return Outcome(arrays, origin=dict(ORIGIN), **more)


def store_in(folder):
    return Store(folder / "own", folder / "shipped")


def same(first, second):
    """Tell whether two outcomes are equal, arrays and their types included."""
    return (first.cost, first.origin) == (second.cost, second.origin) and all(
        mine.keys() == theirs.keys()
        and all(
            np.array_equal(array, theirs[name]) and array.dtype == theirs[name].dtype
            for name, array in mine.items()
        )
        for mine, theirs in ((first.items, second.items), (first.curve, second.curve))
    )


def setting_of(task, corpus, model, arm, labels):
    """Stand in for the settings that a search found."""
    if (
        arm in ("fine_tuned", "from_scratch", "distilled", *BY_STRATEGY)
        or arm in ("general", "pooled", "general_then_domain")
        or arm.startswith("joint")
        or (task, arm) == ("tagging", "frozen")
    ):
        return {"learning_rate": 1e-3, "steps": labels}
    return {"regularization": 10.0}


def settle_facts(monkeypatch, **changes):
    """Let studies know every corpus and model, and every arm's setting, without reading any."""
    facts = FACTS | changes
    monkeypatch.setattr(studies, "hash_of", lambda model: "d" * 64)
    for module in (studies, searches):
        monkeypatch.setattr(module, "facts_of", lambda corpus, task: facts | {"task": task})
        monkeypatch.setattr(module, "setting_for", setting_of)


def share_out_here(tasks, facts, jobs, *, report, **rest):
    """Run trials in this process, one after the other: one of their own takes seconds to start."""

    class Line:
        recv = itertools.chain(tasks, [None]).__next__

        @staticmethod
        def send(result):
            report(*result)

    worker.work(Line, facts)
    kept.keep_in(None)
