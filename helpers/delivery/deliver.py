"""From labelled texts to a model's folder, within a limit of time: the whole of it.

Texts that choose nothing are set aside first (the corpus's test split). Candidates are compared on
the others, the taken one is judged on those set aside, then trained on every label and written.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers import UserError
from helpers.delivery import choose, folder
from helpers.delivery.answer import SHOWN, Answer
from helpers.delivery.candidates import Bag, Frozen, Largest, Static, can_be_static
from helpers.delivery.choose import Tried
from helpers.delivery.clock import Clock
from helpers.delivery.contest import Contest
from helpers.delivery.contrastive import Contrastive
from helpers.delivery.curve import LabelCurve, label_curve
from helpers.delivery.estimate import Estimate
from helpers.delivery.judging import is_dear, judge
from helpers.delivery.models import Floats, Model
from helpers.delivery.networks import FineTuned, FrozenVectors, precision_of
from helpers.delivery.progress import Progress
from helpers.delivery.tuning import FullTuning, OutOfTime, Tuning, softened
from helpers.evaluation.label_noise import label_suspects
from helpers.sources.corpora import Corpus
from helpers.sources.variants import variant
from helpers.sources.weights import resolve

VERSION = 6
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
    lora_rank: int = 0,
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
        fine_tune: whether the first of them is tuned too, where there is time.
        lora_rank: of LoRA, which is then fine-tuned in place of all weights; 0: all weights.
        own_test: the test split came as a file of its own, and is not learned from at the end.
        max_length: tokens that an encoder keeps of each text.
        device: for torch.

    Raises:
        UserError: an encoder that is none; a ``lora_rank`` where nothing is fine-tuned; the folder
            ``model`` holds something else. All are told before any work.
    """
    check_tuning(fine_tune, lora_rank)
    key = _key(corpus, encoders, fine_tune, lora_rank, own_test, max_length, clock.minutes)
    kept = Answer.restore(out, key)
    if kept is not None and (out / "model" / folder.FACTS).is_file():
        return kept
    folder.check_free(out / "model")
    contest = Contest(corpus, clock, Progress(out / UNDER_WAY, key))
    precision = precision_of(device)
    contest.consider(Largest, 1.0, at_least=ALWAYS)
    contest.consider(partial(Bag, "words"), 0.15, at_least=ALWAYS)
    contest.consider(partial(Bag, "characters"), 0.2)
    for name in filter(can_be_static, encoders[:1]):
        contest.consider(partial(Static, name, precision), 0.2)
    for name in encoders:
        contest.consider(partial(Frozen, name, max_length, precision), 0.4)
    if fine_tune:
        tuned = (encoders[0], max_length, precision, torch.device(device))
        if len(contest.texts) < choose.FEW and not lora_rank:
            contest.consider(partial(Contrastive, *tuned), 0.4)
        contest.consider(partial(FullTuning, *tuned, lora_rank), 0.85)
    return _finish(contest, out, key, own_test)


def check_tuning(fine_tune: bool, lora_rank: int) -> None:
    """Refuse a rank of LoRA that nothing would use.

    Raises:
        UserError: it is above 0, and nothing is fine-tuned.

    >>> check_tuning(True, 8)
    """
    if lora_rank and not fine_tune:
        raise UserError(
            f"lora_rank is {lora_rank}, but nothing is fine-tuned: set fine_tune to true, or "
            "lora_rank to 0."
        )


def _key(corpus: Corpus, encoders: Sequence[str], *rest: Any) -> str:
    prints = [resolve(variant(name).name).fingerprint for name in encoders]
    whole = json.dumps([VERSION, corpus.fingerprint, list(encoders), prints, *rest])
    return hashlib.sha256(whole.encode()).hexdigest()


def _finish(contest: Contest, out: Path, key: str, own_test: bool) -> Answer:
    """Take one, judge it, measure the curve, train it on every label and write it."""
    largest, words = contest.tried[:2]
    taken = choose.simplest(contest.tried, contest.asked)
    cheap = _cheap(contest, taken)
    contest.clock.tell(f"Taken: {taken.candidate.name}")
    judged = {"chosen": taken, "largest": largest, "words": words}
    answers = {name: judge(contest, tried, own_test=own_test) for name, tried in judged.items()}
    tables = {name: probabilities for name, (probabilities, _) in answers.items()}
    curve = _curve(contest, taken, cheap)
    model, learned = _delivered(contest, taken, own_test)
    answer = Answer(
        key=key,
        names=contest.names,
        candidates=_table(contest, taken),
        left_out=contest.left_out,
        delivered={
            "name": taken.candidate.name, "kind": model.kind, "setting": dict(taken.setting),
            "labels": learned,
            "judged_with": answers["chosen"][1],
        },
        truth=contest.truth,
        probabilities=tables,
        errors=_errors(contest, tables["chosen"]),
        suspects=_suspects(contest, cheap if taken is largest else taken)[:SHOWN],
        judged=len(contest.asked),
        curve=curve,
        seconds=round(contest.clock.spent, 1),
    )  # fmt: skip
    corpus, mine = contest.corpus, answer.estimate()
    facts = {
        "base": taken.candidate.name, "setting": dict(taken.setting),
        "trained_on": learned, "data": corpus.name,
        "sha256": corpus.fingerprint, "licence": corpus.licence,
        "measured_on": len(contest.truth), "accuracy": round(mine.accuracy.value, 4),
        "macro_f1": round(mine.macro_f1.value, 4),
        "mean_probability": round(float(mine.probabilities.max(1).mean()), 4),
    }  # fmt: skip
    measured = "\n".join(answer.recommendation())
    folder.save(model, out / "model", contest.names, facts, measured)
    answer.store(out)
    contest.progress.clear()
    contest.clock.tell("Done")
    return answer


def _cheap(contest: Contest, taken: Tried) -> Tried:
    """Return what the curve is of: the taken one, or the best that is trained in no time."""
    if not is_dear(taken):
        return taken
    cheap = [tried for tried in contest.tried if not is_dear(tried)]
    return max(cheap, key=lambda tried: max(tried.scores))


def _curve(contest: Contest, taken: Tried, cheap: Tried) -> LabelCurve | None:
    """Return accuracy by label count, or None where there is no time for it."""
    contest.clock.tell("Are more labels worth it?")
    needed = 3 * cheap.seconds + (taken.seconds if taken is not cheap else 0)
    if contest.clock.left <= needed:
        return None
    texts, labels = contest.readable(cheap, contest.texts, contest.labels)
    return label_curve(
        cheap.candidate, cheap.setting, texts, labels, contest.unseen, contest.truth,
        len(contest.names),
    )  # fmt: skip


def _delivered(contest: Contest, taken: Tried, own_test: bool) -> tuple[Model, int]:
    """Train the taken candidate on every label; return it and how many it learned from.

    Where a dear one turns out slower than planned, as on a machine that others use too, the network
    of the comparison is delivered instead: the limit of time is kept.
    """
    texts, labels = contest.texts, contest.labels
    if not own_test:
        texts, labels = texts + contest.unseen, np.concatenate([labels, contest.truth])
    texts, labels = contest.readable(taken, texts, labels)
    contest.clock.tell(f"Training it on {len(texts):,} labels, to be delivered")
    try:
        if isinstance(taken.candidate, Tuning):
            taken.candidate.deadline = time.monotonic() + contest.clock.left
        (model,) = taken.candidate.fit(texts, labels, len(contest.names), [taken.setting])
        return model, len(texts)
    except OutOfTime:
        assert isinstance(taken.model, FineTuned | FrozenVectors)
        model = softened(taken.model, taken.setting["temperature"])
        contest.left_out.append(
            f"There was no time to train on all labels; {taken.labels:,} are behind the "
            "delivered model: allow more minutes."
        )
        return model, taken.labels


def _suspects(contest: Contest, tried: Tried) -> list[dict[str, str]]:
    """Return labels that a model which was not fitted to them finds wrong."""
    places = choose.held_out_places(contest.folds)
    return [
        {
            "label": contest.names[contest.asked[i]],
            "rather": contest.names[int(tried.probabilities[i].argmax())],
            "text": contest.texts[places[i]][:300],
        }
        for i in label_suspects(tried.probabilities, contest.asked)
    ]


def _errors(contest: Contest, probabilities: Floats) -> list[dict[str, Any]]:
    mine = Estimate(contest.names, contest.truth, probabilities)
    return [
        {
            "label": contest.names[contest.truth[i]],
            "answer": contest.names[mine.predicted[i]],
            "probability": float(probabilities[i].max()),
            "text": contest.unseen[i][:300],
        }
        for i in mine.errors()[:SHOWN]
    ]


def _table(contest: Contest, taken: Tried) -> list[dict[str, Any]]:
    return [
        {
            "candidate": tried.candidate.name,
            "labels": tried.labels,
            "log-probability": float(choose.log_scores(tried.probabilities, contest.asked).mean()),
            "accuracy": float((tried.probabilities.argmax(1) == contest.asked).mean()),
            "behind": behind,
            "standard error": error,
            "taken": tried is taken,
        }
        for tried, behind, error in choose.ranking(contest.tried, contest.asked)
    ]
