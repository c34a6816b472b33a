"""Studies: which trials answer a question, the most decisive ones first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers import UserError, nearest
from helpers.sources.sampling import DRAWS, TUNING
from helpers.trials import vectors
from helpers.trials.inputs import facts_of, hash_of
from helpers.trials.kept import COMPRESSED, of_origins, starts_from
from helpers.trials.kinds import (
    CHEAP,
    LANGUAGE_ARMS,
    RANKERS,
    RATES,
    RATES_OF_RANKERS,
    RATES_OF_SMALL,
    TAG_ARMS,
    TEXT_ARMS,
    TRANSLATION_ARMS,
    searched,
)
from helpers.trials.settings import (
    BATCH_PAIRS,
    BATCH_TOKENS,
    GRIDS,
    NETWORK,
    TWO_PHASE,
    WRITER,
    grid,
    setting_for,
)  # fmt: skip
from helpers.trials.trial import BY_STRATEGY, Trial


def trials_of(
    task: str,
    corpus: str,
    model: str,
    arm: str,
    labels: int,
    draws: Sequence[int],
    *,
    max_length: int,
    pooling: str = "mean",
    split: str = "test",
    facts: dict[str, Any] | None = None,
    setting: dict[str, Any] | None = None,
    wrong_labels: float = 0.0,
) -> list[Trial]:
    """Return the trials of one arm at one label count, one a draw.

    Args:
        task: a key of :data:`helpers.trials.trial.PROTOCOLS`.
        corpus: catalogue name, file or hub id.
        model: name of the weights.
        arm: a key of :data:`helpers.trials.arms.ARMS`.
        labels: labelled items, or documents; more than there are means all.
        draws: numbers of the draws.
        max_length: tokens of a text.
        pooling: what of a text the head reads, see :data:`helpers.trials.networks.HEADS`.
        split: scored items.
        facts: of the corpus, where they are known.
        setting: learning rate and so on; None takes the one that a search found.
        wrong_labels: share of the labels that are wrong.

    Raises:
        UserError: no such corpus or model; no setting of the arm.
    """
    facts = facts or facts_of(corpus, task)
    labels = min(labels, facts["train"])
    chosen: dict[str, Any] = {}
    if searched(task, arm):
        chosen = setting_for(task, corpus, model, arm, labels) if setting is None else dict(setting)
    if arm in COMPRESSED:
        if wrong_labels:
            raise UserError(f"The arm '{arm}': no study compresses networks of wrong labels.")
        found = {
            origin: setting_for(task, corpus, model, origin, labels) for origin in starts_from(arm)
        }
        chosen |= of_origins(found) | COMPRESSED[arm]
    on_vectors = task in vectors.TASKS
    without = ("majority", "tfidf_whole", "dictionary", "linear", "random")
    reads_model = on_vectors or arm not in (*without, "copy", "glossary", "memory")
    if reads_model:
        chosen |= {"max_length": max_length} | vectors.FIXED.get(task, {})
    if reads_model and task == "translation":
        chosen |= NETWORK | WRITER
    elif reads_model and not on_vectors and arm not in ("tfidf", "unigram", "bm25"):
        if task in ("classification", "tagging"):
            chosen |= {"pooling": "token" if task == "tagging" else pooling}
        chosen |= {"precision": NETWORK["precision"], "dropout": NETWORK["dropout"]}
        if "steps" in chosen and task == "retrieval":
            chosen["batch_pairs"] = BATCH_PAIRS
        elif "steps" in chosen or arm in COMPRESSED:
            chosen["batch_tokens"] = BATCH_TOKENS.get(task, NETWORK["batch_tokens"])
        if (task, arm) == ("language_modeling", "two_phase"):
            chosen |= TWO_PHASE
    if wrong_labels:
        chosen["wrong_labels"] = wrong_labels
    return [
        Trial(
            task=task,
            corpus=corpus,
            corpus_hash=facts["hash"],
            arm=arm,
            labels=labels,
            draw=draw,
            items=facts[split],
            split=split,
            model=model if reads_model else "",
            model_hash=hash_of(model) if reads_model else "",
            setting=tuple(chosen.items()),
        )
        for draw in draws
    ]


RATES_OF_LANGUAGE: dict[str, tuple[float, ...]] = {
    "fine_tuned": (3e-4, 1e-3, 3e-3),
    "source_continued": (1e-4, 3e-4, 1e-3),
    "joint": (3e-4, 1e-3, 3e-3),
    "two_phase": (3e-4, 1e-3, 3e-3),
    "from_scratch": (3e-4, 1e-3, 3e-3),
}
"""Of language models; of two phases that of the first one, the second has a third of it."""


@dataclass(frozen=True)
class Question:
    """What a label-efficiency study asks: every arm at every label count, over draws.

    Attributes:
        task: as :func:`trials_of`, like all that follow.
        corpus: which texts.
        model: of all arms that have one.
        arms: which.
        labels: counts, in the order of what they decide.
        trained_labels: those at which whole networks are trained; None: all.
        draws: how many.
        max_length: tokens of a text.
        pooling: what the head reads.
        notebook: that shows it.
        rates: learning rates that are tried, by arm.
        wrong_labels: share of the labels that are wrong, in [0, 1); the settings are those that
            were found with right ones, since who has wrong labels does not know it.
    """

    task: str = "classification"
    corpus: str = "reuters-r8"
    model: str = "minilm"
    arms: Sequence[str] = TEXT_ARMS
    labels: Sequence[int] = (64, 256, 16, 1024)
    trained_labels: Sequence[int] | None = None
    draws: int = DRAWS
    max_length: int = 64
    pooling: str = "mean"
    notebook: str = "06"
    rates: Mapping[str, Sequence[float]] = field(default_factory=lambda: RATES)
    wrong_labels: float = 0.0

    def pairs(self) -> Iterator[tuple[str, int]]:
        """Yield arm and label count: the cheap arms first, then count by count."""
        trained = self.labels if self.trained_labels is None else self.trained_labels
        for cheap, counts in ((True, self.labels), (False, trained)):
            for n in counts:
                yield from ((arm, n) for arm in self.arms if (arm in CHEAP) == cheap)

    def trials(self, arm: str, labels: int, draws: Sequence[int], **rest: Any) -> list[Trial]:
        """Return :func:`trials_of` for an arm and a label count."""
        return trials_of(
            self.task, self.corpus, self.model, arm, labels, draws,
            max_length=self.max_length, pooling=self.pooling, wrong_labels=self.wrong_labels,
            **rest,
        )  # fmt: skip


def label_efficiency(question: Question) -> list[Trial]:
    """Return the trials that answer a question, most decisive first.

    Raises:
        UserError: as :func:`trials_of`.
    """
    facts = facts_of(question.corpus, question.task)
    draws = range(question.draws)
    found = [
        trial
        for arm, n in question.pairs()
        for trial in question.trials(arm, n, draws, facts=facts)
    ]
    return list(dict.fromkeys(found))  # counts above what there is are all the same


STUDIES = {
    "topics": Question(),
    "news": Question(
        corpus="reuters-r52",
        model="gpt2-mini",
        labels=(128, 1024),
        rates=RATES_OF_SMALL,
        notebook="09",
    ),
    "news_encoder": Question(
        corpus="reuters-r52", arms=("frozen",), labels=(128, 1024), notebook="09"
    ),
    **{name: Question(**asked) for name, asked in vectors.QUESTIONS.items()},
    "wrong_labels": Question(labels=(256,), wrong_labels=0.2, notebook="03"),
    "entities": Question(
        task="tagging",
        corpus="peoples-daily",
        model="bert-zh-mini",
        arms=TAG_ARMS,
        labels=(200, 2000),
        notebook="10",
    ),
    "compression": Question(
        arms=("majority", "from_scratch", *COMPRESSED), labels=(256,), notebook="13"
    ),
    "strategies": Question(
        arms=("majority", "tfidf", "frozen", "fine_tuned", "from_scratch", *BY_STRATEGY),
        labels=(64,),
        notebook="08",
    ),
    "translation": Question(
        task="translation",
        corpus="jupyterlab-zh",
        model="gpt2-mini",
        arms=TRANSLATION_ARMS,
        labels=(2167,),  # all pairs: a draw is new weights and another order
        max_length=128,
        rates=dict.fromkeys(("fine_tuned", "from_scratch"), (1e-3, 3e-3, 1e-2)),
        notebook="11",
    ),
    "outlets": Question(
        task="language_modeling",
        corpus="newsarticles:tass.com",
        model="gpt2-mini",
        arms=LANGUAGE_ARMS,
        labels=(32,),
        max_length=256,
        rates=RATES_OF_LANGUAGE,
        notebook="05",
    ),
    "replies": Question(
        task="retrieval",
        corpus="chitchat",
        arms=RANKERS,
        labels=(256,),
        max_length=24,
        rates=RATES_OF_RANKERS,
        notebook="12",
    ),
}
"""The studies by name; of two that share task, corpus and model the one with fewer arms first."""


def question(name: str) -> Question:
    """Return what a study asks.

    Raises:
        UserError: no such study.
    """
    if name not in STUDIES:
        raise UserError(f"There is no study '{name}'.{nearest(name, STUDIES)}")
    return STUDIES[name]


def name_of(asked: Question) -> str:
    """Return the study whose question this is, with any label counts and draws; "" for none.

    Its arms are the study's or some of them: two studies may ask the same of one corpus and model.

    >>> name_of(Question(labels=[32], draws=2)), name_of(Question(max_length=10))
    ('topics', '')
    >>> name_of(Question(arms=["fine_tuned", "two_phase"]))
    'strategies'
    """
    same = ("task", "corpus", "model", "max_length", "pooling", "wrong_labels")
    for name, known in STUDIES.items():
        alike = all(getattr(asked, mark) == getattr(known, mark) for mark in same)
        if alike and {*asked.arms} <= {*known.arms}:
            return name
    return ""


def unsearched(asked: Question) -> list[str]:
    """Return the arms of a question for which no setting was found anywhere yet.

    Their trials cannot be defined, so they are missing whatever is stored.
    """
    arms = []
    for arm in (one for one in asked.arms if searched(asked.task, one)):
        try:
            setting_for(asked.task, asked.corpus, asked.model, arm, asked.labels[0])
        except UserError:
            arms.append(arm)
    return arms


def search(asked: Question) -> list[tuple[dict[str, Any], list[Trial]]]:
    """Return what a search tries: for each arm and label count its marks and its trials.

    All are on the tuning draw and on validation items.

    Raises:
        UserError: a study of wrong labels, which takes the settings of right ones.
    """
    if asked.wrong_labels:
        raise UserError(
            "A study of wrong labels takes the settings that were found with right ones: there is "
            "nothing to search."
        )
    facts = facts_of(asked.corpus, asked.task)
    found = []
    for arm, n in asked.pairs():
        kind = GRIDS.get((asked.task, arm), arm)
        split = vectors.chosen_on(asked.task, arm)
        trials = [
            trial
            for setting in grid(kind, n, asked.rates.get(arm, ()), asked.task)
            for trial in asked.trials(arm, n, [TUNING], facts=facts, split=split, setting=setting)
        ]
        if trials:
            marks = {mark: getattr(asked, mark) for mark in ("task", "corpus", "model")}
            found.append((marks | {"arm": arm, "labels": trials[0].labels}, trials))
    return found
