"""Studies: which trials answer a question, the most decisive ones first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from helpers import ROOT, UserError, nearest
from helpers.sources.sampling import DRAWS
from helpers.trials.inputs import facts_of, hash_of
from helpers.trials.kept import of_origins
from helpers.trials.settings import setting_for
from helpers.trials.tasks import TASKS, task_of
from helpers.trials.tasks.retrieval import RATES_OF_RANKERS as RATES_OF_RANKERS
from helpers.trials.trial import Trial

FILE = ROOT / "data" / "studies.yaml"

TEXT_ARMS = (
    "majority", "tfidf", "tfidf_whole", "static", "frozen", "fine_tuned", "from_scratch",
)  # fmt: skip
TAG_ARMS = tuple(TASKS["tagging"].setups)
LANGUAGE_ARMS = tuple(TASKS["language_modeling"].setups)
TRANSLATION_ARMS = tuple(TASKS["translation"].setups)
RANKERS = tuple(TASKS["retrieval"].setups)


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
    batch_tokens: int | None = None,
) -> list[Trial]:
    """Return the trials of one arm at one label count, one a draw.

    Args:
        task: a key of :data:`helpers.trials.tasks.TASKS`.
        corpus: catalogue name, file or hub id.
        model: name of the weights.
        arm: one of the task.
        labels: labelled items, or documents; more than there are means all.
        draws: numbers of the draws.
        max_length: tokens of a text.
        pooling: what of a text the head reads, see :data:`helpers.trials.networks.HEADS`.
        split: scored items.
        facts: of the corpus, where they are known.
        setting: learning rate and so on; None takes the one that a search found.
        wrong_labels: share of the labels that are wrong.
        batch_tokens: tokens of a step; None: the task's.

    Raises:
        UserError: no such corpus or model; no setting of the arm.
    """
    kind = task_of(task)
    setup = kind.setup(arm)
    facts = facts or facts_of(corpus, task)
    labels = min(labels, facts["train"])
    chosen: dict[str, Any] = {}
    if setup.grid:
        chosen = setting_for(task, corpus, model, arm, labels) if setting is None else dict(setting)
    if setup.starts_from:
        if wrong_labels:
            raise UserError(f"The arm '{arm}': no study compresses networks of wrong labels.")
        origins = setup.starts_from
        chosen |= of_origins(
            {origin: setting_for(task, corpus, model, origin, labels) for origin in origins}
        )
    stepwise = "steps" in chosen or bool(setup.starts_from)
    chosen |= kind.fixed(setup, stepwise, pooling) | dict(setup.adds)
    if batch_tokens and "batch_tokens" in chosen:
        chosen["batch_tokens"] = batch_tokens
    reads_model = setup.reads != "texts"
    if reads_model:
        chosen["max_length"] = max_length
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
        rates: learning rates that are tried, by arm, in place of the task's.
        wrong_labels: share of the labels that are wrong, in [0, 1); the settings are those that
            were found with right ones, since who has wrong labels does not know it.
        batch_tokens: tokens of a step in place of the task's; None: those.
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
    rates: Mapping[str, Sequence[float]] = field(default_factory=dict)
    wrong_labels: float = 0.0
    batch_tokens: int | None = None

    def pairs(self) -> Iterator[tuple[str, int]]:
        """Yield arm and label count: the cheap arms first, then count by count."""
        setup = task_of(self.task).setup
        trained = self.labels if self.trained_labels is None else self.trained_labels
        for cheap, counts in ((True, self.labels), (False, trained)):
            for n in counts:
                yield from ((arm, n) for arm in self.arms if setup(arm).cheap == cheap)

    def trials(self, arm: str, labels: int, draws: Sequence[int], **rest: Any) -> list[Trial]:
        """Return :func:`trials_of` for an arm and a label count."""
        return trials_of(
            self.task, self.corpus, self.model, arm, labels, draws,
            max_length=self.max_length, pooling=self.pooling, wrong_labels=self.wrong_labels,
            batch_tokens=self.batch_tokens, **rest,
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


def _question(fields: dict[str, Any]) -> Question:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return Question(**values)


STUDIES = {
    name: _question(fields)
    for name, fields in yaml.safe_load(FILE.read_text(encoding="utf-8")).items()
}
"""The studies by name, as ``data/studies.yaml`` has them."""


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
    Then it is the first one that has these label counts, or the first one.

    >>> name_of(Question(labels=[32], draws=2)), name_of(Question(max_length=10))
    ('topics', '')
    >>> name_of(Question(arms=["fine_tuned", "two_phase"])), name_of(Question(labels=[4927]))
    ('strategies', 'all_labels')
    """
    same = ("task", "corpus", "model", "max_length", "pooling", "wrong_labels", "batch_tokens")
    alike = [
        name
        for name, known in STUDIES.items()
        if all(getattr(asked, mark) == getattr(known, mark) for mark in same)
        and {*asked.arms} <= {*known.arms}
    ]
    exact = [name for name in alike if {*asked.labels} <= {*STUDIES[name].labels}]
    return next(iter(exact + alike), "")
